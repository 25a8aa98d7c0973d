"""Processes: what runs for a room, runs of tasks' commands, alerts, the host's fencing token."""

from datetime import UTC, datetime

from storage.ids import new_change_id, new_event_id

STATEMENTS = (
    "ALTER TABLE room ADD COLUMN trusted_hash TEXT",
    "ALTER TABLE room ADD COLUMN agent_commands TEXT NOT NULL DEFAULT 'ask'",
    "ALTER TABLE room ADD COLUMN queue_paused INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE room ADD COLUMN quarantine_after INTEGER NOT NULL DEFAULT 3",
    "ALTER TABLE task ADD COLUMN command_approved INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE task ADD COLUMN parent TEXT REFERENCES task",
    "ALTER TABLE task ADD COLUMN idempotent INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE task ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE task ADD COLUMN time_limit_seconds INTEGER",
    "ALTER TABLE task ADD COLUMN collects_files INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX task_parent ON task (parent) WHERE parent IS NOT NULL",
    """CREATE TABLE process (
        id TEXT PRIMARY KEY, room_id TEXT NOT NULL REFERENCES room, name TEXT NOT NULL, declared_name TEXT NOT NULL,
        instance INTEGER NOT NULL, is_declared INTEGER NOT NULL, spec TEXT NOT NULL,
        desired TEXT NOT NULL, generation INTEGER NOT NULL, removed INTEGER NOT NULL,
        observed_generation INTEGER NOT NULL, state TEXT NOT NULL, state_at TEXT NOT NULL, reason TEXT,
        pid INTEGER, pid_started INTEGER, boot_id TEXT, runner TEXT, exit_code INTEGER, exit_signal TEXT,
        started_at TEXT, ended_at TEXT, restarts INTEGER NOT NULL,
        version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
    ) STRICT""",
    "CREATE UNIQUE INDEX process_name ON process (room_id, name) WHERE NOT removed",
    """CREATE TABLE run (
        id TEXT PRIMARY KEY, room_id TEXT NOT NULL REFERENCES room, task_id TEXT NOT NULL REFERENCES task,
        attempt INTEGER NOT NULL, command TEXT NOT NULL, state TEXT NOT NULL,
        queued_by TEXT NOT NULL REFERENCES agent, not_before TEXT, paused INTEGER NOT NULL,
        cancelled_by TEXT REFERENCES agent, process_id TEXT REFERENCES process, lease TEXT,
        started_at TEXT, stuck_since TEXT, ended_at TEXT, exit_code INTEGER, exit_signal TEXT, reason TEXT,
        interrupted INTEGER NOT NULL, lost_worker INTEGER NOT NULL, output TEXT, files TEXT NOT NULL,
        version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
        UNIQUE (task_id, attempt)
    ) STRICT""",
    # at most one run of a task is open, whatever dispatchers believe
    "CREATE UNIQUE INDEX run_open ON run (task_id) WHERE state IN ('queued', 'running')",
    "CREATE INDEX run_queue ON run (room_id, state) WHERE state IN ('queued', 'running')",
    "CREATE INDEX run_room ON run (room_id, created_at)",
    """CREATE TABLE alert (
        id TEXT PRIMARY KEY, room_id TEXT NOT NULL REFERENCES room, rule TEXT NOT NULL, subject TEXT NOT NULL,
        severity TEXT NOT NULL, message TEXT NOT NULL, hint TEXT NOT NULL, text TEXT NOT NULL, details TEXT NOT NULL,
        acknowledged_by TEXT REFERENCES agent, acknowledged_at TEXT, muted_until TEXT, resolved_at TEXT,
        version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
        seen_count INTEGER NOT NULL, last_seen_at TEXT NOT NULL
    ) STRICT""",
    "CREATE UNIQUE INDEX alert_open ON alert (room_id, rule, subject) WHERE resolved_at IS NULL",
    "CREATE TABLE host (id INTEGER PRIMARY KEY CHECK (id = 1), token INTEGER NOT NULL) STRICT",
    "INSERT INTO host (id, token) VALUES (1, 0)",
)


# Nothing ran commands before, so nobody was asked whether what an agent had written may run: tasks whose command came
# last from an agent, and that agent.
COMMANDS_OF_AGENTS = """
    SELECT task.id, task.room_id, task.version, event.agent_id
    FROM task JOIN event ON event.sequence = (
        SELECT max(sequence) FROM event
        WHERE entity_id = task.id AND json_type(after, '$.command') IS NOT NULL
    ) JOIN agent ON agent.id = event.agent_id
    WHERE task.command IS NOT NULL AND agent.kind <> 'person'
"""
APPROVAL_NEEDED = """
    INSERT INTO event (
        id, change, room_id, entity, entity_id, subject_id, version, type, before, after,
        agent_id, door, operation, reason, undoable, payload_version, at
    ) VALUES (
        ?, ?, ?, 'task', ?, ?, ?, 'updated', '{"command_approved":true}', '{"command_approved":false}',
        ?, 'service', 'migrate', 'an agent set this command before commands were run', 0, 1, ?
    )
"""


def up(migrator, db):  # type: ignore[no-untyped-def]
    for statement in STATEMENTS:
        db.execute_sql(statement)
    withhold_approval(db)


def withhold_approval(db):  # type: ignore[no-untyped-def]
    tasks = db.execute_sql(COMMANDS_OF_AGENTS).fetchall()
    last = db.execute_sql("SELECT max(at) FROM event").fetchall()[0][0]
    now = max(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), last or "")
    change = new_change_id()
    for task, room, version, agent in tasks:
        db.execute_sql(
            "UPDATE task SET command_approved = 0, version = ?, updated_at = ? WHERE id = ?", (version + 1, now, task)
        )
        db.execute_sql(APPROVAL_NEEDED, (new_event_id(), change, room, task, task, version + 1, agent, now))
