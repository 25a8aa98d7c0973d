"""The log: JSON lines with tracebacks, the user's alone, never without end."""

import json
import logging
import stat
from pathlib import Path

import pytest

from storage.logs import FILES_KEPT, start_logging


def test_records_are_json_lines_with_their_traceback(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    stop = start_logging(path)
    try:
        raise ValueError("日本")
    except ValueError:
        logging.getLogger("here").exception("it failed: %s", 3)
    stop()
    (line,) = path.read_text(encoding="utf-8").splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["logger"], entry["message"]) == ("error", "here", "it failed: 3")
    assert "ValueError: 日本" in entry["traceback"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.logs.BYTES_A_FILE", 500)
    stop = start_logging(tmp_path / "app.log")
    for number in range(200):
        logging.getLogger("here").info("line %d", number)
    stop()
    assert len(list(tmp_path.iterdir())) == FILES_KEPT + 1
    assert "line 199" in (tmp_path / "app.log").read_text()


def test_it_follows_a_file_that_another_process_has_rotated(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    stop = start_logging(path)
    logging.getLogger("here").info("first")
    while not path.exists():  # the log is written by its own thread
        pass
    path.rename(path.with_name("app.log.1"))
    logging.getLogger("here").info("second")
    stop()
    assert "second" in path.read_text()
