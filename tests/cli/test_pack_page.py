"""`copilot pack --html`: one page that tells the truth, asks the network for nothing and obeys no file's name."""

import json
import re
import shutil
import socket
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.cli.pack_page import MOST_LISTED, page
from copilot.repo.pack import Form, Pack, PackedFile
from copilot.repo.walk import Skipped
from copilot.testing import make_repo

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = "</script><script>alert(1)</script>.py"
IMAGE = "<img src=x onerror=alert(2)>"
VOID = {"meta", "link", "input"}


class Reader(HTMLParser):
    """What a parser makes of the page: elements, text by element, and whether every element ends."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.append((self.open[-1], data))

    def elements(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.seen if name == tag]

    def text(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]

    @property
    def data(self) -> Any:
        """The pack as the scripts read it."""
        return json.loads(self.text("script")[0])


def file(path: str, form: Form, tokens: int, rank: float, *reasons: str) -> PackedFile:
    return PackedFile(path, form, tokens, rank, reasons or ("readme",))


def made(files: list[PackedFile], skipped: list[Skipped], root: str = "project") -> Pack:
    tokens = sum(file.tokens for file in files) + 16
    ordered = tuple(sorted(files, key=lambda file: file.path))
    return Pack(root, "gpt2-test", tokens + 100, tokens, "d" * 64, ordered, tuple(skipped), ())


SMALL = made(
    [
        file("src/app/server.py", "full", 4000, 0.5, "entry point", "defines 9 symbols used in 4 files"),
        file("src/app/client.py", "outline", 1500, 0.3, "defines 2 symbols used in 2 files"),
        file("src/other/tool.py", "full", 900, 0.2, "defines 1 symbol used in 1 file"),
        file("docs/guide.md", "path", 300, 0.01, "documentation"),
        file(HOSTILE, "full", 800, 0.4, "readme"),
        file(f"evil/{IMAGE}\u202e.txt", "outline", 700, 0.1, IMAGE),
        file("__proto__/constructor", "path", 500, 0.00001, "nothing in it is used elsewhere"),
    ],
    [Skipped(".env", "secret by name"), Skipped("a.png", "binary by name"), Skipped(IMAGE, "binary by name")],
    root=f"<b>{HOSTILE}",
)


def test_nothing_in_a_repository_becomes_markup() -> None:
    """Names and reasons that look like elements are text; the only scripts are ours and the data."""
    reader = Reader(page(SMALL))
    assert reader.open == []
    assert reader.elements("script") == [{"type": "application/json", "id": "pack"}, {}, {}]
    assert reader.elements("img") == []
    assert [file.path for file in SMALL.files if "\u202e" not in file.path] == [
        row[0] for row in reader.data["files"] if "\\u202e" not in row[0]
    ]
    assert f"<b>{HOSTILE}" in reader.text("bdi") and IMAGE in reader.text("bdi")
    assert "\u202e" not in page(SMALL)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_text_stays_in_its_place(path: str, reason: str, root: str) -> None:
    """Whatever a name holds, surrogates and control characters too, the page encodes, parses and has the same shape."""
    made_of = made([file(path, "full", 10, 0.5, reason)], [Skipped(path, reason)], root)
    page(made_of).encode("utf-8")
    names = [name for name, _ in Reader(page(made_of)).seen]
    plain = made([file("a", "full", 10, 0.5, "b")], [Skipped("a", "b")], "c")
    assert names == [name for name, _ in Reader(page(plain)).seen]


def test_the_numbers_are_those_of_the_pack() -> None:
    """Forms, headings and the unused rest add up to the budget, in the legend and in the bar."""
    reader = Reader(page(SMALL))
    numbers = [int(text.replace(",", "")) for text in reader.text("b")[2:7]]
    assert numbers == [5700, 2200, 800, 16, 100]
    assert sum(numbers) == SMALL.budget_tokens
    assert sum(float(str(rect["width"])[:-1]) for rect in reader.elements("rect")) == pytest.approx(100, abs=0.01)
    rows = reader.data["files"]
    assert [[f.form, f.tokens, f.rank] for f in SMALL.files] == [row[1:4] for row in rows]
    assert "entry point; defines 9 symbols used in 4 files" in [row[4] for row in rows]


def test_the_page_names_no_address_and_forbids_all() -> None:
    """No URL stands in it, nothing is linked, and its policy starts from nothing."""
    html = page(made([file("a.py", "full", 9, 0.5)], []))
    assert re.findall(r"(?i)https?:|//[a-z]+\.|@import|url\(", html) == []
    reader = Reader(html)
    assert reader.elements("link") == [{"rel": "icon", "href": "data:,"}]
    policy = str(reader.elements("meta")[1]["content"])
    assert policy.startswith("default-src 'none'; style-src 'sha256-") and "unsafe" not in policy
    assert not [attributes for _, attributes in reader.seen if "style" in attributes or "src" in attributes]


def test_what_was_skipped_is_grouped_and_counted() -> None:
    """The largest group comes first; a very long one is cut, and says by how many."""
    many = [Skipped(f"gen/{n}.ts", "no room for its name") for n in range(MOST_LISTED + 5)]
    reader = Reader(page(made([], [Skipped(".env", "secret by name"), *many])))
    assert reader.text("span")[-2:] == ["no room for its name", "secret by name"]
    assert len(reader.elements("li")) == MOST_LISTED + 2
    assert "… and 5 more; " in reader.text("li")
    assert "Nothing was skipped." in Reader(page(made([], []))).text("p")


def test_what_was_redacted_is_listed_by_kind_without_its_value(run, tiny: Path, tmp_path: Path) -> None:
    """Path and line of each, under what it is; and a word where there is none."""
    value = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    files = {"b/deploy.py": f'x = 1\nTOKEN = "{value}"\n', "a.py": f'KEY = "{value}"\n'}
    run("pack", make_repo(tmp_path / "keys", files), "--html", tmp_path / "a.html")
    html = (tmp_path / "a.html").read_text()
    reader = Reader(html)
    assert reader.text("bdi")[-2:] == ["a.py:1", "b/deploy.py:2"]
    assert reader.text("span")[-1] == "GitHub token" and reader.text("small")[-1] == "2"
    assert value not in html
    assert "Nothing that looks like a secret was found." in Reader(page(made([], []))).text("p")


def test_the_command_writes_the_page_and_nothing_else(run, project: Path, tiny: Path, tmp_path: Path) -> None:
    """With --html alone stdout is empty and stderr is one line; the page is the same every time."""
    ran = run("pack", project, "--budget", "2000", "--html", tmp_path / "a.html")
    assert (ran.code, ran.out) == (0, "")
    assert re.fullmatch(r"wrote \S+a\.html: [\d,]+ of 2,000 tokens \(\S+\)\n", ran.err)
    again = run("pack", project, "--budget", "2000", "--html", tmp_path / "b.html", "-o", tmp_path / "b.md")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert again.out == "" and (tmp_path / "b.md").read_text().startswith("# Repository\n")
    assert "secret by name" in (tmp_path / "a.html").read_text()


@pytest.mark.parametrize("asked", [["--format", "json"], ["--format", "markdown"], ["--explain"]])
def test_what_else_is_asked_for_still_comes(run, project: Path, tiny: Path, tmp_path: Path, asked: list[str]) -> None:
    """--format and --explain print what they print without --html."""
    options = ["pack", project, "--budget", "2000", *asked]
    assert run(*options).out == run(*options, "--html", tmp_path / "a.html").out != ""


def test_a_page_that_cannot_be_written_is_one_line(run, project: Path, tiny: Path, tmp_path: Path) -> None:
    """The file and the option are named, the exit code is that of wrong use, and nothing is printed."""
    ran = run("pack", project, "--format", "markdown", "--html", tmp_path / "no" / "a.html")
    assert (ran.code, ran.out) == (2, "")
    assert "a.html cannot be written" in ran.err and ran.err.rstrip().endswith("name another file with --html")
    same = run("pack", project, "--html", tmp_path / "x", "-o", tmp_path / "x")
    assert same.code == 2 and "name the same file" in same.err and not (tmp_path / "x").exists()


def test_a_hostile_name_on_disk_is_inert_in_the_page(run, tiny: Path, tmp_path: Path) -> None:
    """From the walk to the page a file's name stays a name."""
    repository = make_repo(tmp_path / "evil", {"<script>alert(1)<": "x = 1\n", "a.py": "y = 2\n"})
    run("pack", repository, "--html", tmp_path / "a.html")
    html = (tmp_path / "a.html").read_text()
    assert "<script>alert" not in html
    assert [row[0] for row in Reader(html).data["files"]] == ["<script>alert(1)<", "a.py"]


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real Chromium without a window."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("neither Chromium nor Chrome is installed")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens a pack's page; at the end the browser must have said, asked and shown nothing of its own accord."""
    noise: list[str] = []
    contexts = []

    def open_page(packed: Pack, width: int = 1200, scheme: str = "light") -> Any:
        written = tmp_path / "page.html"
        written.write_text(page(packed), encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
        )
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: noise.append(message.text))
        tab.on("pageerror", lambda error: noise.append(str(error)))
        tab.on("dialog", lambda dialog: noise.append(dialog.message))
        tab.on("request", lambda request: request.url == written.as_uri() or noise.append(request.url))
        tab.goto(written.as_uri())
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert noise == []


