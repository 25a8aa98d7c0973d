"""The change feed: every committed event once and in order, whoever wrote it; through errors and restarts."""

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from storage import ChangeFeed, Database, Event, Home, StorageError, change_feed, file_watch
from storage.file_watch import FileWatch
from tests.support.processes import children
from tests.support.users import User

WRITERS = """
database = Database.open(home)
say("ready")
hear()
for number in range(25):
    call(database, "create_task", agent=f"agent {arguments['index']}", title=f"{arguments['index']}-{number}")
say("done")
"""


class Heard:
    """Collects what a feed delivers."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = threading.Condition()

    def __call__(self, events: Sequence[Event]) -> None:
        with self._more:
            self.events.extend(events)
            self._more.notify_all()

    def wait_for(self, count: int, timeout_s: float = 20) -> list[Event]:
        with self._more:
            assert self._more.wait_for(lambda: len(self.events) >= count, timeout_s), len(self.events)
            return list(self.events)


@contextmanager
def feeding(
    database: Database, deliver: Callable[[Sequence[Event]], None], after: int, **named: Any
) -> Iterator[ChangeFeed]:
    feed = ChangeFeed(database, deliver, after=after, **named)
    feed.start()
    try:
        yield feed
    finally:
        feed.stop()


def stored(database: Database) -> list[int]:
    with database.read() as rows:
        return [event.sequence for event in rows.events()]


def test_every_event_of_every_process_comes_once_and_in_order(board: User, home: Home) -> None:
    heard = Heard()
    with feeding(board.database, heard, 0), children(home.path, WRITERS, 3) as writers:
        for writer in writers:
            assert writer.hear() == ["ready"]
        for writer in writers:
            writer.tell()
        for number in range(25):
            board.add(f"own {number}")
        for writer in writers:
            assert writer.hear() == ["done"]
        heard.wait_for(len(stored(board.database)))
    assert [event.sequence for event in heard.events] == stored(board.database)
    assert len({event.entity_id for event in heard.events if event.type == "created" and event.subject_id}) == 100


def test_an_own_commit_comes_at_once(board: User) -> None:
    heard = Heard()
    with feeding(board.database, heard, stored(board.database)[-1], poll_interval_ms=60_000):
        board.add("one")
        heard.wait_for(1, timeout_s=2)
        board.add("two")
        heard.wait_for(2, timeout_s=2)


def test_a_commit_without_events_is_told_too(board: User) -> None:
    moved, heard = threading.Semaphore(0), Heard()
    after = stored(board.database)[-1]
    with feeding(board.database, heard, after, moved=moved.release):
        assert moved.acquire(timeout=20), "the beginning counts"
        with board.database.write("note") as rows:
            rows.keep_spool_offsets({"a file": 1})
        assert moved.acquire(timeout=20)
        assert heard.events == []
        board.add("with an event")
        assert moved.acquire(timeout=20)
        assert len(heard.wait_for(1)) == 1, "what moved is delivered before"


def test_it_begins_after_the_number_it_is_given(board: User) -> None:
    board.add("old")
    heard = Heard()
    after = stored(board.database)[-1]
    with feeding(board.database, heard, after):
        board.add("new")
        heard.wait_for(1)
    assert [event.sequence for event in heard.events] == [after + 1]


def test_what_was_committed_before_the_start_is_not_missed(board: User) -> None:
    heard = Heard()
    board.add("before the start")
    with feeding(board.database, heard, 0, poll_interval_ms=60_000):
        heard.wait_for(len(stored(board.database)), timeout_s=2)


def test_a_flood_comes_in_batches_and_whole(board: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_feed, "BATCH", 7)
    sizes: queue.SimpleQueue[int] = queue.SimpleQueue()
    heard = Heard()

    def deliver(events: Sequence[Event]) -> None:
        sizes.put(len(events))
        heard(events)

    for number in range(30):
        board.add(str(number))
    with feeding(board.database, deliver, 0):
        events = heard.wait_for(len(stored(board.database)))
    assert [event.sequence for event in events] == stored(board.database)
    assert max(sizes.get() for _ in range(sizes.qsize())) == 7


def test_a_receiver_that_raises_is_logged_and_the_feed_goes_on(board: User, caplog: pytest.LogCaptureFixture) -> None:
    heard = Heard()

    def deliver(events: Sequence[Event]) -> None:
        heard(events)
        raise RuntimeError("the screen is upside down")

    with feeding(board.database, deliver, stored(board.database)[-1]):
        board.add("one")
        heard.wait_for(1)
        board.add("two")
        heard.wait_for(2)
    assert "the screen is upside down" in caplog.text
    assert len(heard.events) == 2


def test_a_reading_that_fails_is_tried_again_and_nothing_is_lost(
    board: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(change_feed, "RETRY_S", 0.02)
    heard = Heard()
    failures = iter(range(3))
    read = board.database.read

    def failing_read():  # type: ignore[no-untyped-def]
        if threading.current_thread().name == "change-feed" and next(failures, None) is not None:
            raise StorageError("no luck")
        return read()

    monkeypatch.setattr(board.database, "read", failing_read)
    with feeding(board.database, heard, stored(board.database)[-1]):
        board.add("one")
        board.add("two")
        heard.wait_for(2)
    assert [event.after["title"] for event in heard.events] == ["one", "two"]
    assert "no luck" in caplog.text


def test_while_it_fails_it_does_not_spin(board: User, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[float] = []

    def fail(path: object) -> None:
        tries.append(time.monotonic())
        raise StorageError("gone")

    monkeypatch.setattr(change_feed, "connect_read_only", fail)
    monkeypatch.setattr(change_feed, "RETRY_S", 60)
    feed = ChangeFeed(board.database, lambda events: None, after=0)
    feed.start()
    board.add("wakes it")
    feed.stop()
    assert len(tries) <= 3


def test_after_stop_nothing_is_delivered_and_no_thread_is_left(board: User) -> None:
    heard = Heard()
    with feeding(board.database, heard, stored(board.database)[-1]):
        board.add("one")
        heard.wait_for(1)
    board.add("two")
    assert len(heard.events) == 1
    assert "change-feed" not in [thread.name for thread in threading.enumerate()]


def test_a_feed_that_was_never_started_stops(board: User) -> None:
    ChangeFeed(board.database, lambda events: None, after=0).stop()


def test_what_follows_a_commit_and_fails_does_not_make_the_commit_look_failed(
    board: User, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("nobody listens")

    stop = board.database.after_commit(fail)
    assert board.add("stored").number == 1
    stop()
    assert "nobody listens" in caplog.text


def test_of_several_feeds_one_polls_for_all_and_the_next_takes_over(home: Home, board: User) -> None:
    first, second = Heard(), Heard()
    feeds = [ChangeFeed(board.database, heard, after=0, poll_interval_ms=5) for heard in (first, second)]
    for feed in feeds:
        feed.start()
    source = """
