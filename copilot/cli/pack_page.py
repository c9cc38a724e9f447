"""A pack's account as one HTML page: where the budget went, why each file is in, what was left out.

The page asks no network for anything: style and scripts stand in it, and its policy lets only those run, by their
digests. Knows no index, no model and not the packed text.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from itertools import groupby
from operator import itemgetter
from string import Template

from copilot.repo.forms import shown
from copilot.repo.index import Redaction
from copilot.repo.pack import Pack
from copilot.repo.walk import Skipped

FORMS = ("full", "outline", "path")
LABELS = {
    "full": "full text",
    "outline": "outline",
    "path": "path only",
    "headings": "headings",
    "left": "unused",
}
MOST_LISTED = 1000
"""So many paths are listed per reason or kind; the others are counted."""

_SCRIPTS = ("pack_page.js", "pack_page.map.js")


def page(packed: Pack) -> str:
    """The page as HTML; the same pack gives the same text."""
    style = _resource("pack_page.css")
    scripts = [_resource(name) for name in _SCRIPTS]
    shares = _shares(packed)
    return Template(_resource("pack_page.html")).substitute(
        policy=_policy(style, scripts),
        style=style,
        root=escape(shown(packed.root)),
        tokens=f"{packed.tokens:,}",
        budget=f"{packed.budget_tokens:,}",
        percent=f"{100 * packed.tokens / packed.budget_tokens:.1f}",
        tokenizer=escape(shown(packed.tokenizer)),
        digest=packed.digest[:12],
        file_count=_number(len(packed.files), "file"),
        bar=_bar(shares, packed.budget_tokens),
        shares=_legend(shares, packed),
        skipped_count=f"{len(packed.skipped):,}",
        skipped=_skipped(packed.skipped),
        redacted_count=f"{len(packed.redactions):,}",
        redacted=_redacted(packed.redactions),
        data=_data(packed),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def _resource(name: str) -> str:
    return files("copilot.cli").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, scripts: list[str]) -> str:
    """Nothing may be fetched, sent or framed, and only what stands in the page may run."""
    allowed = " ".join(_digest(script) for script in scripts)
    return (
        f"default-src 'none'; style-src {_digest(style)}; script-src {allowed}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _shares(packed: Pack) -> dict[str, int]:
    """Tokens by what they were spent on, in the order of the bar; they add up to the budget."""
    spent = {form: sum(file.tokens for file in packed.files if file.form == form) for form in FORMS}
    headings = packed.tokens - sum(spent.values())
    return spent | {"headings": headings, "left": packed.budget_tokens - packed.tokens}


def _bar(shares: dict[str, int], budget_tokens: int) -> str:
    rects, start = [], 0.0
    for kind, tokens in shares.items():
        width = 100 * tokens / budget_tokens
        if tokens > 0:
            rects.append(f'<rect class="{kind}" x="{start:.3f}%" y="0" width="{width:.3f}%" height="100%"/>')
        start += width
    return "".join(rects)


def _legend(shares: dict[str, int], packed: Pack) -> str:
    rows = []
    for kind, tokens in shares.items():
        count = sum(file.form == kind for file in packed.files)
        of = f" · {_number(count, 'file')}" if kind in FORMS else ""
        share = f"{100 * tokens / packed.budget_tokens:.1f} %"
        rows.append(
            f'<div><dt><i class="swatch {kind}"></i>{LABELS[kind]}</dt>'
            f"<dd><b>{tokens:,}</b><span>{share}{of}</span></dd></div>"
        )
    return "\n".join(rows)


def _skipped(skipped: tuple[Skipped, ...]) -> str:
    """One group per reason, the largest first."""
    return _groups([(entry.reason, entry.path) for entry in skipped]) or '<p class="none">Nothing was skipped.</p>'


def _redacted(redactions: tuple[Redaction, ...]) -> str:
    """One group per kind; places are `path:line`, in the order of the files."""
    places = [(found.kind, f"{found.path}:{found.line}") for found in redactions]
    return _groups(places) or '<p class="none">Nothing that looks like a secret was found.</p>'


def _groups(entries: Iterable[tuple[str, str]]) -> str:
    """Entries of (heading, item) under their headings, the largest group first, items in their order."""
    by_heading = sorted(entries, key=itemgetter(0))
    groups = [(heading, [item for _, item in group]) for heading, group in groupby(by_heading, key=itemgetter(0))]
    groups.sort(key=lambda group: (-len(group[1]), group[0]))
    return "\n".join(_group(heading, items) for heading, items in groups)


def _group(reason: str, entries: list[str]) -> str:
    items = [f"<li><bdi>{escape(shown(entry))}</bdi></li>" for entry in entries[:MOST_LISTED]]
    if len(entries) > MOST_LISTED:
        more = len(entries) - MOST_LISTED
        items.append(f"<li>… and {more:,} more; <code>copilot pack --explain</code> lists them all</li>")
    return (
        f"<details><summary><span>{escape(shown(reason))}</span> <b>{len(entries):,}</b></summary>"
        f"<ul>{''.join(items)}</ul></details>"
    )


def _data(packed: Pack) -> str:
    """What the scripts draw, as JSON in which nothing can end the element it stands in."""
    rows = [
        [shown(file.path), file.form, file.tokens, file.rank, "; ".join(map(shown, file.reasons))]
        for file in packed.files
    ]
    document = {"root": shown(packed.root), "budget": packed.budget_tokens, "tokens": packed.tokens, "files": rows}
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else noun + 's'}"
