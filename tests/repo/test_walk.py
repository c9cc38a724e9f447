"""The walk: the files git would list minus our own reported rules, with git and without it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot.repo.walk import Walk, walk

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs the git executable")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No git configuration but the test's own."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


def git(root: Path, *arguments: str) -> bytes:
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True).stdout


def write(root: Path, **files: str) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def paths(walked: Walk) -> list[str]:
    return [file.path for file in walked.files]


def reasons(walked: Walk) -> dict[str, str]:
    return {skipped.path: skipped.reason for skipped in walked.skipped}


def listed(root: Path) -> set[str]:
    out = git(root, "ls-files", "-co", "--exclude-standard", "-z")
    return {os.fsdecode(path).rstrip("/") for path in out.split(b"\0") if path}


def without_git(monkeypatch: pytest.MonkeyPatch, root: Path) -> Walk:
    with monkeypatch.context() as context:
        context.setenv("PATH", "")
        return walk(root)


@pytest.fixture(params=["git", "folders"])
def walked_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test once with git answering and once with the folders walked."""
    if request.param == "folders":
        monkeypatch.setenv("PATH", "")
    elif shutil.which("git") is None:
        pytest.skip("needs the git executable")
    return str(request.param)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "r"
    root.mkdir()
    if shutil.which("git"):
        git(root, "init", "-q")
    else:
        write(root, **{".git/HEAD": "ref: refs/heads/main\n"})
    return root


def test_own_rules_skip_with_a_reason(repository: Path, walked_by: str) -> None:
    """Every file that is left out for a rule of ours is reported with that rule."""
    write(
        repository,
        **{
            "a.py": "x", ".env": "K=1", ".env.example": "K=", "config.json": "{}", "deploy/id_rsa": "k",
            "tls/server.pem": "k", "yarn.lock": "", "static/jquery.min.js": "", "static/app.css.map": "",
            "logo.png": "", "full.txt": "x" * (1 << 20), "big.txt": "x" * ((1 << 20) + 1),
            "notes.txt": "", "docs/private.txt": "", "docs/public.txt": "",
            ".copilotignore": "notes.*\nprivate.txt\n", "docs/.copilotignore": "public.txt\n",
        },
    )  # fmt: skip
    (repository / "line\nbreak").write_text("")
    (repository / os.fsdecode(b"latin\xe9")).write_text("")
    (repository / "link.py").symlink_to("a.py")
    (repository / "out.py").symlink_to("/etc/hostname")
    (repository / "folder").symlink_to("docs")
    walked = walk(repository)
    expected = {
        ".env": "secret by name",
        "big.txt": "larger than 1 MiB",
        "deploy/id_rsa": "secret by name",
        "docs/private.txt": "matches .copilotignore",
        "docs/public.txt": "matches .copilotignore",
        "folder": "symlink",
        "latin\\xe9": "name is not UTF-8",
        "line\\nbreak": "control character in the name",
        "link.py": "symlink",
        "logo.png": "binary by name",
        "notes.txt": "matches .copilotignore",
        "out.py": "symlink out of the repository",
        "static/app.css.map": "minified",
        "static/jquery.min.js": "minified",
        "tls/server.pem": "secret by name",
        "yarn.lock": "lock file",
    }
    assert expected == reasons(walked)
    assert paths(walked) == [".copilotignore", ".env.example", "a.py", "config.json", "docs/.copilotignore", "full.txt"]


def test_sizes_and_times_are_those_of_the_files(repository: Path, walked_by: str) -> None:
    """Size and modification time come along, so that an index need not stat again."""
    write(repository, **{"a.py": "four"})
    os.utime(repository / "a.py", ns=(7, 1234567890123456789))
    (file,) = walk(repository).files
    assert (file.size, file.mtime_ns) == (4, 1234567890123456789)


@needs_git
def test_tracked_files_are_walked_even_if_ignored_and_gone_ones_are_not(repository: Path) -> None:
    """What git tracks counts, unless it is deleted from the folder."""
    write(repository, **{"kept.log": "", "gone.py": "", "moved/a.py": "", "elsewhere/a.py": ""})
    git(repository, "add", "-f", ".")
    write(repository, **{".gitignore": "*.log\n", "new.log": ""})
    (repository / "gone.py").unlink()
    shutil.rmtree(repository / "moved")
    (repository / "moved").symlink_to("elsewhere")
    walked = walk(repository)
    assert paths(walked) == [".gitignore", "elsewhere/a.py", "kept.log"]
    assert reasons(walked) == {"moved": "symlink"}