def paths(tab: Any) -> list[str]:
    return [str(text) for text in tab.locator("#rows td.path").all_text_contents()]


def tile(tab: Any, name: str) -> Any:
    return tab.locator(f"#map button[aria-label^='{name}']")


BY_RANK = ["src/app/server.py", HOSTILE, "src/app/client.py", "src/other/tool.py"]


def test_hostile_names_are_inert_in_a_browser(opened: Any) -> None:
    """No element comes of a name, in the list, in the map, in a tip or in the trail."""
    tab = opened(SMALL)
    for button in tab.locator("#map button").all():
        button.hover()
    assert tab.locator("img").count() == 0
    assert tab.locator("script").count() == 3
    assert paths(tab)[:4] == BY_RANK
    assert f"<b>{HOSTILE}" == tab.locator("h1").text_content()


def test_filter_shows_what_matches_and_dims_the_rest(opened: Any) -> None:
    """Words are looked for in path and reason, all of them; forms can be left out; the map follows."""
    tab = opened(SMALL)
    assert tab.locator("#found").text_content() == "7 files, 8,700 tokens"
    tab.fill("#query", "SRC used")
    assert paths(tab) == ["src/app/server.py", "src/app/client.py", "src/other/tool.py"]
    tab.uncheck("input[value=full]")
    assert paths(tab) == ["src/app/client.py"]
    assert tab.locator("#found").text_content() == "1 of 7 files, 1,500 tokens"
    assert "dim" not in tile(tab, "src/app/client.py").get_attribute("class")
    assert "dim" in tile(tab, "src/app/server.py").get_attribute("class")
    tab.fill("#query", "no such file")
    assert tab.locator("#nothing").is_visible()
    tab.click("#clear")
    assert len(paths(tab)) == 7 and tab.locator("#map .dim").count() == 0


