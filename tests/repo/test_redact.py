"""Secrets by value: what is found, what is left alone, and that nothing else of a text changes."""

import base64
import json
import random
import socket
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.repo.redact import Finding, findings_from, findings_json, marker, redact, replaced

ALNUM = string.ascii_letters + string.digits


def drawn(length: int, alphabet: str = ALNUM, seed: int = 1) -> str:
    """A random value; put together here so that no file holds what looks like a key. Has letters and digits."""
    chance = random.Random(f"{length} {alphabet} {seed}")
    body = [chance.choice(alphabet) for _ in range(length - 2)]
    letters = [c for c in alphabet if c.isalpha()] or ["a"]
    return "".join([chance.choice(letters), "7", *body])


def jwt(claims: dict[str, str]) -> str:
    """A signed token."""
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    return ".".join([*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), drawn(43)])


def basic(user: str, password: str) -> str:
    """Credentials as they stand in a header."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


UPPER = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"
PASSWORD = "xK9#" + "mP2$" + "vL4q"

TOKENS = [
    ("AWS access key", "AKIA" + drawn(16, UPPER)),
    ("AWS access key", "ASIA" + drawn(16, UPPER)),
    ("Anthropic key", "sk-ant-" + "api03-" + drawn(80)),
    ("DigitalOcean token", "dop_" + "v1_" + drawn(64, HEX)),
    ("GitHub token", "ghp_" + drawn(36)),
    ("GitHub token", "ghs_" + drawn(36)),
    ("GitHub token", "github_" + "pat_" + drawn(22) + "_" + drawn(59)),
    ("GitLab token", "glpat-" + drawn(20)),
    ("Google API key", "AIza" + drawn(35)),
    ("Google OAuth secret", "GOCSPX-" + drawn(28)),
    ("Google OAuth secret", "ya29." + drawn(60)),
    ("Hugging Face token", "hf_" + drawn(34)),
    ("JSON web token", jwt({"sub": "u-8841", "name": "Grace"})),
    ("Mailchimp key", drawn(32, HEX) + "-us12"),
    ("OpenAI key", "sk-" + drawn(20) + "T3Blbk" + "FJ" + drawn(20)),
    ("OpenAI key", "sk-proj-" + drawn(48)),
    ("PyPI token", "pypi-AgEIcHlw" + "aS5vcmc" + drawn(80)),
    ("SendGrid key", "SG." + drawn(22) + "." + drawn(43)),
    ("Shopify token", "shpat_" + drawn(32, HEX)),
    ("Slack token", "xoxb-" + "2314567890-2314567891-" + drawn(24)),
    ("Slack token", "xapp-1-" + drawn(60)),
    ("Square secret", "sq0csp-" + drawn(43)),
    ("Stripe key", "sk_" + "live_" + drawn(24)),
    ("Stripe key", "rk_" + "live_" + drawn(60)),
    ("npm token", "npm_" + drawn(36)),
]


@pytest.mark.parametrize(("kind", "token"), TOKENS, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(TOKENS)])
@pytest.mark.parametrize("line", ["x = f('{}')", "curl -H 'X-Auth: {}' \\", "{}", "<a>{}</a>", 'a = 1; b = "{}"; c'])
def test_a_token_of_a_known_provider_is_found_by_its_looks(kind: str, token: str, line: str) -> None:
    """Wherever it stands on a line, and nothing but it is replaced."""
    text = f"first\n{line.format(token)}\nlast\n"
    redacted = redact(text, "a.py")
    assert text.replace(token, marker(len(token))) == redacted.text
    assert [(2, kind)] == [(finding.line, finding.kind) for finding in redacted.found]


NAMED = [
    ("password or key", 'aws_key = "{}"', drawn(38, ALNUM + "/+") + "b9"),
    ("Azure storage key", "DefaultEndpointsProtocol=https;AccountKey={}", "AccountKey=" + drawn(86) + "=="),
    ("Discord token", "discord.run('{}')", "M" + drawn(23) + "." + drawn(6) + "." + drawn(27)),
    (
        "Slack webhook",
        "post('{}')",
        "https://hooks.slack.com/services/T" + drawn(8) + "/B" + drawn(8) + "/" + drawn(24),
    ),
    ("Telegram token", "telegram.Bot('{}')", "5512348890:" + drawn(35)),
    ("Twilio key", "twilio('{}')", "SK" + drawn(32, HEX)),
    ("npm token", "//registry.npmjs.org/:_authToken={}", "npm_" + drawn(36)),
]


@pytest.mark.parametrize(("kind", "line", "token"), NAMED, ids=[kind for kind, _, _ in NAMED])
def test_a_token_with_a_telling_word_on_its_line_is_found(kind: str, line: str, token: str) -> None:
    """Its own looks would not be enough."""
    text = line.replace("AccountKey={}", "{}").format(token) + "\n"
    redacted = redact(text, "a.txt")
    assert token not in redacted.text
    assert "[redacted:" in redacted.text
    assert kind in {finding.kind for finding in redacted.found}


@pytest.mark.parametrize(
    "line",
    [
        'password = "{}"',
        "password: str = '{}'",
        'DB_PASSWORD := "{}"',
        '    "clientSecret": "{}",',
        'const API_KEY: &str = "{}";',
        'static final String API_TOKEN = "{}";',
        "config['secret_key'] = '{}'",
        'login(user="me", passwd="{}")',
        'setPassword("{}")',
        'headers = {{"X-Api-Key": "{}"}}',
        'getenv("ACCESS_TOKEN", "{}")',
        "  private_key => '{}'",
        "<password>{}</password>",
        "if token == '{}':",
        'url = "https://host/path?access_token={}&page=1"',
        'dsn = "Server=db;User=sa;Password={};Encrypt=yes"',
        'call("Authorization: Bearer {}")',
    ],
)
def test_a_random_value_given_to_a_telling_name_is_found(line: str) -> None:
    """In every notation of an assignment, also in code."""
    value = drawn(24)
    text = line.format(value) + "\n"
    assert text.replace(value, "[redacted:medium]") == redact(text, "a.py").text


@pytest.mark.parametrize("line", ["password: {}", "SECRET_KEY={}", "export API_TOKEN={}", "db.password = {}"])
def test_settings_and_prose_need_no_quotes_but_code_does(line: str) -> None:
    """`token = other` is code; `token = value` in a settings file is not."""
    text = line.format(PASSWORD) + "\n"
    assert text.replace(PASSWORD, "[redacted:short]") == redact(text, "deploy/settings.yaml").text
    assert text == redact(text, "a.py").text


def test_a_password_in_a_url_is_found_and_the_url_stays() -> None:
    """The host and the user are no secrets."""
    text = f'dsn = "postgres://app:{PASSWORD[:-4]}q7@db.internal:5432/app"\n'.replace("$", "").replace("#", "")
    redacted = redact(text, "a.py")
    assert redacted.text == 'dsn = "postgres://app:[redacted:short]@db.internal:5432/app"\n'
    assert [finding.kind for finding in redacted.found] == ["password in a URL"]


def test_basic_credentials_in_a_header_are_found() -> None:
    """They are only encoded."""
    value = basic("grace", "h0pper-7731-Xq")
    assert redact(f"Authorization: Basic {value}\n", "a.md").text == "Authorization: Basic [redacted:medium]\n"


def pem(kind: str, indent: str = "", lines: int = 5) -> str:
    """A key block."""
    body = [drawn(64, ALNUM + "+/", seed) for seed in range(lines)] + ["Qw9="]
    return "".join(f"{indent}{line}\n" for line in (f"-----BEGIN {kind}-----", *body, f"-----END {kind}-----"))


@pytest.mark.parametrize(
    "kind", ["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"]
)
@pytest.mark.parametrize("indent", ["", "    ", "# ", "\t// "])
def test_every_line_of_a_private_key_becomes_a_marker(kind: str, indent: str) -> None:
    """The block's first and last line stay, and so does the number of lines."""
    text = f'KEY = """\n{pem(kind, indent)}"""\nafter = 1\n'
    expected = (
        f'KEY = """\n{indent}-----BEGIN {kind}-----\n'
        + f"{indent}[redacted:long]\n" * 5
        + f'{indent}[redacted:short]\n{indent}-----END {kind}-----\n"""\nafter = 1\n'
    )
    redacted = redact(text, "a.py")
    assert expected == redacted.text
    assert [finding.line for finding in redacted.found] == [3, 4, 5, 6, 7, 8]
    assert {"private key"} == {finding.kind for finding in redacted.found}