database = Database.open(home)
while title := hear():
    call(database, "create_task", title=title)
    say(title)
"""
    try:
        with children(home.path, source) as (writer,):
            told = len(second.wait_for(1))
            writer.tell("one")
            writer.hear()
            began = time.monotonic()
            told = len(second.wait_for(told + 1))
            woken_s = time.monotonic() - began
            feeds[0].stop()
            writer.tell("two")
            writer.hear()
            second.wait_for(told + 1)
            assert [event.after["title"] for event in second.events if "title" in event.after] == ["one", "two"]
            assert not any(event.after.get("title") == "two" for event in first.events)
            assert woken_s < change_feed.QUIET_INTERVAL_MS / 1000  # it was woken, and did not look for itself
            writer.tell()
    finally:
        feeds[1].stop()
    assert not board.database.feeds


def test_where_the_one_that_polls_fails_the_next_polls_at_once(
    board: User, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, is_broken = change_feed.connect_read_only, threading.Event()

    class Breaking:
        def __init__(self, connection: Any) -> None:
            self._connection, self.close = connection, connection.close

        def execute(self, sql: str) -> Any:
            if is_broken.is_set() and threading.current_thread() is feeds[0]._thread:
                raise OSError("the disk is gone")
            return self._connection.execute(sql)

    monkeypatch.setattr(change_feed, "connect_read_only", lambda path: Breaking(connect(path)))
    monkeypatch.setattr(change_feed, "WOKEN_INTERVAL_MS", 600_000)
    after = stored(board.database)[-1]
    heard = Heard(), Heard()
    feeds = [ChangeFeed(board.database, each, after=after, poll_interval_ms=5) for each in heard]
    for feed in feeds:
        feed.start()
    try:
        with children(home.path, COMMITS_ON_CALL) as (writer,):
            assert writer.hear() == ["ready"]
            is_broken.set()
            for title in ("one", "two"):
                writer.tell(title)
                assert writer.hear() == [title]
            wait_for_titles(heard[1], ["one", "two"])
            assert isinstance(feeds[0].failure, OSError)
            is_broken.clear()
            wait_for_titles(heard[0], ["one", "two"])
            writer.tell()
    finally:
        for feed in feeds:
            feed.stop()


COMMITS_ON_CALL = """
database = Database.open(home)
say("ready")
while title := hear():
    call(database, "create_task", title=title)
    say(title)