def test_columns_sort_by_keyboard_and_say_so(opened: Any) -> None:
    """Enter on a header sorts, once more turns the order round, and only that header carries aria-sort."""
    tab = opened(SMALL)
    header = tab.locator("th[data-key=tokens]")
    header.locator("button").focus()
    tab.keyboard.press("Enter")
    tokens = [int(text.replace(",", "")) for text in tab.locator("#rows td.tokens").all_text_contents()]
    assert tokens == [4000, 1500, 900, 800, 700, 500, 300]
    assert [th.get_attribute("aria-sort") for th in tab.locator("th[aria-sort]").all()] == ["descending"]
    tab.keyboard.press("Enter")
    assert paths(tab)[0] == "docs/guide.md" and header.get_attribute("aria-sort") == "ascending"
    tab.click("th[data-key=form] button")
    assert tab.locator("#rows td.form").all_text_contents() == ["full"] * 3 + ["outline"] * 2 + ["path"] * 2


def test_the_map_is_walked_by_keyboard(opened: Any) -> None:
    """Enter opens a folder, arrows move, a tip tells, Escape leads back to where one was."""
    tab = opened(SMALL)
    crumbs = tab.locator("#crumbs button")
    tile(tab, "src,").focus()
    tab.keyboard.press("Enter")
    assert [f"<b>{HOSTILE}", "src"] == crumbs.all_text_contents()
    tile(tab, "src/app,").focus()
    tab.keyboard.press("Enter")
    assert "src/app/server.py" in tab.evaluate("document.activeElement.ariaLabel")
    tip = tab.locator("#tip").text_content()
    assert "4,000 tokens" in tip and "full text, rank 0.5000" in tip and "entry point; defines 9 symbols" in tip
    tab.keyboard.press("ArrowRight")
    assert "src/app/client.py" in tab.evaluate("document.activeElement.ariaLabel")
    tab.keyboard.press("Escape")
    assert "src/app," in tab.evaluate("document.activeElement.ariaLabel")
    tab.keyboard.press("Escape")
    assert crumbs.count() == 1 and tab.evaluate("document.activeElement.ariaLabel").startswith("src,")
    assert tab.locator("#map button[tabindex='0']").count() == 1


