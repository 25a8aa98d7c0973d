"""What the runner keeps of a process's output: whole over rotation, bounded, and honest where the disk refuses."""

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.processes.runner import log as log_module
from core.processes.runner.log import HEAD, RECORD, OutputLog
from storage import OutputReader


def texts(folder: Path) -> list[bytes]:
    return [line.text for line in OutputReader(folder).lines()]


class Refusing:
    """A system call that refuses as long as it is told to, and counts how often it was asked then."""

    def __init__(self, call: Callable[..., object]) -> None:
        self._call = call
        self.refuses = True
        self.count = 0

    def __call__(self, *arguments: object, **named: object) -> object:
        if self.refuses:
            self.count += 1
            raise OSError(errno.EROFS, "Read-only file system")
        return self._call(*arguments, **named)


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Refusing]:
    def made(name: str) -> Refusing:
        call = Refusing(getattr(os, name))
        monkeypatch.setattr(log_module.os, name, call)
        return call

    return made


def test_a_run_that_ended_within_a_line_is_not_gone_on_with_by_the_next(tmp_path: Path):
    for piece in (b"no end", b"listening\r\n", b"whole\r\n"):
        log = OutputLog(str(tmp_path), 1_000_000, 3)
        log.append(piece)
        log.append(b"more\n")
        log.close()
    assert texts(tmp_path) == [b"no endmore", b"listening", b"more", b"whole", b"more"]
    log = OutputLog(str(tmp_path), 1_000_000, 3)
    log.append(b"Password: ")
    log.close()
    began = time.time_ns() // 1000
    log = OutputLog(str(tmp_path), 1_000_000, 3)
    log.append(b"ready\n")
    log.close()
    assert texts(tmp_path)[-2:] == [b"Password: ", b"ready"]
    last = OutputReader(tmp_path).tail(1)[0]
    assert last.at.timestamp() * 1e6 >= began - 1000, "it has the time of its own run"


def test_that_is_seen_over_a_rotation_too(tmp_path: Path):
    log = OutputLog(str(tmp_path), 4096, 3)
    log.append(b"x" * 5000)
    log.close()
    (tmp_path / "output.log").write_bytes(b"")
    (tmp_path / "output.log.idx").unlink()
    log = OutputLog(str(tmp_path), 4096, 3)
    log.append(b"next\n")
    log.close()
    assert texts(tmp_path)[-1] == b"next"


def test_a_folder_that_refuses_rotation_costs_output_and_says_so(tmp_path: Path, refusing):
    rename = refusing("rename")
    log = OutputLog(str(tmp_path), 4096, 3)
    log.append(b"0123456789" * 1000)
    for _ in range(1000):
        log.append(b"lost\n")
    kept = (tmp_path / "output.log").stat().st_size
    assert kept <= 4096
    assert rename.count < 50, "it is not tried with each byte"
    assert log.lost == 10_000 + 5_000 - kept
    log.retry_at = 0.0
    assert not log.resume()
    assert (tmp_path / "output.log").stat().st_size == kept, "no notice before there is room for what follows it"
    rename.refuses = False
    log.retry_at = 0.0
    log.append(b"again\n")
    log.close()
    assert texts(tmp_path)[-1] == b"again"
    assert b"%d bytes of output were lost here" % (15_000 - kept) in texts(tmp_path)[-2]
    assert OutputReader(tmp_path).bounds() == (0, sum(file.stat().st_size for file in _files(tmp_path)))


def test_an_index_that_found_no_room_for_its_head_gets_it_later(tmp_path: Path, refusing):
    log = OutputLog(str(tmp_path), 4096, 5)
    log.append(b"one\n" * 900)
    pwrite = refusing("pwrite")
    log.append(b"two\n" * 500)  # rotates; the new file's index has no head
    assert (tmp_path / "output.log.1").exists()
    time.sleep(0.002)
    pwrite.refuses = False
    log.append(b"three\n")
    log.close()
    told = (tmp_path / "output.log.idx").read_bytes()
    magic, base, inode, _ = HEAD.unpack(told[: HEAD.size])
    assert magic == log_module.MAGIC
    assert base == (tmp_path / "output.log.1").stat().st_size
    assert inode == (tmp_path / "output.log").stat().st_ino
    assert (len(told) - HEAD.size) % RECORD.size == 0
    assert texts(tmp_path) == [b"one"] * 900 + [b"two"] * 500 + [b"three"]
    assert OutputReader(tmp_path).bounds() == (0, 3600 + 2000 + 6)


def test_an_index_that_cannot_be_made_shifts_no_offset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log = OutputLog(str(tmp_path), 1_000_000, 5)
    log.append(b"one\n")
    opened = os.open

    def opening(path: str, *more: int) -> int:
        if path.endswith(".idx"):
            raise OSError(errno.EMFILE, "Too many open files")
        return opened(path, *more)

    monkeypatch.setattr(log_module.os, "open", opening)
    (tmp_path / "output.log.idx").unlink()
    for _ in range(5):
        log._open()
        assert log.end == 4
    monkeypatch.undo()
    log.append(b"two\n")
    assert log.end == 8
    log.close()
    assert OutputReader(tmp_path).bounds() == (0, 8)


def test_a_process_that_prints_byte_by_byte_fills_no_disk_with_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    now = time.time_ns()
    ticks = iter(range(10**9))
    monkeypatch.setattr(log_module.time, "time_ns", lambda: now + next(ticks) * 1_000_000)
    log = OutputLog(str(tmp_path), 100_000, 3)
    for _ in range(30_000):
        log.append(b"x")
    log.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 300_000
    begin, end = OutputReader(tmp_path).bounds()
    assert end == 30_000
    assert begin > 0


def test_fewer_files_than_before_are_kept_from_the_next_rotation_on(tmp_path: Path):
    for files, kept in ((5, 5), (2, 2), (1, 1)):
        log = OutputLog(str(tmp_path), 4096, files)
        log.append(b"x" * 30_000)
        log.close()
        assert len(_files(tmp_path)) == kept
        assert len(list(tmp_path.iterdir())) == 2 * kept


def test_a_folder_that_is_removed_is_made_again(tmp_path: Path):
    folder = tmp_path / "prc_a"
    folder.mkdir()
    log = OutputLog(str(folder), 1_000_000, 3)
    log.append(b"one\n")
    shutil.rmtree(folder)
    log._look_at = 0.0  # it looks every two seconds
    log.append(b"two\n")
    log.close()
    assert texts(folder) == [b"two"]
    assert folder.stat().st_mode & 0o777 == 0o700


def test_where_the_whole_home_is_gone_none_is_made(tmp_path: Path):
    folder = tmp_path / "logs" / "prc_a"
    folder.mkdir(parents=True)
    log = OutputLog(str(folder), 1_000_000, 3)
    shutil.rmtree(tmp_path / "logs")
    log._look_at = 0.0
    log.append(b"two\n")
    assert log.lost == 4
    log.close()
    assert not (tmp_path / "logs").exists()


def _files(folder: Path) -> list[Path]:
    return [each for each in folder.iterdir() if each.suffix != ".idx"]
