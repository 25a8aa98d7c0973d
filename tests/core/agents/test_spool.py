"""The spool: lines in order, each exactly once, whatever writers, crashes and other readers do meanwhile."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.agents import hook
from core.agents.spool import HookEvent, last_line_of, read_new, spool_of, tidy
from storage import Home


def line(session: str = "s", **more: Any) -> dict[str, Any]:
    return {
        "version": 1, "at": "2026-11-21T09:34:40.517259Z", "client": "claude", "event": "Stop",
        "client_session": session, "ancestors": ["7:1"], **more,
    }  # fmt: skip


def day_file(home: Home, days_ago: int = 0) -> Path:
    spool_of(home).mkdir(parents=True, exist_ok=True)
    return spool_of(home) / f"{datetime.now(UTC) - timedelta(days=days_ago):%Y-%m-%d}.jsonl"


def append(home: Home, *sessions: str, days_ago: int = 0) -> Path:
    file = day_file(home, days_ago)
    for session in sessions:
        hook.append(str(file), line(session))
    return file


def sessions(batch: Any) -> list[str]:
    return [each.client_session for each in batch.lines]


def test_a_line_comes_as_the_hook_wrote_it(home: Home):
    home.path.mkdir()
    hook.note(
        {"hook_event_name": "Notification", "session_id": "s1", "message": "?", "notification_type": "idle_prompt"},
        "claude", 1, None,
    )  # fmt: skip
    (read,) = read_new(home, {}).lines
    assert read.event is HookEvent.NOTIFICATION
    assert (read.client, read.client_session, read.message, read.detail) == ("claude", "s1", "?", "idle_prompt")
    assert read.ancestors[0] == f"{os.getppid()}:{hook.started(os.getppid())}"
    assert datetime.now(UTC) - read.at < timedelta(seconds=30)


def test_every_event_that_the_hook_notes_is_one_that_the_reader_knows():
    assert set(hook.EVENTS.values()) == set(HookEvent)


def test_an_empty_spool_has_nothing(home: Home):
    batch = read_new(home, {})
    assert (batch.lines, dict(batch.positions), batch.has_more) == ((), {}, False)
    assert last_line_of(home, "claude") is None
    tidy(home, {})


def test_lines_come_in_order_over_the_days_and_only_once(home: Home):
    append(home, "c", "d")
    append(home, "a", "b", days_ago=1)
    first = read_new(home, {})
    assert sessions(first) == ["a", "b", "c", "d"]
    append(home, "e")
    second = read_new(home, first.positions)
    assert sessions(second) == ["e"]
    assert read_new(home, second.positions).lines == ()


def test_many_lines_come_in_batches(home: Home):
    append(home, *"abcdef", days_ago=1)
    append(home, "g")
    positions: Any = {}
    seen = []
    for _ in range(4):
        batch = read_new(home, positions, limit=2)
        seen += sessions(batch)
        positions = batch.positions
        assert len(batch.lines) <= 2
        assert batch.has_more == (len(seen) < 7)
    assert "".join(seen) == "abcdefg"


def test_a_line_that_is_being_written_is_left_until_it_is_whole(home: Home):
    file = append(home, "a")
    text = json.dumps(line("b")).encode() + b"\n"
    with file.open("ab") as stream:
        stream.write(text[:20])
    first = read_new(home, {})
    assert sessions(first) == ["a"]
    with file.open("ab") as stream:
        stream.write(text[20:])
    assert sessions(read_new(home, first.positions)) == ["b"]


def test_a_torn_line_is_skipped_and_counted_and_the_next_is_read(home: Home):
    file = append(home, "a")
    with file.open("ab") as torn:
        torn.write(b'\n{"version":1,"at":"2026')
    append(home, "b")
    batch = read_new(home, {})
    assert sessions(batch) == ["a", "b"]
    assert batch.skipped == 1


def test_a_line_that_is_not_understood_is_passed_once_and_not_each_time(home: Home):
    file = day_file(home)
    file.write_bytes(b"\nnonsense\n")
    first = read_new(home, {})
    assert (first.lines, first.is_empty) == ((), False)
    assert read_new(home, first.positions).is_empty
    with file.open("ab") as torn:
        torn.write(b'\n{"version":1')
    assert read_new(home, first.positions).is_empty  # nothing to store until it is whole


@pytest.mark.parametrize(
    "text",
    [
        b"no json", b"[]", b"{}", b'"\xff"', b"\x00" * 50, json.dumps(line(event="Unheard")).encode(),
        json.dumps(line(at="yesterday")).encode(), json.dumps(line(at="2026-11-21T09:34:40")).encode(),
        json.dumps(line(ancestors=7)).encode(), b"x" * 3_000_000,
    ],
    ids=lambda text: repr(text[:60]),
)  # fmt: skip
def test_a_line_that_no_hook_wrote_is_passed_over(home: Home, text: bytes):
    file = append(home, "a")
    with file.open("ab") as stream:
        stream.write(text + b"\n")
    append(home, "b")
    batch = read_new(home, {})
    assert sessions(batch) == ["a", "b"]
    assert batch.skipped >= 1
    assert batch.positions[file.name] == file.stat().st_size


def test_what_a_later_version_adds_is_passed_over(home: Home):
    hook.append(str(day_file(home)), line("a", version=2, mood="good"))
    assert sessions(read_new(home, {})) == ["a"]


def test_a_file_that_has_been_begun_anew_is_read_from_its_start(home: Home):
    file = append(home, "a", "b", "c")
    before = read_new(home, {})
    file.unlink()
    append(home, "d")
    assert sessions(read_new(home, before.positions)) == ["d"]


def test_files_that_are_read_and_old_are_deleted_and_their_positions_with_them(home: Home):
    old, yesterday, today = append(home, "a", days_ago=3), append(home, "b", days_ago=1), append(home, "c")
    batch = read_new(home, {})
    tidy(home, batch.positions)
    assert [file.exists() for file in (old, yesterday, today)] == [False, True, True]
    assert set(read_new(home, batch.positions).positions) == {yesterday.name, today.name}


def test_an_old_file_that_is_not_read_to_its_end_stays(home: Home):
    old = append(home, "a", "b", days_ago=3)
    batch = read_new(home, {}, limit=1)
    tidy(home, batch.positions)
    assert old.exists()
    tidy(home, {})
    assert sessions(read_new(home, batch.positions)) == ["b"]


def test_the_stamps_of_clients_that_have_gone_are_deleted(home: Home):
    day_file(home)
    gone, alive = spool_of(home) / "activity-1", spool_of(home) / "activity-2"
    for stamp in (gone, alive):
        stamp.write_text("1")
    os.utime(gone, (1, 1))
    tidy(home, {})
    assert (gone.exists(), alive.exists()) == (False, True)


def test_the_last_line_of_a_client_tells_when_its_hook_was_last_heard(home: Home):
    append(home, "a", days_ago=1)
    file = append(home, "b")
    hook.append(str(file), line("c", client="codex"))
    with file.open("ab") as torn:
        torn.write(b'{"version":1,"client":"claude"')
    last = last_line_of(home, "claude")
    assert last is not None
    assert last.client_session == "b"
    assert last_line_of(home, "cursor") is None


def test_many_writers_at_once_lose_nothing_and_tear_nothing(home: Home):
    file = str(day_file(home))

    def write(writer: int) -> None:
        for number in range(50):
            hook.append(file, line(f"{writer}-{number}", message="x" * 300))

    positions: Any = {}
    seen: list[str] = []
    with ThreadPoolExecutor(8) as writers:
        waiting = [writers.submit(write, writer) for writer in range(8)]
        while not all(each.done() for each in waiting):
            batch = read_new(home, positions, limit=30)
            seen, positions = seen + sessions(batch), batch.positions
    while (batch := read_new(home, positions, limit=30)).lines:
        seen, positions = seen + sessions(batch), batch.positions
    assert len(seen) == len(set(seen)) == 400
    for writer in range(8):
        mine = [int(each.split("-")[1]) for each in seen if each.startswith(f"{writer}-")]
        assert mine == list(range(50))


@given(st.lists(st.sampled_from(["whole", "torn", "bad", "empty", "read", "read one"]), max_size=30))
def test_whatever_happens_each_whole_line_comes_once_and_in_order(tmp_path_factory: Any, steps: list[str]):
    home = Home(tmp_path_factory.mktemp("spool"))
    file = day_file(home)
    written: list[str] = []
    seen: list[str] = []
    positions: Any = {}
    for number, step in enumerate([*steps, "read"]):
        if step == "whole":
            hook.append(str(file), line(str(number)))
            written.append(str(number))
        elif step.startswith("read"):
            batch = read_new(home, positions, limit=1 if step == "read one" else 100)
            seen, positions = seen + sessions(batch), batch.positions
        else:
            with file.open("ab") as stream:
                stream.write({"torn": b'\n{"version":1', "bad": b"\nnonsense\n", "empty": b"\n\n\n"}[step])
    assert seen == written
