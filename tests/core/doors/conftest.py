"""Fixtures for the doors: the command line called within this process, in the directory of a project."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.doors.cli.program import run
from storage import Home, decode_json


@dataclass(frozen=True, slots=True)
class Result:
    """What one command line gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value on stdout."""
        return decode_json(self.out)

    @property
    def error(self) -> Any:
        """The one JSON value on stderr."""
        return decode_json(self.err)


Wzp = Callable[..., Result]


@pytest.fixture
def wzp(
    home: Home, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    """Calls a command line in the project's directory: `wzp("task", "add", "Fix login", stdin="…")`."""
    monkeypatch.chdir(project)

    def call(*words: str, stdin: str | bytes = "") -> Result:
        piped = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(piped), encoding="utf-8"))
        capsys.readouterr()
        code = run(words)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def room(wzp: Wzp, project: Path) -> str:
    """The name of a room for the project."""
    assert wzp("room", "create", "demo", "--root", str(project)).code == 0
    return "demo"
