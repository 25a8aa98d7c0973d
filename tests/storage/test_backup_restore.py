"""Restoring: into the live file under everybody's hands; versions and sequence only ever go up."""

import random
import threading
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import pytest

from core.errors import NotFound, SessionOver, VersionConflict
from core.operations.handoff import HandoffAnswer
from storage import (
    RECORDS,
    Agent,
    BackupFailed,
    ChangeFeed,
    CorruptedData,
    Database,
    Door,
    EntityKind,
    Event,
    HandoffStatus,
    Home,
    Priority,
    RestoreFailed,
    Restorer,
    Role,
    Status,
    StorageError,
    Task,
    create_backup,
    events_since,
    list_backups,
    replay,
    restore_backup,
    to_wire,
)
from tests.storage.test_backup import BusyWriter, flip_a_byte
from tests.support.users import User

MARKS = {"waiting_on", "comment_count", "position"}
OWNER = Restorer(name="owner", door=Door.CLI)


def assert_log_replays_to_rows(database: Database) -> None:
    with database.read() as rows:
        states = replay(rows, rows.last_sequence())
        for kind, record in RECORDS.items():
            marks = {"waiting_on", "comment_count"} & {each.name for each in fields(record)}
            stored = {each.id: replace(each, **dict.fromkeys(marks, 0)) for each in rows.every(record)}
            assert states[kind] == stored


def test_the_board_is_what_it_was_and_versions_go_on(home: Home, board: User) -> None:
    first, second = board.add("First"), board.add("Second")
    backup = create_backup(home)
    board.edit(first, title="Changed")
    board.edit(first, title="Changed again")
    board.comment(second, "a remark")
    with board.database.read() as rows:
        last = rows.last_sequence()
    assert events_since(home, backup) == 3
    restored = restore_backup(home, "latest", OWNER)
    assert restored.events_lost == 3
    assert board.titles("backlog") == ["First", "Second"]
    assert board.see(first).version == 4, "above the 3 that others may know"
    assert board.see(second).version == second.version, "a comment is not behind the task's version"
    assert board.see(second).comment_count == 0
    with board.database.read() as rows:
        events = rows.events(after=backup.last_sequence)
    assert [(event.entity, event.type, event.operation) for event in events] == [
        (EntityKind.TASK, "restored", "restore_backup"),
        (EntityKind.ROOM, "restored", "restore_backup"),
    ]
    assert events[0].before == {"title": "Changed again"}
    assert events[0].after == {"title": "First"}
    assert events[0].sequence > last
    assert restored.last_sequence == events[-1].sequence
    assert board.add("Third").number == 3
    assert_log_replays_to_rows(board.database)


def test_no_stale_caller_passes_compare_and_swap(home: Home, board: User) -> None:
    task = board.add("First")
    create_backup(home)
    seen = board.edit(task, title="Seen by others")
    lost = board.add("Made since")
    restore_backup(home, "latest", OWNER)
    board.edit(task, title="Mine")
    for known in (task.version, seen.version):
        with pytest.raises(VersionConflict):
            board.edit(task, title="Overwritten unseen", expected_version=known)
    with pytest.raises(NotFound):
        board.see(lost)
    assert board.add("Another").number == lost.number + 1, "its number is never given again"
    assert_log_replays_to_rows(board.database)


def test_the_safety_snapshot_is_the_way_back(home: Home, board: User) -> None:
    task = board.add("First")
    create_backup(home)
    board.edit(task, title="Later")
    made = board.edit(board.add("Made since"), priority=Priority.HIGH)
    restored = restore_backup(home, "latest", OWNER)
    assert restored.safety is not None
    assert restored.safety.is_safety
    board.edit(task, title="After the restore")
    known = board.see(task).version
    back = restore_backup(home, restored.safety.id, OWNER)
    assert board.titles("backlog") == ["Later", "Made since"]
    assert board.see(task).version == known + 1
    assert board.see(made).version > made.version, "absent meanwhile, so above all that there was"
    assert back.last_sequence > restored.last_sequence
    assert_log_replays_to_rows(board.database)


def test_rooms_and_agents_made_since_are_gone_and_the_rest_stands(home: Home, board: User, tmp_path: Path) -> None:
    board.add("First")
    create_backup(home)
    board.call("create_agent", name="newcomer")
    (tmp_path / "other").mkdir()
    User(board.database, "owner", room="other").call("create_room", name="other", root=tmp_path / "other")
    restore_backup(home, "latest", OWNER)
    with board.database.read() as rows:
        assert [room.name for room in rows.rooms()] == ["demo"]
        assert [agent.name for agent in rows.every(Agent)] == ["owner"]
    assert_log_replays_to_rows(board.database)


