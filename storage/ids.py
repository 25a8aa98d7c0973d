"""Sortable unique ids: a prefix that says what the id names, then a UUIDv7 in hexadecimal."""

from uuid6 import uuid7

from storage.records import AgentId, ChangeId, CommentId, EventId, RoomId, TaskId


def _new(prefix: str) -> str:
    return prefix + uuid7().hex


def new_room_id() -> RoomId:
    return RoomId(_new("rom_"))


def new_task_id() -> TaskId:
    return TaskId(_new("tsk_"))


def new_agent_id() -> AgentId:
    return AgentId(_new("agt_"))


def new_comment_id() -> CommentId:
    return CommentId(_new("cmt_"))


def new_event_id() -> EventId:
    return EventId(_new("evt_"))


def new_change_id() -> ChangeId:
    return ChangeId(_new("chg_"))


def new_backup_id() -> str:
    return _new("bkp_")
