"""What the commit benchmark takes for a commit."""

from pathlib import Path

from tests.bench.commit_search import outcome
from tests.bench.patch_series import Change, change_of

DIFF = """--- a/src/depot.c
+++ b/src/depot.c
@@ -1 +1 @@
-open
+close
"""
FORMATTED = f"""From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001
From: Jo Doe <jo@example.org>
Date: Mon, 1 Jan 2024 00:00:00 +0000
Subject: [PATCH 1/2] depot: close it in the evening
 when all are home

Letters were lost.
---
 src/depot.c | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

{DIFF}"""


def tree_with(tmp_path: Path, *files: str) -> Path:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("open\n", "utf-8")
    return tmp_path


def test_a_formatted_patch_is_a_message_and_files(tmp_path: Path) -> None:
    """Tags and statistics, which would name the files, are not part of the message."""
    change = change_of(FORMATTED, tree_with(tmp_path, "src/depot.c"))
    expected = Change("depot: close it in the evening when all are home", "Letters were lost.", ("src/depot.c",))
    assert expected == change


def test_a_debian_header_is_read_too(tmp_path: Path) -> None:
    """The description's first line is the subject."""
    head = "Description: close the depot early\n Letters were lost.\nOrigin: upstream, https://example.org/c/1\n\n"
    change = change_of(head + DIFF, tree_with(tmp_path, "src/depot.c"))
    assert Change("close the depot early", "Letters were lost.", ("src/depot.c",)) == change


def test_what_is_not_upstreams_or_changes_no_old_file_is_no_commit(tmp_path: Path) -> None:
    """Packaging changes say other things, and a new file cannot be found."""
    tree = tree_with(tmp_path, "src/depot.c")
    assert change_of("Description: close the depot early\n\n" + DIFF, tree) is None
    assert change_of(FORMATTED, tmp_path / "elsewhere") is None


def test_the_outcome_is_the_first_file_and_the_share_of_all() -> None:
    """Of two right files one is found, and another comes first."""
    assert outcome(["a", "b"], ["c", "b"]) == (0.0, 0.5)
    assert outcome(["a"], []) == (0.0, 0.0)
