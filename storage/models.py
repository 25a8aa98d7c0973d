"""The peewee models: the tables as they are today. Migrations carry frozen copies of their own.

A test holds each equal to its record in storage/records.py. Queries bind a model to an engine as they run
(`query.bind(engine)`), so that several databases can be open in one process.
"""

from peewee import BooleanField, CompositeKey, FloatField, IntegerField, Model, TextField


class RoomModel(Model):
    id = TextField(primary_key=True)
    name = TextField(unique=True)
    root = TextField()
    wip_limits = TextField()
    wip_mode = TextField()
    review_gate = BooleanField(default=True)
    lost_claims = TextField(default="return")
    lease_seconds = IntegerField(default=90)
    handoff_alert_minutes = IntegerField(default=15)
    trusted_hash = TextField(null=True)
    agent_commands = TextField(default="ask")
    queue_paused = BooleanField(default=False)
    quarantine_after = IntegerField(default=3)
    version = IntegerField()
    created_at = TextField()
    updated_at = TextField()

    class Meta:
        table_name = "room"


class TaskModel(Model):
    id = TextField(primary_key=True)
    room_id = TextField()
    number = IntegerField()
    title = TextField()
    description = TextField()
    status = TextField()
    priority = TextField()
    rank = TextField()
    labels = TextField()
    dependencies = TextField()  # type: ignore[assignment]
    assignee = TextField(null=True)
    estimate_minutes = IntegerField(null=True)
    due = TextField(null=True)
    command = TextField(null=True)
    command_approved = BooleanField(default=True)
    parent = TextField(null=True)
    idempotent = BooleanField(default=False)
    attempts = IntegerField(default=1)
    time_limit_seconds = IntegerField(null=True)
    collects_files = BooleanField(default=False)
    blocked_reason = TextField(null=True)
    archived_from = TextField(null=True)
    claimed_by = TextField(null=True)
    claim = IntegerField(default=0)
    result = TextField(null=True)
    created_by = TextField()
    version = IntegerField()
    created_at = TextField()
    updated_at = TextField()
    status_changed_at = TextField()
    waiting_on = IntegerField(default=0)
    comment_count = IntegerField(default=0)

    class Meta:
        table_name = "task"


class AgentModel(Model):
    id = TextField(primary_key=True)
    room_id = TextField()
    name = TextField()
    kind = TextField()
    role = TextField()
    description = TextField()
    skills = TextField(default="[]")
    version = IntegerField()
    created_at = TextField()
    updated_at = TextField()

    class Meta:
        table_name = "agent"


class CommentModel(Model):
    id = TextField(primary_key=True)
    room_id = TextField()
    task_id = TextField()
    author = TextField()
    body = TextField()
    removed = BooleanField(default=False)
    version = IntegerField()
    created_at = TextField()
    updated_at = TextField()

    class Meta:
        table_name = "comment"


class SessionModel(Model):
    id = TextField(primary_key=True)
    room_id = TextField()
    agent_id = TextField()
    client_name = TextField()
    client_version = TextField()
    token_hash = TextField(unique=True)
    pid = IntegerField(null=True)
    state = TextField()
    ended_at = TextField(null=True)
    end_reason = TextField(null=True)
    version = IntegerField()
    created_at = TextField()
    updated_at = TextField()

    class Meta:
        table_name = "session"


class HandoffModel(Model):
    id = TextField(primary_key=True)
    room_id = TextField()
    task_id = TextField()
    from_agent = TextField()
    to_agent = TextField(null=True)
    to_role = TextField(null=True)
    summary = TextField()
    next_steps = TextField()
    warnings = TextField()
    failed_approaches = TextField()
    files = TextField()
    branch = TextField(null=True)
    status = TextField()
    taken_by = TextField(null=True)
    answer = TextField(null=True)
    answered_at = TextField(null=True)
    version = IntegerField()
    created_at = TextField()
    updated_at = TextField()

    class Meta:
        table_name = "handoff"


