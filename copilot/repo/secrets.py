"""Files that hold secrets, told by their names alone, so that no key ever gets into a prompt or a cache.

Secrets inside files with ordinary names are found by `redact.py`. Does not know: content, ignore rules.
"""

import re

_NAMES = frozenset(
    {
        ".dockercfg", ".git-credentials", ".htpasswd", ".my.cnf", ".netrc", ".pgpass", ".pypirc",
        ".terraformrc", ".vault-token", "_netrc", "api_key.txt", "apikey.txt", "client_secret.json", "credentials",
        "credentials.json", "credentials.tfrc.json", "credentials.toml", "id_dsa", "id_ecdsa", "id_ecdsa_sk",
        "id_ed25519", "id_ed25519_sk", "id_rsa", "identity.agekey", "kubeconfig", "service-account.json",
        "service_account.json", "serviceaccountkey.json", "terraform.rc",
    }
)  # fmt: skip
_ENDINGS = (
    ".agekey", ".bks", ".gpg", ".jceks", ".jks", ".kdb", ".kdbx", ".key", ".keychain", ".keychain-db",
    ".keystore", ".mobileprovision", ".ovpn", ".p12", ".p8", ".pem", ".pfx", ".pgp", ".ppk", ".secret", ".tfstate",
    ".tfstate.backup", ".tfvars", ".tfvars.json",
)  # fmt: skip
_PATHS = ("/.aws/credentials", "/.docker/config.json", "/.kube/config", "/.cargo/credentials", "/.gem/credentials")
_ENV_FILE = re.compile(r"\.env(?:rc)?(?:[.-].+)?|.+\.env")
_HARMLESS = re.compile(r"(?:^|[._-])(?:examples?|samples?|templates?|tmpl|dist|defaults?|schema|stub)(?:[._-]|$)")
_HARMLESS_ENV = frozenset({".env.d.ts", ".env.ts", ".env.js", ".env.mjs", ".env.py", ".env.md", ".env.rb", ".env.go"})
_CLIENT_SECRET = re.compile(r"client_secret.*\.json|secrets?\.(?:json|ya?ml|toml|ini|properties|env)")


def is_secret(path: str) -> bool:
    """Tell whether the name of a file (POSIX path) says that it holds keys or passwords; templates do not."""
    name = path.rpartition("/")[2].lower()
    if name.endswith(_ENDINGS):
        return True
    return _may_be_secret(name, path) and not _HARMLESS.search(name)


def _may_be_secret(name: str, path: str) -> bool:
    if name in _NAMES:
        return True
    if ".env" in name and _ENV_FILE.fullmatch(name):
        return name not in _HARMLESS_ENV
    if "secret" in name and _CLIENT_SECRET.fullmatch(name):
        return True
    return f"/{path.lower()}".endswith(_PATHS)