def test_a_tile_leads_to_its_row_and_back(opened: Any) -> None:
    """Enter on a file's tile focuses its row, whatever is filtered; Escape returns to the tile."""
    tab = opened(SMALL)
    tab.uncheck("input[value=full]")
    tile(tab, "src/other/tool.py").focus()
    tab.keyboard.press("Enter")
    assert "src/other/tool.py" in tab.locator("tr:focus").text_content()
    assert tab.locator("input[value=full]").is_checked()
    tab.keyboard.press("Escape")
    assert "src/other/tool.py" in tab.evaluate("document.activeElement.ariaLabel")


def test_areas_are_in_proportion_to_tokens(opened: Any) -> None:
    """Files of one folder have areas as their tokens, and no tile leaves the map."""
    packed = made([file(f"f{n}.py", "full", 1000 * n, 0.5) for n in range(1, 8)], [])
    tab = opened(packed)
    boxes = [tile(tab, f"f{n}.py").bounding_box() for n in range(1, 8)]
    areas = [(box["width"] + 2) * (box["height"] + 2) / n for n, box in enumerate(boxes, 1)]
    assert max(areas) / min(areas) == pytest.approx(1, abs=0.02)
    outside = """() => {
        const map = document.getElementById("map").getBoundingClientRect();
        const boxes = [...document.querySelectorAll("#map button")].map((tile) => tile.getBoundingClientRect());
        return boxes.filter((box) => box.right > map.right + 1 || box.bottom > map.bottom + 1).length;
    }"""
    assert tab.evaluate(outside) == 0


CONTRAST = """(selector) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)" && colour !== "transparent") return colour;
    }
  };
  return [...document.querySelectorAll(selector)].map((node) => {
    const pair = [light(getComputedStyle(node).color), light(ground(node))].sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_contrast_is_aa_in_both_schemes(opened: Any, scheme: str) -> None:
    """Every text stands 4.5 to 1 or better on what is behind it, and the page follows the reader's scheme."""
    tab = opened(SMALL, scheme=scheme)
    tab.evaluate("document.querySelectorAll('details').forEach((group) => { group.open = true; })")
    texts = "h1, h2, h2 small, p, dt, dd span, td, td span, th button, label, summary b, li, #map span, #crumbs button"
    ratios = tab.evaluate(CONTRAST, texts)
    assert len(ratios) > 60 and min(ratios) >= 4.5
    page_colour = tab.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert {"light": "rgb(247, 248, 250)", "dark": "rgb(15, 19, 25)"}[scheme] == page_colour