class ProcessModel(Model):
    id = TextField(primary_key=True)
    room_id = TextField()
    name = TextField()
    declared_name = TextField()
    instance = IntegerField()
    is_declared = BooleanField()
    spec = TextField()
    desired = TextField()
    generation = IntegerField()
    removed = BooleanField()
    observed_generation = IntegerField()
    state = TextField()
    state_at = TextField()
    reason = TextField(null=True)
    pid = IntegerField(null=True)
    pid_started = IntegerField(null=True)
    boot_id = TextField(null=True)
    runner = TextField(null=True)
    exit_code = IntegerField(null=True)
    exit_signal = TextField(null=True)
    started_at = TextField(null=True)
    ended_at = TextField(null=True)
    restarts = IntegerField()
    version = IntegerField()
    created_at = TextField()
    updated_at = TextField()

    class Meta:
        table_name = "process"


class RunModel(Model):
    id = TextField(primary_key=True)
    room_id = TextField()
    task_id = TextField()
    attempt = IntegerField()
    command = TextField()
    state = TextField()
    queued_by = TextField()
    not_before = TextField(null=True)
    paused = BooleanField()
    cancelled_by = TextField(null=True)
    process_id = TextField(null=True)
    lease = TextField(null=True)
    started_at = TextField(null=True)
    stuck_since = TextField(null=True)
    ended_at = TextField(null=True)
    exit_code = IntegerField(null=True)
    exit_signal = TextField(null=True)
    reason = TextField(null=True)
    interrupted = BooleanField()
    lost_worker = BooleanField()
    output = TextField(null=True)
    files = TextField()
    version = IntegerField()
    created_at = TextField()
    updated_at = TextField()

    class Meta:
        table_name = "run"


class AlertModel(Model):
    id = TextField(primary_key=True)
    room_id = TextField()
    rule = TextField()
    subject = TextField()
    severity = TextField()
    message = TextField()
    hint = TextField()
    text = TextField()
    details = TextField()
    acknowledged_by = TextField(null=True)
    acknowledged_at = TextField(null=True)
    muted_until = TextField(null=True)
    resolved_at = TextField(null=True)
    version = IntegerField()
    created_at = TextField()
    updated_at = TextField()
    seen_count = IntegerField()
    last_seen_at = TextField()

    class Meta:
        table_name = "alert"


class HostModel(Model):
    id = IntegerField(primary_key=True)
    token = IntegerField()

    class Meta:
        table_name = "host"


class PresenceModel(Model):
    """How alive a session is: written with every heartbeat, behind no event."""

    session_id = TextField(primary_key=True)
    room_id = TextField()
    epoch = IntegerField()
    boot_id = TextField()
    beat = FloatField()
    beat_at = TextField()
    lease_seconds = IntegerField()
    pid = IntegerField(null=True)
    parent = TextField(null=True)
    ancestors = TextField()
    client_session = TextField(null=True)
    state = TextField()
    source = TextField()
    state_at = TextField()
    message = TextField(null=True)
    tool_calls = IntegerField()

    class Meta:
        table_name = "presence"


class SpoolModel(Model):
    """How far the hooks' spool has been taken in: the offset behind the last line applied, a file."""

    file = TextField(primary_key=True)
    offset = IntegerField()

    class Meta:
        table_name = "spool"


class DependencyModel(Model):
    """An index of `task.dependencies`, kept by triggers: who waits for whom."""

    task_id = TextField()
    needs_id = TextField()

    class Meta:
        table_name = "dependency"
        primary_key = CompositeKey("task_id", "needs_id")


class EventModel(Model):
    sequence = IntegerField(primary_key=True)
    id = TextField()
    change = TextField()
    room_id = TextField()
    entity = TextField()
    entity_id = TextField()
    subject_id = TextField(null=True)
    version = IntegerField()
    type = TextField()
    before = TextField(null=True)
    after = TextField()
    agent_id = TextField()
    session_id = TextField(null=True)
    door = TextField()
    operation = TextField()
    reason = TextField(null=True)
    undoable = BooleanField()
    undoes = TextField(null=True)
    payload_version = IntegerField()
    at = TextField()

    class Meta:
        table_name = "event"


class IdempotencyModel(Model):
    """The stored result of a call that carried an idempotency key."""

    room_id = TextField()
    agent_id = TextField()
    operation = TextField()
    key = TextField()
    arguments_hash = TextField()
    result = TextField()
    at = TextField()

    class Meta:
        table_name = "idempotency"
        primary_key = CompositeKey("room_id", "agent_id", "operation", "key")
