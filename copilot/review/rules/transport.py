"""Connections that no longer check whom they talk to.

Does not know: where a connection leads.
"""

import re
from collections.abc import Iterator

from copilot.repo.syntax import ancestors
from copilot.review.finding import Severity
from copilot.review.rule import Hit, Rule
from copilot.review.view import FileView, is_silenced

TLS = Rule(
    "tls-check-disabled", "certificates are not checked", Severity.HIGH, "security",
    "A line was added that turns off the check of certificates or host names: `verify=False`, `CERT_NONE`,"
    " `rejectUnauthorized: false`, `InsecureSkipVerify: true`, `CURLOPT_SSL_VERIFYPEER` 0, `curl -k` …; not where a"
    " setting of the user decides, and not in tests.",
    0.85,
)  # fmt: skip
RULES = (TLS,)
_ECMASCRIPT = r"""rejectUnauthorized["']?\s*[:=]\s*false\b|NODE_TLS_REJECT_UNAUTHORIZED["'\]]*\s*[:=]\s*["']?0"""
_CURL = r"\bCURLOPT_SSL_VERIFY(?:PEER|HOST)\s*(?:,|=>)\s*(?:0L?|FALSE|false)\b"
_PATTERNS = {
    "python": r"\bverify(?:_ssl|_certs)?\s*=\s*False\b|\b_create_unverified_context\s*\("
    r"|\bverify_mode\s*=\s*(?:ssl\.)?CERT_NONE\b|\bcheck_hostname\s*=\s*False\b"
    r"|\bcert_reqs\s*=\s*[\"']?(?:ssl\.)?CERT_NONE\b",
    "javascript": _ECMASCRIPT,
    "typescript": _ECMASCRIPT,
    "tsx": _ECMASCRIPT,
    "go": r"\bInsecureSkipVerify\s*:\s*true\b|\.InsecureSkipVerify\s*=\s*true\b",
    "java": r"\bNoopHostnameVerifier\b(?!;)|\bALLOW_ALL_HOSTNAME_VERIFIER\b|\bInsecureTrustManagerFactory\.INSTANCE\b",
    "c": _CURL + r"|\bSSL_CTX_set_verify\s*\([^,]+,\s*SSL_VERIFY_NONE\b",
    "cpp": _CURL + r"|\bverify_none\b",
    "php": _CURL + r"|[\"']verify_peer(?:_name)?[\"']\s*=>\s*false",
    "ruby": r"\bVERIFY_NONE\b|\bverify:\s*false\b",
    "rust": r"\bdanger_accept_invalid_(?:certs|hostnames)\s*\(\s*true\s*\)",
    "csharp": r"ServerCertificate(?:Custom)?Validation(?:Callback)?\s*\+?=.*=>\s*true"
    r"|\bDangerousAcceptAnyServerCertificateValidator\b",
    "bash": r"\bcurl\b(?:[^|;&#]*\s)(?:-[a-jl-zA-Z]*k[a-zA-Z]*|--insecure)(?=\s)"
    r"|\bwget\b[^|;&#]*--no-check-certificate\b",
}
_COMPILED = {code: re.compile(pattern) for code, pattern in _PATTERNS.items()}
_ASKS = re.compile(r"verif|insecure|trust|check|skip|cert|ssl|tls|signed|validat|unsafe", re.IGNORECASE)
_COMMENT = re.compile(r"^\s*(?:#|//|\*|/\*)")


def check(view: FileView) -> Iterator[Hit]:
    """Checks that are turned off among the added lines."""
    pattern = _COMPILED.get(view.code)
    if pattern is None or view.is_aside:
        return
    for number in sorted(view.added):
        line = view.added[number]
        found = pattern.search(line)
        if (
            found is None
            or _COMMENT.match(line)
            or view.is_moved(number)
            or is_silenced(line)
            or _is_default(view, line)
        ):
            continue
        if view.new_tree is not None and _is_text(view, number, found.start()):
            continue
        if _is_asked_for(view, number):
            continue
        message = f"`{found[0].strip()}` lets anyone in between pose as the other side; keep the check, or add the CA"
        yield view.hit(TLS, (number, number), message)


def _is_asked_for(view: FileView, number: int) -> bool:
    """Whether a condition around the line asks whether certificates are to be checked: then users decide."""
    tree = view.new_tree
    if tree is None:
        return False
    column = len(view.line(number)) - len(view.line(number).lstrip())
    node = tree.root.descendant_for_point_range((number - 1, column), (number - 1, column + 1))
    for around in ancestors(node) if node is not None else ():
        condition = around.child_by_field_name("condition")
        if condition is not None and _ASKS.search(tree.text(condition)):
            return True
    return False


def _is_default(view: FileView, line: str) -> bool:
    """Whether the line only takes a parameter or an option that users set."""
    return view.code == "python" and bool(re.match(r"\s*(?:async\s+)?def\b|\s*\w+\s*:\s*bool\s*=", line))


def _is_text(view: FileView, number: int, column: int) -> bool:
    """Whether a place is inside a string or comment."""
    tree = view.new_tree
    assert tree is not None
    raw = view.line(number)[:column].encode("utf-8", "replace")
    node = tree.root.descendant_for_point_range((number - 1, len(raw)), (number - 1, len(raw) + 1))
    return node is not None and ("comment" in node.type or ("string" in node.type and view.code not in ("php", "bash")))