"""


def wait_for_titles(heard: Heard, wanted: Sequence[str]) -> None:
    end = time.monotonic() + 20
    while [event.after["title"] for event in tuple(heard.events) if "title" in event.after] != wanted:
        assert time.monotonic() < end, heard.events
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="inotify")
def test_a_commit_elsewhere_after_a_quiet_time_is_announced_by_the_watch(board: User, home: Home) -> None:
    heard = Heard()
    after = stored(board.database)[-1]
    with (
        feeding(board.database, heard, after, poll_interval_ms=60_000) as feed,
        children(home.path, COMMITS_ON_CALL) as (writer,),
    ):
        assert writer.hear() == ["ready"]
        time.sleep(2 * change_feed.ACTIVE_S)
        for count in (1, 2, 3):
            writer.tell(str(count))
            assert writer.hear() == [str(count)]
            wait_for_titles(heard, [str(each) for each in range(1, count + 1)])
            time.sleep(2 * change_feed.ACTIVE_S)
        assert feed._trusts_watch


def looks_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often feeds have looked whether something was committed."""
    connect, looks = change_feed.connect_read_only, []

    class Counting:
        def __init__(self, connection: Any) -> None:
            self.close, self._execute = connection.close, connection.execute

        def execute(self, sql: str) -> Any:
            looks.append(sql)
            return self._execute(sql)

    monkeypatch.setattr(change_feed, "connect_read_only", lambda path: Counting(connect(path)))
    return lambda: len(looks)


@pytest.mark.skipif(sys.platform != "linux", reason="inotify")
def test_while_nobody_writes_it_hardly_looks(board: User, monkeypatch: pytest.MonkeyPatch) -> None:
    count = looks_of(monkeypatch)
    heard = Heard()
    with feeding(board.database, heard, stored(board.database)[-1]):
        board.add("one")
        heard.wait_for(1)
        time.sleep(4 * change_feed.ACTIVE_S)
        before = count()
        assert before > 3
        time.sleep(3)
        assert count() - before <= 6


def test_without_a_watch_it_polls(board: User, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_watch, "_begin", lambda: -1)
    heard = Heard()
    with (
        feeding(board.database, heard, stored(board.database)[-1], poll_interval_ms=5),
        children(home.path, COMMITS_ON_CALL) as (writer,),
    ):
        assert writer.hear() == ["ready"]
        time.sleep(2 * change_feed.ACTIVE_S)
        writer.tell("one")
        writer.hear()
        wait_for_titles(heard, ["one"])


def test_a_watch_that_has_told_nothing_of_a_commit_is_trusted_no_more(
    board: User, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileWatch, "watch", lambda self: setattr(self, "_is_watching", True) or True)
    count = looks_of(monkeypatch)
    heard = Heard()
    after = stored(board.database)[-1]
    with (
        feeding(board.database, heard, after, poll_interval_ms=5) as feed,
        children(home.path, COMMITS_ON_CALL) as (writer,),
    ):
        assert writer.hear() == ["ready"]
        time.sleep(2 * change_feed.ACTIVE_S)
        writer.tell("one")
        writer.hear()
        end = time.monotonic() + 20
        while feed._trusts_watch:
            assert time.monotonic() < end
            time.sleep(0.01)
        time.sleep(2 * change_feed.ACTIVE_S)
        before = count()
        while count() < before + 100:
            assert time.monotonic() < end, "it polls"
            time.sleep(0.01)
        writer.tell("two")
        writer.hear()
        wait_for_titles(heard, ["one", "two"])
