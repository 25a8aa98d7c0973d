"""Which variables of a declaration look secret: those are never stored, logged or shown."""

import re
from collections.abc import Mapping
from typing import Final

SECRET_WORDS: Final = frozenset(
    {
        "AUTH", "CREDENTIAL", "CREDENTIALS", "KEY", "KEYS", "PASS", "PASSPHRASE", "PASSWD", "PASSWORD", "PASSWORDS",
        "PAT", "PRIVATE", "PWD", "SECRET", "SECRETS", "TOKEN", "TOKENS",
    }
)  # fmt: skip
_ENDINGS: Final = ("TOKEN", "SECRET", "PASSWORD", "APIKEY", "CREDENTIALS")
"""How a name of one word may end: `GITHUBTOKEN`."""

_PLAIN: Final = frozenset({"PWD", "OLDPWD", "SSH_AUTH_SOCK"})

_VALUE: Final = re.compile(
    r"://[^/@\s:]*:[^/@\s]+@"  # a URL with a password in it
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-(?:ant-|proj-)?|AKIA)[A-Za-z0-9_-]{12,}"
)


def looks_secret(name: str, value: str = "") -> bool:
    """Whether a variable's name or its value looks as if it were nobody's business."""
    upper = name.upper()
    if upper in _PLAIN:
        return False
    words = set(re.split(r"[^A-Z0-9]+", upper))
    return bool(words & SECRET_WORDS) or upper.endswith(_ENDINGS) or _VALUE.search(value) is not None


def parted(env: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """An environment as what may be stored and what may not."""
    secret = {name: value for name, value in env.items() if looks_secret(name, value)}
    return {name: value for name, value in env.items() if name not in secret}, secret
