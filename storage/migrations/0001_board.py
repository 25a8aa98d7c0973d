"""The board: rooms, tasks with their dependencies and comments, agents, events, idempotency keys."""

TABLES = (
    """CREATE TABLE room (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, root TEXT NOT NULL,
        wip_limits TEXT NOT NULL, wip_mode TEXT NOT NULL,
        version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE agent (
        id TEXT PRIMARY KEY, room_id TEXT NOT NULL REFERENCES room DEFERRABLE INITIALLY DEFERRED,
        name TEXT NOT NULL, kind TEXT NOT NULL,
        role TEXT NOT NULL, description TEXT NOT NULL,
        version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
        UNIQUE (room_id, name)
    ) STRICT""",
    """CREATE TABLE task (
        id TEXT PRIMARY KEY, room_id TEXT NOT NULL REFERENCES room, number INTEGER NOT NULL,
        title TEXT NOT NULL, description TEXT NOT NULL, status TEXT NOT NULL, priority TEXT NOT NULL,
        rank TEXT NOT NULL, labels TEXT NOT NULL, dependencies TEXT NOT NULL,
        assignee TEXT REFERENCES agent, estimate_minutes INTEGER, due TEXT, command TEXT,
        blocked_reason TEXT, archived_from TEXT, created_by TEXT NOT NULL REFERENCES agent,
        version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
        status_changed_at TEXT NOT NULL,
        waiting_on INTEGER NOT NULL DEFAULT 0, comment_count INTEGER NOT NULL DEFAULT 0,
        UNIQUE (room_id, number)
    ) STRICT""",
    "CREATE INDEX task_column ON task (room_id, status, rank, id)",
    "CREATE INDEX task_assignee ON task (assignee) WHERE assignee IS NOT NULL",
    """CREATE TABLE comment (
        id TEXT PRIMARY KEY, room_id TEXT NOT NULL REFERENCES room, task_id TEXT NOT NULL REFERENCES task,
        author TEXT NOT NULL REFERENCES agent, body TEXT NOT NULL, removed INTEGER NOT NULL DEFAULT 0,
        version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX comment_task ON comment (task_id, created_at)",
    """CREATE TABLE dependency (
        task_id TEXT NOT NULL REFERENCES task, needs_id TEXT NOT NULL REFERENCES task,
        PRIMARY KEY (task_id, needs_id)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX dependency_needs ON dependency (needs_id)",
    """CREATE TABLE event (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, change TEXT NOT NULL, room_id TEXT NOT NULL,
        entity TEXT NOT NULL, entity_id TEXT NOT NULL, subject_id TEXT, version INTEGER NOT NULL,
        type TEXT NOT NULL, before TEXT, after TEXT NOT NULL,
        agent_id TEXT NOT NULL, session_id TEXT, door TEXT NOT NULL, operation TEXT NOT NULL, reason TEXT,
        undoable INTEGER NOT NULL, undoes TEXT, payload_version INTEGER NOT NULL, at TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX event_entity ON event (entity_id, sequence)",
    "CREATE INDEX event_subject ON event (subject_id, sequence) WHERE subject_id IS NOT NULL",
    "CREATE INDEX event_agent ON event (room_id, agent_id, sequence)",
    "CREATE INDEX event_change ON event (change)",
    "CREATE INDEX event_undoes ON event (undoes) WHERE undoes IS NOT NULL",
    """CREATE TABLE idempotency (
        room_id TEXT NOT NULL, agent_id TEXT NOT NULL, operation TEXT NOT NULL, key TEXT NOT NULL,
        arguments_hash TEXT NOT NULL, result TEXT NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (room_id, agent_id, operation, key)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX idempotency_at ON idempotency (at)",
)

# Marks that are derived from rows, kept in the transaction that changes the rows, whoever writes them.
# A dependency is open until its task is done or archived.
COUNT_OPEN = """(
    SELECT count(*) FROM dependency JOIN task AS need ON need.id = dependency.needs_id
    WHERE dependency.task_id = {task} AND need.status NOT IN ('done', 'archived')
)"""

TRIGGERS = (
    """CREATE TRIGGER task_dependencies_set AFTER INSERT ON task WHEN NEW.dependencies <> '[]' BEGIN
        INSERT INTO dependency (task_id, needs_id) SELECT NEW.id, value FROM json_each(NEW.dependencies);
        UPDATE task SET waiting_on = """
    + COUNT_OPEN.format(task="NEW.id")
    + """ WHERE id = NEW.id;
    END""",
    """CREATE TRIGGER task_dependencies_changed AFTER UPDATE OF dependencies ON task
    WHEN NEW.dependencies <> OLD.dependencies BEGIN
        DELETE FROM dependency WHERE task_id = NEW.id;
        INSERT INTO dependency (task_id, needs_id) SELECT NEW.id, value FROM json_each(NEW.dependencies);
        UPDATE task SET waiting_on = """
    + COUNT_OPEN.format(task="NEW.id")
    + """ WHERE id = NEW.id;
    END""",
    """CREATE TRIGGER task_closed_or_reopened AFTER UPDATE OF status ON task
    WHEN (NEW.status IN ('done', 'archived')) <> (OLD.status IN ('done', 'archived')) BEGIN
        UPDATE task SET waiting_on = waiting_on + iif(NEW.status IN ('done', 'archived'), -1, 1)
        WHERE id IN (SELECT task_id FROM dependency WHERE needs_id = NEW.id);
    END""",
    """CREATE TRIGGER comment_added AFTER INSERT ON comment WHEN NOT NEW.removed BEGIN
        UPDATE task SET comment_count = comment_count + 1 WHERE id = NEW.task_id;
    END""",
    """CREATE TRIGGER comment_removed_or_restored AFTER UPDATE OF removed ON comment
    WHEN NEW.removed <> OLD.removed BEGIN
        UPDATE task SET comment_count = comment_count + iif(NEW.removed, -1, 1) WHERE id = NEW.task_id;
    END""",
)


def up(migrator, db):  # type: ignore[no-untyped-def]
    for statement in TABLES + TRIGGERS:
        db.execute_sql(statement)
