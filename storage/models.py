"""The peewee models: the tables as they are today. Migrations carry frozen copies of their own.

A test holds each equal to its record in storage/records.py. Queries bind a model to an engine as they run
(`query.bind(engine)`), so that several databases can be open in one process.
"""

from peewee import BooleanField, CompositeKey, IntegerField, Model, TextField


class RoomModel(Model):
    id = TextField(primary_key=True)
    name = TextField(unique=True)
    root = TextField()
    wip_limits = TextField()
    wip_mode = TextField()
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
    blocked_reason = TextField(null=True)
    archived_from = TextField(null=True)
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
