"""Agents at work: sessions with their presence, claims and results of tasks, handoffs, the hooks' spool."""

STATEMENTS = (
    "ALTER TABLE room ADD COLUMN review_gate INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE room ADD COLUMN lost_claims TEXT NOT NULL DEFAULT 'return'",
    "ALTER TABLE room ADD COLUMN lease_seconds INTEGER NOT NULL DEFAULT 90",
    "ALTER TABLE room ADD COLUMN handoff_alert_minutes INTEGER NOT NULL DEFAULT 15",
    "ALTER TABLE agent ADD COLUMN skills TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE task ADD COLUMN claimed_by TEXT REFERENCES session",
    "ALTER TABLE task ADD COLUMN claim INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE task ADD COLUMN result TEXT",
    "CREATE INDEX task_claimed_by ON task (claimed_by) WHERE claimed_by IS NOT NULL",
    """CREATE TABLE session (
        id TEXT PRIMARY KEY, room_id TEXT NOT NULL REFERENCES room, agent_id TEXT NOT NULL REFERENCES agent,
        client_name TEXT NOT NULL, client_version TEXT NOT NULL, token_hash TEXT NOT NULL UNIQUE, pid INTEGER,
        state TEXT NOT NULL, ended_at TEXT, end_reason TEXT,
        version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX session_agent ON session (agent_id, created_at)",
    "CREATE INDEX session_active ON session (room_id) WHERE state = 'active'",
    """CREATE TABLE presence (
        session_id TEXT PRIMARY KEY REFERENCES session, room_id TEXT NOT NULL, epoch INTEGER NOT NULL,
        boot_id TEXT NOT NULL, beat REAL NOT NULL, beat_at TEXT NOT NULL, lease_seconds INTEGER NOT NULL,
        pid INTEGER, parent TEXT, ancestors TEXT NOT NULL, client_session TEXT,
        state TEXT NOT NULL, source TEXT NOT NULL, state_at TEXT NOT NULL, message TEXT, tool_calls INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE handoff (
        id TEXT PRIMARY KEY, room_id TEXT NOT NULL REFERENCES room, task_id TEXT NOT NULL REFERENCES task,
        from_agent TEXT NOT NULL REFERENCES agent, to_agent TEXT REFERENCES agent, to_role TEXT,
        summary TEXT NOT NULL, next_steps TEXT NOT NULL, warnings TEXT NOT NULL, failed_approaches TEXT NOT NULL,
        files TEXT NOT NULL, branch TEXT, status TEXT NOT NULL, taken_by TEXT REFERENCES agent,
        answer TEXT, answered_at TEXT,
        version INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX handoff_task ON handoff (task_id)",
    "CREATE INDEX handoff_room ON handoff (room_id, status, created_at)",
    # a kept result has the warnings beside it
    "UPDATE idempotency SET result = json_object('shaped', json(result), 'warnings', json('[]'))",
    """CREATE TABLE spool (file TEXT PRIMARY KEY, offset INTEGER NOT NULL) STRICT, WITHOUT ROWID""",
)


def up(migrator, db):  # type: ignore[no-untyped-def]
    for statement in STATEMENTS:
        db.execute_sql(statement)
