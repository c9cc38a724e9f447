"""Keys and tokens that can be told by their looks: a provider's prefix, an alphabet, a length.

Most patterns are those of the detect-secrets plugins, which are loaded when a line may hold such a key; nothing of that
library that asks a network is ever called. Knows lines, no files.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from copilot.repo.randomness import entropy
from copilot.repo.tiles import Tile, tile_at

_JWT = "JSON web token"

_LEAST_BITS = 2.8
"""What repeats itself more than this is a placeholder."""

_PLACEHOLDER = re.compile(r"example|xxxx|your|placeholder|\.\.\.|…|\*\*\*|12345678|abcdefg", re.IGNORECASE)
_SAMPLE_CLAIMS = re.compile(rb"1234567890|John Doe|example|\"(?:foo|bar|test)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of key."""

    kind: str
    literals: tuple[str, ...]
    """A key has one of them in it, or on its line in any case where it is `named`."""
    plugin: str = ""
    """What the library calls a secret that its patterns tell."""
    pattern: str = ""
    """Told by this pattern too."""
    group: int = 0
    """The part of a match that is secret."""
    named: bool = False
    """Told by a word anywhere on the line."""


SHAPES = (
    Shape("AWS access key", ("AKIA", "ASIA", "ABIA", "ACCA", "A3T"), "AWS Access Key", group=1),
    Shape("Anthropic key", ("sk-ant-",), pattern=r"sk-ant-[A-Za-z0-9_-]{24,}"),
    Shape("Azure storage key", ("accountkey=",), "Azure Storage Account access key", named=True),
    Shape("DigitalOcean token", ("dop_v1_", "doo_v1_"), pattern=r"do[op]_v1_[a-f0-9]{64}"),
    Shape("Discord token", ("discord",), "Discord Bot Token", named=True),
    Shape("GitHub token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), "GitHub Token"),
    Shape("GitHub token", ("github_pat_",), pattern=r"github_pat_[A-Za-z0-9_]{36,}"),
    Shape(
        "GitLab token",
        ("glpat-", "gldt-", "glft-", "glsoat-", "glrt-", "GR1348941", "glcbt-", "glptt-", "glagent-", "gloas-"),
        "GitLab Token",
    ),
    Shape("Google API key", ("AIza",), pattern=r"AIza[0-9A-Za-z_-]{35}"),
    Shape("Google OAuth secret", ("GOCSPX-", "ya29."), pattern=r"GOCSPX-[0-9A-Za-z_-]{28}|ya29\.[0-9A-Za-z_-]{30,}"),
    Shape("Hugging Face token", ("hf_",), pattern=r"hf_[A-Za-z0-9]{34}"),
    Shape(_JWT, ("eyJ",), pattern=r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_=-]+\.[A-Za-z0-9_.+/=-]+"),
    Shape("Mailchimp key", tuple(f"-us{digit}" for digit in range(1, 10)), "Mailchimp Access Key"),
    Shape("OpenAI key", ("T3BlbkFJ", "sk-proj-"), "OpenAI Token", r"sk-proj-[A-Za-z0-9_-]{24,}"),
    Shape("PyPI token", ("pypi-AgE",), "PyPI Token"),
    Shape("SendGrid key", ("SG.",), "SendGrid API Key"),
    Shape("Shopify token", ("shpat_", "shpss_", "shppa_", "shpca_"), pattern=r"shp(?:at|ss|pa|ca)_[a-fA-F0-9]{32}"),
    Shape("Slack token", ("xoxa-", "xoxb-", "xoxp-", "xoxo-", "xoxs-", "xoxr-"), "Slack Token"),
    Shape("Slack webhook", ("hooks.slack.com/",), "Slack Token", named=True),
    Shape("Slack token", ("xapp-", "xoxe-", "xoxe."), pattern=r"(?:xapp|xoxe(?:\.xox[bp])?)-\d-[A-Za-z0-9-]{20,}"),
    Shape("Square secret", ("sq0csp-",), "Square OAuth Secret"),
    Shape("Stripe key", ("k_live_", "k_test_", "whsec_"), pattern=r"(?:[rs]k_(?:live|test)|whsec)_[0-9A-Za-z]{24,}"),
    Shape("Telegram token", ("telegram",), "Telegram Bot Token", named=True),
    Shape("Twilio key", ("twilio",), "Twilio API Key", named=True),
    Shape("npm token", ("npm_",), pattern=r"npm_[A-Za-z0-9]{36}"),
    Shape("npm token", (":_authtoken=",), "NPM tokens", group=1, named=True),
)


_BY_PREFIX = {literal: shape for shape in SHAPES if not shape.named for literal in shape.literals}
_BY_WORD = {literal: shape for shape in SHAPES if shape.named for literal in shape.literals}
_PREFIX = re.compile("|".join(re.escape(literal) for literal in sorted(_BY_PREFIX)))
_WORD = re.compile("|".join(re.escape(literal) for literal in sorted(_BY_WORD)))
_LONGEST_PREFIX = max(map(len, _BY_PREFIX))
_INNER = frozenset({"T3BlbkFJ", "k_live_", "k_test_", *(f"-us{digit}" for digit in range(1, 10))})
"""Literals that stand inside a key; with the others a key begins, and does so in no run of letters and digits."""

_KEY_CHARS = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")
_CLASSES = bytes(ord("k") if code in _KEY_CHARS else ord(" ") for code in range(256))
_IDENTIFIER = re.compile("[a-z_]*")
_RUN = b"k" * 20
"""No key is without so many key characters in a row; searching for them alone is what makes this cheap."""


def keys(text: str, lowered: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of the keys in a text; `lowered` is the same text in lower case, of the same length."""
    wanted: dict[tuple[Tile, Shape], None] = {}
    tiles: dict[Tile, None] = {}
    for start, end in _runs(text):
        tiles[tile_at(text, start)] = None
        for literal in _PREFIX.finditer(text, max(0, start - _LONGEST_PREFIX), end):
            if literal[0] in _INNER or not text[literal.start() - 1 : literal.start()].isalnum():
                wanted[tile_at(text, literal.start()), _BY_PREFIX[literal[0]]] = None
    for tile in tiles:
        wanted.update(((tile, _BY_WORD[word[0]]), None) for word in _WORD.finditer(lowered, *tile))
    for (first, last), shape in wanted:
        for start, end in _shaped(text[first:last], shape):
            yield first + start, first + end, shape.kind


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Where many key characters stand in a row, and not all of them are small letters."""
    classes = text.encode("ascii", "replace").translate(_CLASSES)
    position = classes.find(_RUN)
    while position >= 0:
        end = classes.find(b" ", position)
        end = len(classes) if end < 0 else end
        if not _IDENTIFIER.fullmatch(text, position, end):
            yield position, end
        position = classes.find(_RUN, end)


def _shaped(line: str, shape: Shape) -> Iterator[tuple[int, int]]:
    for pattern in _patterns(shape):
        for match in pattern.finditer(line):
            start, end = match.span(min(shape.group, pattern.groups))
            value = line[start:end]
            if _stands_alone(line, start, end) and _is_meant(value) and (shape.kind != _JWT or _is_token(value)):
                yield start, end


@cache
def _patterns(shape: Shape) -> tuple[re.Pattern[str], ...]:
    own = (re.compile(shape.pattern),) if shape.pattern else ()
    return (*_library()[shape.plugin], *own) if shape.plugin else own


@cache
def _library() -> dict[str, tuple[re.Pattern[str], ...]]:
    """Patterns of detect-secrets by its name for the secret. Imported here because that takes half a second."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    plugins: Mapping[str, object] = get_mapping_from_secret_type_to_class()
    return {name: tuple(getattr(plugin, "denylist", ())) for name, plugin in plugins.items()}


def _stands_alone(line: str, start: int, end: int) -> bool:
    """Whether the match is no piece out of the middle of a longer run of letters and digits."""
    before = line[start - 1 : start] if start else ""
    return not before.isalnum() and not line[end : end + 1].isalnum()


def _is_token(value: str) -> bool:
    """Whether this is a signed token with a header, and not the one every manual shows."""
    header, _, rest = value.partition(".")
    return b'"alg"' in _decoded(header) and not _SAMPLE_CLAIMS.search(_decoded(rest.partition(".")[0]))


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part.rstrip("=") + "=" * (-len(part.rstrip("=")) % 4))
    except (ValueError, binascii.Error):
        return b""


def _is_meant(value: str) -> bool:
    return entropy(value) >= _LEAST_BITS and not _PLACEHOLDER.search(value)
