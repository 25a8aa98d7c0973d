"""The log: JSON lines with tracebacks, the user's alone, never without end."""

import json
import logging
import stat
import subprocess
import sys
import time
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
    monkeypatch.setattr("storage.logs.BATCH", 1)
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


def test_records_are_written_after_a_second_or_a_hundred_of_them_and_errors_at_once(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    stop = start_logging(path)
    logger = logging.getLogger("here")
    logger.info("first")
    began = time.monotonic()
    while not path.exists():
        time.sleep(0.01)
        assert time.monotonic() - began < 30
    assert time.monotonic() - began > 0.5
    logger.error("at once")
    began = time.monotonic()
    while "at once" not in path.read_text():
        assert time.monotonic() - began < 30
    for number in range(250):
        logger.info("line %d", number)
    while "line 199" not in path.read_text():
        assert time.monotonic() - began < 30
    stop()
    assert "line 249" in path.read_text()


def test_modules_have_levels_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    stop = start_logging(path, levels={"here.below": logging.DEBUG, "there": logging.ERROR})
    logging.getLogger("here").debug("not this")
    logging.getLogger("here.below.deep").debug("but this")
    logging.getLogger("there").warning("nor that")
    stop()
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["message"] == "but this"
    assert logging.getLogger("there").level == logging.NOTSET


def test_a_disk_that_refuses_stops_nothing(tmp_path: Path) -> None:
    stop = start_logging(tmp_path / "not there" / "app.log")
    logging.getLogger("here").error("lost")
    stop()


def test_processes_that_write_one_log_lose_nothing_over_rotations(tmp_path: Path) -> None:
    source = """
import logging, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import storage.logs
storage.logs.BYTES_A_FILE = 20_000
storage.logs.FILES_KEPT = 1000
stop = storage.logs.start_logging(Path(sys.argv[1]))
for number in range(500):
    logging.getLogger("here").info("%s-%d", sys.argv[2], number)
stop()
"""
    root = str(Path(__file__).resolve().parents[2])
    path = tmp_path / "app.log"
    children = [subprocess.Popen([sys.executable, "-c", source, str(path), name, root]) for name in ("a", "b", "c")]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    messages = {json.loads(line)["message"] for file in tmp_path.iterdir() for line in file.read_text().splitlines()}
    assert messages == {f"{name}-{number}" for name in "abc" for number in range(500)}
