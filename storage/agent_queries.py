"""Queries of agents, their sessions and presence, and the handoffs between them."""

from collections.abc import Collection

from storage.queries import Queries
from storage.records import Agent, Handoff, Presence, Session
from storage.tables import AGENTS, HANDOFFS, PRESENCE_ROWS, SESSIONS
from storage.vocabulary import AgentId, HandoffStatus, RoomId, SessionId, SessionState, TaskId


class AgentQueries(Queries):
    """What is asked of agents."""

    def agents(self, room: RoomId) -> list[Agent]:
        """The room's agents, by name."""
        return [
            AGENTS.rows.decode(row) for row in self._all(f"{AGENTS.select} WHERE room_id = ? ORDER BY name", (room,))
        ]

    def agent_by_name(self, room: RoomId, name: str) -> Agent | None:
        """The room's agent of that name."""
        row = self._one(f"{AGENTS.select} WHERE room_id = ? AND name = ?", (room, name))
        return None if row is None else AGENTS.rows.decode(row)

    def session_by_token(self, token_hash: str) -> Session | None:
        """The session that the token of this hash proves."""
        row = self._one(f"{SESSIONS.select} WHERE token_hash = ?", (token_hash,))
        return None if row is None else SESSIONS.rows.decode(row)

    def sessions(
        self, room: RoomId, *, state: SessionState | None = None, agent: AgentId | None = None, limit: int = -1
    ) -> list[Session]:
        """The room's sessions that fit what is named, newest first."""
        where, values = "WHERE room_id = ?", [str(room)]
        if state is not None:
            where += f" AND state = '{state.value}'"  # in the text, so that the partial index serves
        if agent is not None:
            where += " AND agent_id = ?"
            values.append(agent)
        rows = self._all(f"{SESSIONS.select} {where} ORDER BY created_at DESC, id DESC LIMIT {limit}", values)
        return [SESSIONS.rows.decode(row) for row in rows]

    def latest_sessions(self, room: RoomId) -> dict[AgentId, Session]:
        """Each agent's session that tells what it does: one that is active before one that is over, then the newest."""
        sql = f"""{SESSIONS.select} WHERE room_id = ? AND id = (
            SELECT id FROM session AS other WHERE other.agent_id = session.agent_id
            ORDER BY other.state = 'active' DESC, other.created_at DESC, other.id DESC LIMIT 1)"""
        found = [SESSIONS.rows.decode(row) for row in self._all(sql, (room,))]
        return {session.agent_id: session for session in found}

    def presence(self, session: SessionId) -> Presence | None:
        """How alive a session is; None where nothing has been heard of it."""
        row = self._one(f"SELECT {PRESENCE_ROWS.columns} FROM presence WHERE session_id = ?", (session,))
        return None if row is None else PRESENCE_ROWS.decode(row)

    def presences(self, room: RoomId | None = None) -> dict[SessionId, Presence]:
        """How alive the sessions of a room, or of all rooms, are."""
        sql = f"SELECT {PRESENCE_ROWS.columns} FROM presence"
        rows = self._all(sql) if room is None else self._all(f"{sql} WHERE room_id = ?", (room,))
        return {found.session_id: found for found in map(PRESENCE_ROWS.decode, rows)}

    def handoffs(
        self, room: RoomId, *, status: Collection[HandoffStatus] = (), task: TaskId | None = None
    ) -> list[Handoff]:
        """The room's handoffs that fit what is named, oldest first."""
        where, values = "WHERE room_id = ?", [str(room)]
        if status:
            where += f" AND status IN ({', '.join('?' * len(status))})"
            values.extend(each.value for each in status)
        if task is not None:
            where += " AND task_id = ?"
            values.append(task)
        rows = self._all(f"{HANDOFFS.select} {where} ORDER BY created_at, id", values)
        return [HANDOFFS.rows.decode(row) for row in rows]

    def claiming_sessions(self, room: RoomId) -> list[Session]:
        """The sessions that have claimed a task of the room."""
        sql = (
            f"{SESSIONS.select} WHERE id IN (SELECT claimed_by FROM task WHERE claimed_by IS NOT NULL AND room_id = ?)"
        )
        return [SESSIONS.rows.decode(row) for row in self._all(sql, (room,))]