def test_private_keys_in_string_literals_are_found() -> None:
    """Line by line with quotes around, or on one line with escaped newlines."""
    body = [drawn(64, seed=seed) for seed in range(3)]
    begin, end = "-----BEGIN PRIVATE " + "KEY-----", "-----END PRIVATE " + "KEY-----"
    joined = "".join(f'    "{line}\\n" +\n' for line in [begin, *body, end])
    single = f'{{"private_key": "{begin}\\n' + "\\n".join(body) + f'\\n{end}\\n"}}\n'
    for text in (joined, single):
        redacted = redact(text, "a.java").text
        assert [line for line in body if line in redacted] == []
        assert begin in redacted
        assert end in redacted
        assert text.count("\n") == redacted.count("\n")
    assert (
        f'    "{begin}\\n" +\n' + '    "[redacted:long]\\n" +\n' * 3 + f'    "{end}\\n" +\n'
        == redact(joined, "a.java").text
    )


def test_a_putty_key_is_found_and_its_headings_stay() -> None:
    """Its public lines are no secret."""
    public, private = drawn(64, seed=3), drawn(64, seed=4)
    text = f"PuTTY-User-Key-File-2: ssh-rsa\nPublic-Lines: 1\n{public}\nPrivate-Lines: 1\n{private}\nPrivate-MAC: 0a\n"
    assert text.replace(private, "[redacted:long]") == redact(text, "a.txt").text


