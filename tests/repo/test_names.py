"""Files left out by name, and the look-alikes that must not be."""

import pytest

from copilot.repo.names import reason_by_name
from copilot.repo.secrets import is_secret

SECRET = [
    ".env", "web/.env.production", ".env.local", ".envrc", "prod.env", "id_rsa", "keys/id_ed25519", "server.pem",
    "Server.KEY", "app.keystore", "debug.jks", "store.p12", "cert.pfx", "vault.kdbx", ".netrc", ".git-credentials",
    ".pypirc", ".htpasswd", "terraform.tfstate", "prod.tfvars", "client_secret_123.apps.json", "secrets.yaml",
    "home/.aws/credentials", ".docker/config.json", "service-account.json", "default.pem",
]  # fmt: skip
NOT_SECRET = [
    ".env.example", ".env.sample", ".env.template", ".env.dist", "example.env", "config.json", "settings.json",
    "settings.py", "secrets.py", "secret.go", "id_rsa.pub", "environment.ts", "env.py", ".env.d.ts",
    "credentials.py", "keyboard.py", "key.ts", "docker/config.json", "public_key.txt", "token.py",
    "passwords_test.go", ".npmrc",
]  # fmt: skip


@pytest.mark.parametrize("path", SECRET)
def test_files_that_hold_keys_are_secret(path: str) -> None:
    """A secret that is read can leak into a prompt, a cache or an answer."""
    assert is_secret(path)


@pytest.mark.parametrize("path", NOT_SECRET)
def test_ordinary_files_and_templates_are_not_secret(path: str) -> None:
    """A file that is wrongly withheld makes answers wrong."""
    assert not is_secret(path)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("go.sum", "lock file"),
        ("web/package-lock.json", "lock file"),
        ("Cargo.lock", "lock file"),
        ("Cargo.toml", None),
        ("package.json", None),
        ("a.min.js", "minified"),
        ("a.css.map", "minified"),
        ("min.js", None),
        ("LOGO.PNG", "binary by name"),
        ("lib/x.tar.gz", "binary by name"),
        ("x.snap", None),
        ("page.pt", None),
        ("so", None),
        (".bin", None),
        ("a.svg", None),
    ],
)
def test_a_name_gives_its_reason(path: str, reason: str | None) -> None:
    """Only what cannot be source text is left out without being looked at."""
    assert reason == reason_by_name(path)