def test_sessions_claims_and_handoffs_are_what_they_were(home: Home, board: User) -> None:
    board.call("create_agent", name="worker")
    board.call("create_agent", name="reviewer")
    made = board.call("create_session", agent="worker")
    worker = User(board.database, "worker", room=board.room)
    worker.actor = replace(worker.actor, role=Role.AGENT, session_id=made.session.id)
    first, second = board.add("First", status="todo"), board.add("Second", status="todo")
    worker.call("claim_next")
    handoff = worker.call("create_handoff", task=first, summary="half done", to_agent="reviewer")
    create_backup(home)
    board.call("acknowledge_handoff", handoff=handoff, answer=HandoffAnswer.DECLINE, reason="no time")
    worker.call("claim_next", task=second)
    later = board.call("create_session", agent="reviewer")
    board.call("end_session", session=made.session)
    restore_backup(home, "latest", OWNER)
    assert_log_replays_to_rows(board.database)
    assert board.see(second).claimed_by is None
    assert board.call("get_handoff", handoff=handoff).handoff.status is HandoffStatus.PENDING
    worker.call("claim_next", task=second)
    with pytest.raises(NotFound):
        board.call("get_session", session=later.session)
    lost = replace(worker.actor, session_id=later.session.id)
    worker.actor = lost
    with pytest.raises(SessionOver, match="restored"):
        worker.call("list_tasks")


def test_who_restores_becomes_an_agent_of_the_room(home: Home, board: User) -> None:
    board.add("First")
    create_backup(home)
    restore_backup(home, "latest", Restorer(name="carol", door=Door.CLI, reason="a mistake"))
    with board.database.read() as rows:
        event = rows.events(newest_first=True, limit=1)[0]
        carol = rows.get(Agent, event.agent_id)
    assert carol is not None
    assert (carol.name, event.reason, event.entity) == ("carol", "a mistake", EntityKind.ROOM)
    assert_log_replays_to_rows(board.database)


def test_writers_attached_see_no_error(home: Home, board: User) -> None:
    board.add("title")
    board.add("Untouched")
    with BusyWriter(home) as writer:
        backup = create_backup(home)
        restored = [restore_backup(home, backup.id, OWNER) for _ in range(4)]
    assert writer.errors == []
    sequences = [each.last_sequence for each in restored]
    assert sequences == sorted(set(sequences))
    assert board.see("1").version >= 1 + writer.writes, "every acknowledged write counts"
    assert_log_replays_to_rows(board.database)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_restored_nothing_that_was_seen_comes_again(home: Home, board: User, seed: int) -> None:
    choose = random.Random(seed)
    seen: dict[str, int] = {}  # the highest version of each entity, in all states that there ever were
    states: dict[tuple[str, int], dict[str, object]] = {}
    numbers: dict[str, str] = {}  # what `#12` has ever meant
    last = 0
    board.add("First")
    for step in range(25):
        tasks = board.column("backlog")
        match choose.choice(["add", "edit", "edit", "comment", "backup", "restore"]):
            case "add":
                board.add(f"Task {step}")
            case "edit":
                board.edit(choose.choice(tasks), title=f"Title {step}")
            case "comment":
                board.comment(choose.choice(tasks), f"Remark {step}")
            case "backup":
                create_backup(home)
            case "restore" if list_backups(home):
                restore_backup(home, choose.choice(list_backups(home)).id, OWNER)
        with board.database.read() as rows:
            entities = [each for record in RECORDS.values() for each in rows.every(record)]
            sequence = rows.last_sequence()
        assert sequence >= last
        changed, last = sequence > last, sequence
        for entity in entities:
            assert entity.version >= seen.get(entity.id, 0), f"{entity} after step {step}"
            assert changed or entity.version == seen[entity.id]
            seen[entity.id] = entity.version
            own = {name: value for name, value in to_wire(entity).items() if name not in MARKS}
            assert states.setdefault((entity.id, entity.version), own) == own, "one version is one state, for ever"
            if isinstance(entity, Task):
                assert numbers.setdefault(f"#{entity.number}", entity.id) == entity.id
        assert_log_replays_to_rows(board.database)