@pytest.mark.parametrize("width", [320, 360, 768, 1600])
def test_nothing_runs_over_the_side(opened: Any, width: int) -> None:
    """At any width the page scrolls downwards only, even with a path that has no place to break."""
    packed = made([*SMALL.files, file("x" * 200 + ".py", "full", 500, 0.9)], list(SMALL.skipped), "r" * 200)
    tab = opened(packed, width)
    assert tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_thousands_of_files_are_drawn_in_parts(opened: Any) -> None:
    """A hundred rows first, more on request, and a map whose tiles stay few; any file is found at once."""
    files = [file(f"part{n % 30}/mod{n % 7}/f{n:04}.py", "path", 4, 1 / (n + 2)) for n in range(6000)]
    tab = opened(made([*files, file("main.py", "full", 9000, 0.9)], []))
    rows = tab.locator("#rows tr")
    assert rows.count() == 100 and tab.locator("#map button").count() < 600
    assert tab.locator("#more").text_content() == "Show 500 of 5,901 more"
    tab.click("#more")
    assert (
        rows.count() == 600
        and tab.evaluate("[...document.activeElement.parentNode.children].indexOf(document.activeElement)") == 100
    )
    tab.evaluate("document.dispatchEvent(new CustomEvent('reveal', { detail: files.at(-1) }))")
    assert 0 < tab.locator("tr:focus").bounding_box()["y"] < 900
    tab.fill("#query", "f5999")
    assert paths(tab) == ["part29/mod0/f5999.py"] and tab.locator("#more").is_hidden()


def test_five_thousand_files_answer_at_once(opened: Any) -> None:
    """Typing a letter and opening a folder each keep the page busy for less than a fifth of a second."""
    files = [file(f"part{n % 40}/mod{n % 13}/f{n:04}.py", "path", 4 + n % 900, 1 / (n + 2)) for n in range(5000)]
    skipped = [Skipped(f"gone/{n}.py", "no room for its name") for n in range(5000)]
    tab = opened(made(files, skipped))
    busy = """(change) => new Promise((done) => {
      const start = performance.now();
      change();
      requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
    })"""
    typed = f"""() => ({busy})(() => {{
      const query = document.querySelector("#query");
      query.value = "f12";
      query.dispatchEvent(new Event("input", {{ bubbles: true }}));
    }})"""
    clicked = f"""() => ({busy})(() => document.querySelector("#map button").click())"""
    assert min(tab.evaluate(typed) for _ in range(3)) < 200
    assert "part12/mod3/f1212.py" in paths(tab)
    tab.fill("#query", "")
    assert min(tab.evaluate(clicked) for _ in range(3)) < 200


def test_every_control_is_reached_by_keyboard(opened: Any) -> None:
    """Tab leads from the filter through the map and the list to the groups of what was left out."""
    tab = opened(SMALL)
    reached = []
    for _ in range(60):
        tab.keyboard.press("Tab")
        reached.append(
            tab.evaluate("document.activeElement.closest('[id], summary')?.id || document.activeElement.tagName")
        )
    for name in ("query", "crumbs", "SUMMARY"):
        assert name in reached, reached
    tab.locator("summary").first.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("details").first.get_attribute("open") is not None


def test_an_empty_pack_still_makes_a_page(opened: Any) -> None:
    """With no file there is a word for it instead of a map."""
    tab = opened(made([], []))
    assert tab.locator("#map").text_content() == "No file is in the pack."


def test_the_policy_holds_in_a_browser(browser: Any, tmp_path: Path) -> None:
    """A script that someone adds does not run, and what runs reaches not even a server on this machine."""
    written = tmp_path / "page.html"
    written.write_text(page(SMALL).replace("</body>", "<script>window.ran = true</script></body>"), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        tab = browser.new_page()
        tab.goto(written.as_uri())
        assert tab.evaluate("window.ran") is None
        fetched = tab.evaluate("(url) => fetch(url).then(() => 'sent', () => 'refused')", address)
        image = "(url) => new Promise((done) => Object.assign(new Image(), { onload: done, onerror: done, src: url }))"
        tab.evaluate(image, address)
        tab.close()
        assert fetched == "refused"
        with pytest.raises(BlockingIOError):
            server.accept()
