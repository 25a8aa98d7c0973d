"""What fills the texts of alerts, for tests."""

from typing import Any

from core.alerts.findings import TEXTS

FILLING = {
    "name": "web", "reason": "exit code 3", "number": "12", "count": "3", "span": "120", "percent": "90", "free": "500",
    "disk": "/", "task": "#12", "agent": "ann", "question": "Which one?", "pattern": "panic", "line": "panic: x",
    "service": "sync", "error": "room.yaml, line 1, column 1: no.", "todo": "Mend it.", "file": "/src/room.yaml",
    "attempt": "1", "run": "3f2a9c01", "pids": "4711,4712", "since": "2026-11-21 19:30:05 UTC",
}  # fmt: skip


def filling(text: str) -> dict[str, Any]:
    """What one text has to be told."""
    return {gap: FILLING[gap] for gap in TEXTS[text].gaps}
