"""Sortable unique ids: a prefix that says what the id names, then a UUIDv7 in hexadecimal."""

from uuid6 import uuid7

from storage.records import AgentId, ChangeId, CommentId, EventId, HandoffId, RoomId, SessionId, TaskId


def _new(prefix: str) -> str:
    return prefix + uuid7().hex


def new_room_id() -> RoomId:
    """An id for a room."""
    return RoomId(_new("rom_"))


def new_task_id() -> TaskId:
    """An id for a task."""
    return TaskId(_new("tsk_"))


def new_agent_id() -> AgentId:
    """An id for an agent."""
    return AgentId(_new("agt_"))


def new_comment_id() -> CommentId:
    """An id for a comment."""
    return CommentId(_new("cmt_"))


def new_session_id() -> SessionId:
    """An id for a session."""
    return SessionId(_new("ses_"))


def new_handoff_id() -> HandoffId:
    """An id for a handoff."""
    return HandoffId(_new("hnd_"))


def new_event_id() -> EventId:
    """An id for an event."""
    return EventId(_new("evt_"))


def new_change_id() -> ChangeId:
    """An id for a change."""
    return ChangeId(_new("chg_"))


def new_backup_id() -> str:
    """An id for a backup."""
    return _new("bkp_")
