"""Runners are measured here, where they are what is tested."""

from pathlib import Path

import pytest

from core.processes.backends import launching, local, tmux
from tests.support.measured_program import measured


@pytest.fixture(autouse=True)
def runners_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def argv(folder: Path, *options: str) -> list[str]:
        return measured(launching.runner_argv(folder, *options))

    for backend in (local, tmux):
        monkeypatch.setattr(backend, "runner_argv", argv)
