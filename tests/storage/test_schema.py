"""The schema: records, peewee models and the migrated file are one and the same; a migration for each version."""

import gzip
import typing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import apsw
import pytest
from peewee import CompositeKey

from storage import (
    RECORDS,
    Agent,
    Alert,
    Comment,
    Database,
    EntityKind,
    Handoff,
    Home,
    Presence,
    Process,
    Room,
    Run,
    Session,
    Status,
    Task,
    field_codecs,
    list_backups,
    replay,
)  # fmt: skip
from storage.database import SCHEMA_VERSION
from storage.migrate import newest_migration
from storage.models import (
    AgentModel,
    AlertModel,
    CommentModel,
    DependencyModel,
    EventModel,
    HandoffModel,
    HostModel,
    IdempotencyModel,
    PresenceModel,
    ProcessModel,
    RoomModel,
    RunModel,
    SessionModel,
    SpoolModel,
    TaskModel,
)
from storage.records import Event

PAIRS = [
    (Room, RoomModel), (Task, TaskModel), (Agent, AgentModel), (Comment, CommentModel), (Session, SessionModel),
    (Handoff, HandoffModel), (Process, ProcessModel), (Run, RunModel), (Alert, AlertModel),
    (Presence, PresenceModel), (Event, EventModel),
]  # fmt: skip
MODELS = [*(model for _, model in PAIRS), DependencyModel, IdempotencyModel, SpoolModel, HostModel]
NOT_STORED = {"position"}
SQL_TYPES = {"TEXT": "TEXT", "INT": "INTEGER", "BOOL": "INTEGER", "FLOAT": "REAL"}


def columns(database: Database, table: str) -> dict[str, tuple[str, bool]]:
    with database.read() as rows:
        return {row[1]: (row[2], bool(row[3])) for row in rows.stream(f"PRAGMA table_info({table})")}


def model_columns(model: Any) -> dict[str, tuple[str, bool]]:
    return {name: (SQL_TYPES[field.field_type], not field.null) for name, field in model._meta.fields.items()}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_each_model_is_its_table(database: Database, model: Any) -> None:
    table = model._meta.table_name
    of_model = model_columns(model)
    of_table = columns(database, table)
    keys = model._meta.primary_key
    for name in keys.field_names if isinstance(keys, CompositeKey) else [keys.name]:
        # SQLite reports a primary key's NOT NULL in its own ways
        of_table[name] = (of_table[name][0], True)
        of_model[name] = (of_model[name][0], True)
    assert of_model == of_table


@pytest.mark.parametrize(("record", "model"), PAIRS, ids=lambda each: each.__name__)
def test_each_record_is_its_model_field_by_field(record: type, model: Any) -> None:
    of_record = [codec.name for codec in field_codecs(record) if codec.name not in NOT_STORED]
    assert of_record == list(model._meta.fields)
    hints = typing.get_type_hints(record)
    for name in of_record:
        if name not in ("status_changed_at", "last_seen_at"):  # None only until it is stored
            assert (type(None) in typing.get_args(hints[name])) == model._meta.fields[name].null, name


def test_every_table_has_its_model(database: Database) -> None:
    with database.read() as rows:
        tables = {name for (name,) in rows.stream("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    ours = {name for name in tables if not name.startswith("sqlite_") and "migration" not in name}
    assert ours == {model._meta.table_name for model in MODELS}
    assert {kind.value for kind in RECORDS} <= ours


def test_the_program_knows_its_newest_migration(database: Database) -> None:
    assert newest_migration() == SCHEMA_VERSION
    with database.read() as rows:
        assert next(rows.stream("PRAGMA user_version")) == (SCHEMA_VERSION,)


def test_the_file_is_durable_fair_and_the_users_alone(database: Database) -> None:
    with database.read() as rows:
        assert next(rows.stream("PRAGMA journal_mode")) == ("wal",)
        assert next(rows.stream("PRAGMA synchronous")) == (2,), "FULL"
        assert next(rows.stream("PRAGMA foreign_keys")) == (1,)
        assert next(rows.stream("PRAGMA busy_timeout"))[0] >= 1000
    assert database.path.stat().st_mode & 0o777 == 0o600
    assert database.home.path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_a_file_of_each_older_schema_is_brought_up_to_date_and_its_log_still_gives_its_rows(
    home: Home, version: int
) -> None:
    home.create()
    recorded = Path(__file__).parent / "data" / f"schema-{version}.db.gz"
    home.database.write_bytes(gzip.decompress(recorded.read_bytes()))
    database = Database.open(home)
    try:
        with database.read() as rows:
            replayed = replay(rows, rows.last_sequence())
            for kind, record in RECORDS.items():
                stored = {each.id: without_marks(each) for each in rows.every(record)}
                assert {key: without_marks(each) for key, each in replayed[kind].items()} == stored
            (room,) = rows.rooms()
            titles = [task.title for task in rows.tasks(room.id, [Status.DONE])]
        assert (room.review_gate, room.wip_limits) == (True, {Status.IN_PROGRESS: 3})
        assert titles == ["最初の仕事 🚀"]
        assert [each.reason for each in list_backups(home)] == ["before migration"]
    finally:
        database.close()


def without_marks(record: Any) -> Any:
    return replace(record, **{each.name: each.default for each in fields(record) if each.metadata.get("derived")})


def test_a_command_that_an_agent_set_before_commands_were_run_waits_for_approval(home: Home) -> None:
    home.create()
    recorded = gzip.decompress((Path(__file__).parent / "data" / "schema-2.db.gz").read_bytes())
    home.database.write_bytes(recorded)
    connection = apsw.Connection(str(home.database))
    ((task,),) = connection.execute("SELECT id FROM task WHERE title = 'Third'").fetchall()
    set_command = "UPDATE task SET command = 'make deploy', version = version + 1 WHERE id = ?"
    connection.execute(set_command, (task,)).fetchall()
    connection.execute(
        """INSERT INTO event (id, change, room_id, entity, entity_id, subject_id, version, type, before, after,
            agent_id, door, operation, undoable, payload_version, at)
        SELECT 'evt_set', 'chg_set', task.room_id, 'task', task.id, task.id, task.version, 'updated',
            '{"command":null}', '{"command":"make deploy"}', agent.id, 'mcp', 'update_task', 1, 1, task.updated_at
        FROM task, agent WHERE task.id = ? AND agent.kind = 'ai'""",
        (task,),
    ).fetchall()
    connection.close()
    database = Database.open(home)
    try:
        with database.read() as rows:
            (room,) = rows.rooms()
            tasks = {each.title: each for each in rows.tasks(room.id) if each.command}
            replayed = replay(rows, rows.last_sequence())[EntityKind.TASK][task]
    finally:
        database.close()
    assert tasks["Second"].command_approved, "a person's own command needs no approval"
    assert not tasks["Third"].command_approved
    assert without_marks(replayed) == without_marks(tasks["Third"])