@needs_git
def test_submodules_and_nested_repositories_are_reported_not_entered(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another repository's files are not this one's."""
    other = tmp_path / "other"
    write(other, **{"x.py": ""})
    git(other, "init", "-q")
    git(other, "add", ".")
    git(other, "commit", "-qm", "one")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "lib")
    shutil.copytree(other, repository / "vendor" / "dep")
    walked = walk(repository)
    assert reasons(walked) == {"lib": "submodule", "vendor/dep": "nested repository"}
    assert paths(walked) == [".gitmodules"]
    assert reasons(without_git(monkeypatch, repository)) == {
        "lib": "nested repository",
        "vendor/dep": "nested repository",
    }


def test_a_folder_inside_a_work_tree_is_walked_alone(repository: Path, walked_by: str) -> None:
    """Paths are relative to it, and the ignore files above it still hold."""
    write(
        repository, **{".gitignore": "*.log\n/sub/b.py\n", "sub/a.py": "", "sub/b.py": "", "sub/x.log": "", "c.py": ""}
    )
    assert paths(walk(repository / "sub")) == ["a.py"]


def test_patterns_of_the_clone_and_of_the_user_hold(repository: Path, walked_by: str, own_home: Path) -> None:
    """`.git/info/exclude` overrides the user's file, and `.gitignore` overrides both."""
    write(own_home, **{".gitconfig": '[core]\n\texcludesFile = "~/mine"\n', "mine": "*.a\n*.b\n*.c\n"})
    write(
        repository,
        **{".git/info/exclude": "!*.b\n*.d\n", ".gitignore": "!*.c\n", "x.a": "", "x.b": "", "x.c": "", "x.d": ""},
    )
    assert paths(walk(repository)) == [".gitignore", "x.b", "x.c"]


def test_the_users_default_ignore_file_holds(repository: Path, walked_by: str, own_home: Path) -> None:
    """Without `core.excludesFile` git reads `git/ignore` in the configuration folder."""
    write(own_home, **{".config/git/ignore": "*.swp\n"})
    write(repository, **{"a.swp": "", "a.py": ""})
    assert paths(walk(repository)) == ["a.py"]


def test_without_a_repository_ignore_files_hold(tmp_path: Path, walked_by: str) -> None:
    """A plain folder is walked by its own ignore files."""
    write(
        tmp_path,
        **{".gitignore": "out/\n", "out/a.py": "", "a.py": "", "b/.gitignore": "*\n!.gitignore\n", "b/c.py": ""},
    )
    assert paths(walk(tmp_path)) == [".gitignore", "a.py", "b/.gitignore"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root can read everything")
def test_unreadable_files_and_folders_are_reported(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permission problems are told, not raised."""
    write(repository, **{"a.py": "", "locked/b.py": ""})
    (repository / "a.py").chmod(0)
    (repository / "locked").chmod(0)
    try:
        assert reasons(without_git(monkeypatch, repository)) == {"a.py": "unreadable", "locked": "unreadable"}
    finally:
        (repository / "locked").chmod(0o700)


def test_special_files_are_reported_not_opened(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe would block whoever reads it."""
    os.mkfifo(repository / "pipe")
    os.mkfifo(repository / ".copilotignore")
    expected = {"pipe": "not a regular file", ".copilotignore": "not a regular file"}
    assert expected == reasons(without_git(monkeypatch, repository))


NAMES = ["a", "b", "ab", "a.c", "b.c", "A", "a b", "é", "[a]", "-x"]
LEAVES = st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4), max_size=14)
ATOMS = st.sampled_from(
    [*NAMES, "*", "?", "**", "***", "[ab]", "[!a]", "[^a-b]", "[[:alpha:]]", "[a", "[]-a]", "\\a", "\\*", "\\", "/",
     "/", "*.c", "a*", " ", "#", "!", "**/", "/**", "a\\ "]
)  # fmt: skip
PATTERN = st.tuples(st.sampled_from(["", "", "!", "/", "!/"]), st.lists(ATOMS, min_size=1, max_size=5)).map(
    lambda parts: parts[0] + "".join(parts[1])
)
RULES = st.lists(PATTERN, min_size=1, max_size=5).map("\n".join)
IGNORED = st.dictionaries(st.lists(st.sampled_from(NAMES), max_size=2).map(tuple), RULES, min_size=1, max_size=3)


@needs_git
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(leaves=LEAVES, ignored=IGNORED, exclude=st.none() | RULES)
def test_the_walk_lists_what_git_lists(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    leaves: list[list[str]],
    ignored: dict[tuple[str, ...], str],
    exclude: str | None,
) -> None:
    """Random trees and random patterns: the folders' walk, git's walk and git itself agree."""
    root = tmp_path_factory.mktemp("tree")
    (root / ".git" / "objects").mkdir(parents=True)
    (root / ".git" / "refs").mkdir()
    (root / ".git" / "info").mkdir()
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    if exclude is not None:
        (root / ".git" / "info" / "exclude").write_text(exclude)
    contents = {tuple(leaf): "" for leaf in leaves} | {
        (*folder, ".gitignore"): text for folder, text in ignored.items()
    }
    for parts, text in contents.items():
        try:
            root.joinpath(*parts[:-1]).mkdir(parents=True, exist_ok=True)
            root.joinpath(*parts).write_text(text)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
    expected = listed(root)
    assert expected == set(paths(walk(root)))
    assert expected == set(paths(without_git(monkeypatch, root)))
    shutil.rmtree(root)
