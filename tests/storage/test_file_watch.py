"""The watch on a file or folder: it tells of each write, of nothing else, and goes on where the file comes anew."""

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import file_watch
from storage.file_watch import FileWatch

DEADLINE_S = 20.0

linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "a file"
    file.write_text("1")
    return file


@pytest.fixture
def watch(file: Path) -> Iterator[FileWatch]:
    watch = FileWatch(file)
    yield watch
    watch.close()


@linux
def test_a_write_is_told_once(watch: FileWatch, file: Path) -> None:
    assert watch.watch()
    assert not watch.wait(0.0)
    with file.open("a") as opened:
        opened.write("2")
        opened.flush()
        assert watch.wait(DEADLINE_S)
        assert not watch.wait(0.0)
        opened.write("3")
    assert watch.wait(DEADLINE_S)


@linux
def test_a_write_wakes_the_one_who_waits(watch: FileWatch, file: Path) -> None:
    assert watch.watch()
    told: list[bool] = []
    thread = threading.Thread(target=lambda: told.append(watch.wait(DEADLINE_S)))
    thread.start()
    file.write_text("2")
    thread.join(DEADLINE_S)
    assert told == [True]


@linux
def test_reading_and_other_files_are_none(watch: FileWatch, file: Path) -> None:
    assert watch.watch()
    file.read_text()
    file.with_name("other").write_text("1")
    assert not watch.wait(0.1)


@linux
def test_in_a_folder_new_files_and_lines_are_told_of(tmp_path: Path) -> None:
    watch = FileWatch(tmp_path)
    assert watch.watch()
    (tmp_path / "new").touch()
    assert watch.wait(DEADLINE_S)
    (tmp_path / "new").write_text("a line")
    assert watch.wait(DEADLINE_S)
    watch.close()


@linux
def test_a_file_that_has_gone_is_watched_again_when_it_is_back(watch: FileWatch, file: Path) -> None:
    assert watch.watch()
    file.unlink()
    assert watch.wait(DEADLINE_S)
    assert not watch.is_watching
    assert not watch.watch()
    file.write_text("anew")
    assert watch.watch()
    file.write_text("more")
    assert watch.wait(DEADLINE_S)


@linux
def test_what_is_written_can_be_left_for_later(watch: FileWatch, file: Path) -> None:
    assert watch.watch()
    file.write_text("2")
    assert not watch.wait(0.01, for_writes=False)
    assert watch.take_writes()
    assert not watch.take_writes()


def test_a_path_that_is_not_there_is_not_watched(tmp_path: Path) -> None:
    watch = FileWatch(tmp_path / "none")
    assert not watch.watch()
    assert not watch.wait(0.0)
    watch.close()


def test_where_nothing_announces_one_waits_for_the_time(
    watch: FileWatch, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_watch, "_inotify", lambda: None)
    assert not watch.watch()
    file.write_text("2")
    began = time.monotonic()
    assert not watch.wait(0.05)
    assert time.monotonic() - began >= 0.04


@pytest.mark.parametrize("for_writes", [True, False])
def test_a_wake_up_counts_before_and_while_somebody_waits(watch: FileWatch, *, for_writes: bool) -> None:
    began = time.monotonic()
    for _ in range(100_000):  # more than a pipe holds
        watch.wake()
    assert not watch.wait(DEADLINE_S, for_writes=for_writes)
    threading.Timer(0.02, watch.wake).start()
    assert not watch.wait(DEADLINE_S, for_writes=for_writes)
    assert time.monotonic() - began < DEADLINE_S


def test_after_the_close_a_wake_up_does_nothing(watch: FileWatch) -> None:
    watch.close()
    watch.wake()
