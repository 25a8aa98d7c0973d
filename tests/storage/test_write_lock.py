"""The write lock: fair, with a deadline that names the holder, and unharmed by those who gave up."""

import _thread
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from storage import Database, Home, StorageReadOnly, StorageTimeout
from storage.write_lock import WriteLock
from tests.support.processes import children
from tests.support.users import User

HOLD = """
database = Database.open(home)
with database.write("hold_for_test") as rows:
    say("held")
    hear()
say("committed")
"""

WRITE = """
database = Database.open(home, deadline_s=arguments["deadline_s"])
say("open")
while hear() == "write":
    began = time.monotonic()
    try:
        task = call(database, "create_task", agent=f"writer {arguments['index']}", title="new")
        say("written", task.number)
    except StorageTimeout as error:
        say("refused", error.code, error.message, error.details["holder"], time.monotonic() - began)
"""


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def lock_threads() -> int:
    return _thread._count()  # bare threads too, which `threading` does not know


def test_a_stopped_holder_is_named_by_the_deadline_and_harms_nobody_afterwards(board: User, home: Home) -> None:
    task = board.add("Readers go on")
    with children(home.path, HOLD) as (holder,), children(home.path, WRITE, 3, deadline_s=0.4) as writers:
        for writer in writers:
            assert writer.hear() == ["open"]
        assert holder.hear() == ["held"]
        holder.signal(signal.SIGSTOP)
        for attempt in range(2):
            for writer in writers:
                writer.tell("write")
            assert board.see(task).title == "Readers go on"
            for writer in writers:
                word, code, message, details, waited = writer.hear()
                assert (word, code) == ("refused", "timeout"), attempt
                assert details["pid"] == holder.pid
                assert details["operation"] == "hold_for_test"
                assert f"{details['name']} (pid {holder.pid})" in message
                assert "hold_for_test" in message
                assert details["name"].startswith("python")
                assert waited < 2
        assert board.see(task).version == 1
        holder.signal(signal.SIGCONT)
        holder.tell()
        assert holder.hear() == ["committed"]
        for _ in range(2):
            for writer in writers:
                writer.tell("write")
            assert {writer.hear()[0] for writer in writers} == {"written"}
        assert len(board.call("list_tasks")) == 7


def test_a_holder_that_is_killed_frees_the_lock_and_leaves_nothing_half_done(board: User, home: Home) -> None:
    with children(home.path, HOLD) as (holder,):
        assert holder.hear() == ["held"]
        holder.signal(signal.SIGKILL)
        assert board.add("at once").number == 1


def test_giving_up_again_and_again_leaves_one_thread_and_no_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder, giving_up = WriteLock(path, 5), WriteLock(path, 0.02)
    before = descriptors(), lock_threads()
    with holder.hold("long"):
        for _ in range(10):
            with pytest.raises(StorageTimeout, match="long"), giving_up.hold("short"):
                pass
        assert lock_threads() <= before[1] + 1
    giving_up._deadline_s = 30  # a machine under load needs longer than those 20 ms to wake the thread
    with giving_up.hold("now"):
        assert lock_threads() <= before[1] + 1
    with holder.hold("again"):
        pass
    holder.close()
    giving_up.close()
    assert descriptors() <= before[0]


def test_a_wait_taken_up_again_gets_the_lock_as_soon_as_it_is_free(tmp_path: Path) -> None:
    holder, waiting = WriteLock(tmp_path / "lock", 5), WriteLock(tmp_path / "lock", 0.05)
    free = threading.Event()
    held = threading.Event()

    def hold() -> None:
        with holder.hold("long"):
            held.set()
            free.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    with pytest.raises(StorageTimeout), waiting.hold("first try"):
        pass
    waiting._deadline_s = 10
    threading.Timer(0.05, free.set).start()
    with waiting.hold("second try"):
        pass
    thread.join()


def test_the_lock_that_comes_when_nobody_wants_it_is_given_back(tmp_path: Path) -> None:
    holder, gave_up = WriteLock(tmp_path / "lock", 5), WriteLock(tmp_path / "lock", 0.02)
    with holder.hold("long"), pytest.raises(StorageTimeout), gave_up.hold("short"):
        pass
    with WriteLock(tmp_path / "lock", 5).hold("a third"):
        pass


def test_threads_of_one_process_take_turns(database: Database, board: User) -> None:
    written: list[int] = []

    def write() -> None:
        written.extend(board.add("new").number for _ in range(20))
        database.close_thread()

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(written) == list(range(1, 161))


def test_a_thread_that_waits_beyond_the_deadline_is_told_of_its_own_process(tmp_path: Path) -> None:
    lock = WriteLock(tmp_path / "lock", 0.05)
    refusals: list[StorageTimeout] = []

    def second() -> None:
        try:
            with lock.hold("second"):
                pass
        except StorageTimeout as error:
            refusals.append(error)

    with lock.hold("first"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert [(error.details["holder"]["pid"], error.details["holder"]["operation"]) for error in refusals] == [
        (os.getpid(), "first")
    ]


def test_many_processes_are_served_alike(board: User, home: Home) -> None:
    source = """
    database = Database.open(home)
    call(database, "create_task", agent=f"agent {arguments['index']}", title="ready")
    say("ready")
    hear()
    until, count, longest = time.monotonic() + 1.5, 0, 0.0
    while (began := time.monotonic()) < until:
        call(database, "create_task", agent=f"agent {arguments['index']}", title="new")
        longest = max(longest, time.monotonic() - began)
        count += 1
    say(count, longest)
    """
    import textwrap

    with children(home.path, textwrap.dedent(source), 8) as writers:
        for writer in writers:
            assert writer.hear() == ["ready"]
        for writer in writers:
            writer.tell()
        results = [writer.hear() for writer in writers]
    counts = [count for count, _ in results]
    assert len(board.call("list_tasks")) == sum(counts) + 8, "acknowledged and stored are the same"
    assert max(longest for _, longest in results) < 1
    assert min(counts) >= 0.4 * max(counts), counts


def test_a_lock_file_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageReadOnly, match="lock"), WriteLock(tmp_path / "no" / "lock", 1).hold("write"):
        pass


@pytest.mark.parametrize("note", [b"", b"garbage", b"[]", b'{"pid": 1}'])
def test_a_spoilt_note_does_not_hide_the_timeout(tmp_path: Path, note: bytes) -> None:
    path = tmp_path / "lock"
    holder, waiting = WriteLock(path, 1), WriteLock(path, 0.02)
    with holder.hold("x"):
        path.write_bytes(note)
        with pytest.raises(StorageTimeout, match="busy"), waiting.hold("y"):
            pass


def test_a_wait_that_is_interrupted_leaves_the_lock_to_others(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder, interrupted = WriteLock(path, 5), WriteLock(path, 5)
    with holder.hold("long"):
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt), interrupted.hold("waits"):
            pass
    began = time.monotonic()
    with WriteLock(path, 5).hold("another"):
        assert time.monotonic() - began < 1
    with interrupted.hold("itself, again"):
        pass