HARMLESS = [
    'password = "hunter2"',
    'password = "changeme"',
    'password = "correct-horse-battery-staple"',
    'password = ""',
    'PASSWORD = "${DB_PASSWORD}"',
    'password = "{{ vault_password_2 }}"',
    'password = "<your-password-1>"',
    "api_key = 'your-api-key-12345'",
    "api_key = 'xxxxxxxxxxxxxxxxxxxx1'",
    'token = "access_token_expired_2"',
    'token_url = "https://oauth2.googleapis.com/token"',
    'SECRET_NAME = "my-app/prod/database-v2"',
    'secret_id = "' + drawn(24) + '"',
    'token = "123e4567-e89b-12d3-a456-426614174000"',
    'password_hash = "' + drawn(64, HEX) + '"',
    'public_key = "' + drawn(64) + '"',
    'tokens = "[a-z]{3}\\d+(?:x|y9)"',
    'sha256 = "' + drawn(64, HEX) + '"',
    '"integrity": "sha512-' + drawn(86) + '==",',
    'commit = "' + drawn(40, HEX) + '"',
    "src = 'data:image/png;base64," + drawn(400, ALNUM + "+/") + "'",
    "VECTOR = '" + drawn(128, HEX) + "'",
    "id = 'AKIAIOSFODNN7" + "EXAMPLE'",
    "id = 'AKIA" + "A" * 16 + "'",
    "token = 'ghp_" + "x" * 36 + "'",
    "postgres://postgres:postgres@localhost:5432/app",
    "https://user:pass@example.org/",
    "https://user:secret@mirror.org/",
    "https://$USER:$TOKEN1@mirror.org/",
    "git@github.com:owner/name.git and https://site.org:8080/a@b",
    "Authorization: Basic " + basic("user", "pass"),
    "Authorization: Bearer <token>",
    "a basic understanding of configuration2",
    "-----BEGIN CERTIFICATE-----\n" + drawn(64) + "\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\n" + drawn(64) + "\n-----END PUBLIC KEY-----",
    "if '-----BEGIN PRIVATE " + "KEY-----' in text:\n    return parse_the_private_key(text)",
    "-----BEGIN RSA PRIVATE " + "KEY-----\n...\n-----END RSA PRIVATE KEY-----",
    "def test_that_a_very_long_name_2_with_key_chars_is_no_key_at_all(): ...",
    "eyJ" + drawn(30) + "." + drawn(30),
    "token = '" + jwt({"sub": "1234567890", "name": "John Doe"}) + "'",
    "zażółć İstanbul ſecret ＫＥＹ = 'ab' \U0001f511",
]


@pytest.mark.parametrize("path", ["a.py", "a.md", "a.json"])
@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_stays(text: str, path: str) -> None:
    """Words, placeholders, addresses, hashes, public keys, images, samples from manuals."""
    assert text == redact(text, path).text


def test_a_found_value_is_replaced_wherever_else_it_stands() -> None:
    """One telling name is enough for the whole file."""
    value = drawn(32)
    text = f'SECRET_KEY = "{value}"\n\n\nprint("{value}")\n'
    redacted = redact(text, "a.py")
    assert text.replace(value, "[redacted:medium]") == redacted.text
    assert [finding.line for finding in redacted.found] == [1, 4]


def test_secrets_in_a_very_long_line_are_found() -> None:
    """Minified code has its secrets too, wherever they lie."""
    tokens = ["ghp_" + drawn(36, seed=seed) for seed in range(40)]
    text = "".join(f"{'var a=1;' * (97 * n % 700)}f('{token}');" for n, token in enumerate(tokens))
    redacted = redact(text, "a.js")
    assert [token for token in tokens if token in redacted.text] == []
    assert len(tokens) == len(redacted.found)
    assert {1} == {finding.line for finding in redacted.found}