def test_the_feed_of_an_open_board_tells_of_it(home: Home, board: User) -> None:
    task = board.add("First")
    create_backup(home)
    board.edit(task, title="Later")
    told = threading.Event()
    seen: list[Event] = []

    def deliver(events: Sequence[Event]) -> None:
        seen.extend(events)
        if any(event.type == "restored" and event.entity is EntityKind.ROOM for event in seen):
            told.set()

    with board.database.read() as rows:
        feed = ChangeFeed(board.database, deliver, after=rows.last_sequence())
    feed.start()
    try:
        restore_backup(home, "latest", OWNER)
        assert told.wait(5)
    finally:
        feed.stop()
    assert {"title": "First"} in [event.after for event in seen]


def test_a_damaged_backup_is_refused_and_nothing_changes(home: Home, board: User) -> None:
    task = board.add("First")
    backup = create_backup(home)
    board.edit(task, title="Later")
    flip_a_byte(Path(backup.path), 0.5)
    with board.database.read() as rows:
        last = rows.last_sequence()
    with pytest.raises(RestoreFailed, match=r"damaged.*Nothing was changed"):
        restore_backup(home, backup.id, OWNER)
    with board.database.read() as rows:
        assert rows.last_sequence() == last
    assert board.see(task).title == "Later"
    assert [each.id for each in list_backups(home)] == [backup.id], "no safety snapshot was needed"


def test_a_backup_of_a_newer_program_is_refused(home: Home, board: User, monkeypatch: pytest.MonkeyPatch) -> None:
    import storage.restore

    board.add("First")
    create_backup(home)
    monkeypatch.setattr(storage.restore, "SCHEMA_VERSION", 0)
    with pytest.raises(RestoreFailed, match="schema 3"):
        restore_backup(home, "latest", OWNER)


@pytest.mark.parametrize("damage", ["header", "middle"])
def test_a_corrupted_database_is_replaced_and_kept_in_the_trash(
    home: Home, database: Database, board: User, damage: str
) -> None:
    task = board.add("First")
    for number in range(200):
        board.add(f"Filler {number} " + "x" * 200)
    create_backup(home)
    board.edit(task, title="Later")
    database.close()
    data = bytearray(home.database.read_bytes())
    start, end = (0, 200) if damage == "header" else (8192, len(data))
    data[start:end] = b"\xa5" * (end - start)
    home.database.write_bytes(data)
    restored = restore_backup(home, "latest", OWNER)
    assert restored.safety is None
    assert restored.trash is not None
    assert (Path(restored.trash) / "state.db").read_bytes() == data
    again = Database.open(home)
    try:
        owner = User(again, "owner", room="demo")
        assert owner.see(task).title == "First"
        assert owner.see(task).version > 1000, "what the lost versions were nobody can say"
        assert owner.add("New").version == 1
        assert home.database.stat().st_mode & 0o777 == 0o600
        assert_log_replays_to_rows(again)
        with again.read() as rows:
            assert rows.stream("PRAGMA journal_mode").__next__()[0] == "wal"
    finally:
        again.close()


def test_who_still_has_the_replaced_file_open_is_refused_and_loses_nothing(home: Home, board: User) -> None:
    board.add("First")
    create_backup(home)
    home.database.rename(home.path / "damaged")
    restore_backup(home, "latest", OWNER)
    with pytest.raises(StorageError, match="replaced") as refusal:
        board.add("Into the void")
    assert refusal.value.exit_code == 7
    again = Database.open(home)
    try:
        assert User(again, "owner", room="demo").add("Second").number == 2
    finally:
        again.close()


def test_a_missing_database_is_made_anew(home: Home, database: Database, board: User) -> None:
    board.add("First")
    create_backup(home)
    database.close()
    for path in home.path.glob("state.db*"):
        path.unlink()
    restored = restore_backup(home, "latest", OWNER)
    assert (restored.safety, restored.trash) == (None, None)
    again = Database.open(home)
    try:
        assert User(again, "owner", room="demo").titles(Status.BACKLOG) == ["First"]
    finally:
        again.close()


def test_where_the_present_state_cannot_be_kept_nothing_is_restored(
    home: Home, board: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    import storage.restore

    task = board.add("First")
    create_backup(home)
    board.edit(task, title="Later")

    def refuse(*_: object, **__: object) -> None:
        raise BackupFailed("The backup was not made: no space is left.")

    monkeypatch.setattr(storage.restore, "create_backup_alone", refuse)
    with pytest.raises(RestoreFailed, match="could not be kept first"):
        restore_backup(home, "latest", OWNER)
    assert board.see(task).title == "Later"


def test_the_damage_that_opening_reports_names_this_way_out(home: Home, database: Database) -> None:
    database.close()
    home.database.write_bytes(b"not a database, however long it may be" * 100)
    with pytest.raises(CorruptedData) as refusal:
        Database.open(home)
    assert "wzp backup restore latest" in refusal.value.hint