@pytest.mark.parametrize(
    "hostile", ["token", "key='", "://a:", "eyJ", "-----BEGIN PRIVATE " + "KEY-----\n", "AKIA", "basic "]
)
def test_hostile_repetition_takes_no_time(hostile: str) -> None:
    """Nothing is quadratic in the length of a line; the test's own time limit is the judge."""
    text = hostile * (300_000 // len(hostile))
    assert text.count("\n") == redact(text, "a.txt").text.count("\n")


def test_nothing_is_asked_over_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library could verify what it finds; here it never gets the chance."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    for _, token in TOKENS:
        assert token not in redact(f"x = '{token}'", "a.py").text


FRAGMENTS = [
    *(token for _, token in TOKENS),
    *(
        "password",
        "secret_key",
        "token",
        "api-key",
        " = ",
        ": ",
        '"',
        "'",
        "`",
        "\n",
        "\r\n",
        " ",
        "=",
        "?",
        "&",
        ";",
        ",",
    ),
    *(
        "https://",
        "user:",
        "@db.internal",
        "Bearer ",
        "Basic ",
        "aws",
        "telegram ",
        ".",
        "-",
        "_",
        "[",
        "]",
        "é",
        "İ",
        "\x00",
    ),
    *(
        "-----BEGIN PRIVATE " + "KEY-----",
        "-----END PRIVATE " + "KEY-----",
        "\\n",
        "[redacted:short]",
        "[redacted:long]",
    ),
    *(drawn(n, seed=n) for n in (8, 12, 16, 20, 24, 40, 64)),
    *(PASSWORD, drawn(64, HEX), "hunter2", "def f():", "    "),
]
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=6), max_size=24).map("".join)


@given(TEXTS, st.sampled_from(["a.py", "a.yaml", "README"]))
def test_only_the_found_characters_change(text: str, path: str) -> None:
    """Lines stay, what stands between the findings stays, and a redacted text has nothing left to redact."""
    redacted = redact(text, path)
    assert text.count("\n") == redacted.text.count("\n")
    assert redacted == redact(text, path)
    position = 0
    rest = redacted.text
    for finding in redacted.found:
        value = text[finding.start : finding.end]
        assert value and "\n" not in value
        assert finding.line == text.count("\n", 0, finding.start) + 1
        kept = text[position : finding.start] + marker(len(value))
        assert rest.startswith(kept)
        rest = rest[len(kept) :]
        position = finding.end
    assert text[position:] == rest
    assert (redacted.text, ()) == (redact(redacted.text, path).text, redact(redacted.text, path).found)


@given(st.text())
def test_stored_findings_redact_the_same_again(text: str) -> None:
    """What the index keeps is enough to serve the text without looking again."""
    text = f"{text}\npassword = '{drawn(20)}'\n"
    redacted = redact(text, "a.py")
    assert redacted.found == findings_from(findings_json(redacted.found))
    assert redacted.text == replaced(text, findings_from(findings_json(redacted.found)))


def test_markers_tell_the_length_class_only() -> None:
    """Short under 20 characters, medium under 64, long else."""
    assert [marker(1), marker(19)] == ["[redacted:short]"] * 2
    assert [marker(20), marker(63)] == ["[redacted:medium]"] * 2
    assert [marker(64), marker(9000)] == ["[redacted:long]"] * 2


def test_nothing_found_is_stored_as_nothing() -> None:
    """Almost all files."""
    assert (findings_json(()), findings_from("")) == ("", ())
    assert (Finding(3, "AWS access key", 5, 25),) == findings_from('[[3,"AWS access key",5,25]]')


def test_this_file_has_no_secret_in_it() -> None:
    """Keys in these tests are put together at run time."""
    text = Path(__file__).read_text("utf-8")
    assert redact(text, "test_redact.py").found == ()


@pytest.mark.parametrize(
    ("alphabet", "length", "least"),
    [
        (ALNUM, 24, 98),
        (ALNUM + "-_", 43, 98),
        (HEX, 32, 98),
        (ALNUM + "!#%^&*+?", 16, 85),
        (HEX + "ghijklmnop", 32, 90),
    ],
)
def test_almost_all_random_values_are_told_from_words(alphabet: str, length: int, least: int) -> None:
    """In percent of what generators of keys and passwords make."""
    texts = [f'api_key = "{drawn(length, alphabet, seed)}"\n' for seed in range(500)]
    found = sum(bool(redact(text, "a.py").found) for text in texts)
    assert found * 100 >= least * len(texts)
