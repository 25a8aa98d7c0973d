"""The resources: the board, a task, an inbox of handoffs, as Markdown; and who is told when one has changed."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from core.doors.mcp.prompts import handoff_block, task_line
from core.doors.mcp.wire import INVALID_PARAMS, RpcError
from core.doors.mcp.wording import told
from core.history import Board
from core.operations import find
from storage import (
    COLUMNS,
    ChangeFeed,
    EntityKind,
    Event,
    Handoff,
    ParallelError,
    Reader,
    RoomId,
    Task,
)  # fmt: skip

if TYPE_CHECKING:
    from core.doors.mcp.tools import Tools

Wire = dict[str, Any]

BOARD: Final = "wzp://board"
INBOX: Final = "wzp://handoffs"
TASK: Final = "wzp://task/"

SHOWN_IN_COLUMN: Final = 100
"""Tasks of one column in the page of the board; thousands would fill a context."""

LONGEST_NUMBER: Final = 12
"""Digits that no task's number has."""

_MARKDOWN: Final = "text/markdown"
_DEFINITIONS: Final[Sequence[Wire]] = (
    {
        "uri": BOARD, "name": "board", "title": "The board", "mimeType": _MARKDOWN,
        "description": "The tasks of the room, column by column.",
    },
    {
        "uri": INBOX, "name": "handoffs", "title": "Your handoffs", "mimeType": _MARKDOWN,
        "description": "The handoffs that wait for you, whole.",
    },
)  # fmt: skip
_TEMPLATES: Final[Sequence[Wire]] = (
    {
        "uriTemplate": TASK + "{number}", "name": "task", "title": "A task", "mimeType": _MARKDOWN,
        "description": "A task in full, with its comments and history.",
    },
    {
        "uriTemplate": INBOX + "/{agent}", "name": "inbox", "title": "An agent's handoffs", "mimeType": _MARKDOWN,
        "description": "The handoffs that wait for an agent.",
    },
)  # fmt: skip


class Resources:
    """The resources of one connection."""

    def __init__(self, tools: "Tools") -> None:
        self._tools = tools

    def definitions(self) -> Sequence[Wire]:
        """The resources on the wire."""
        return _DEFINITIONS

    def templates(self) -> Sequence[Wire]:
        """The templates on the wire."""
        return _TEMPLATES

    def read(self, uri: str) -> Wire:
        """A resource's contents, as they are now.

        Raises:
            RpcError: there is no such resource, or the board refuses.
        """
        try:
            text = self._text(uri)
        except ParallelError as error:
            raise _refused(error) from None
        if text is None:
            raise RpcError(INVALID_PARAMS, f"Resource not found: {uri[:200]}", {"uri": uri})
        return {"contents": [{"uri": uri, "mimeType": _MARKDOWN, "text": text}]}

    def has(self, uri: str) -> bool:
        """Whether there is such a resource, named as its changes are told: a task by number or whole id.

        Raises:
            RpcError: there is no room, or no store.
        """
        if uri in (BOARD, INBOX):
            return True
        task, inbox = uri.removeprefix(TASK), uri.removeprefix(INBOX + "/")
        try:
            room = self._tools.caller.room().id
            with self._tools.caller.database.read() as rows:
                if task != uri:
                    is_number = task.isascii() and task.isdigit() and len(task) < LONGEST_NUMBER
                    found = rows.task_by_number(room, int(task)) if is_number else rows.get(Task, task)
                    return found is not None and found.room_id == room and task in (str(found.number), found.id)
                return inbox != uri and rows.agent_by_name(room, unquote(inbox)) is not None
        except ParallelError as error:
            raise _refused(error) from None

    def complete(self, argument: str, begun: str) -> Sequence[str]:
        """The numbers of the tasks on the board, or the names of its agents, that begin so."""
        try:
            room = self._tools.caller.room().id
            with self._tools.caller.database.read() as rows:
                if argument == "number":
                    known = sorted((task.number for task in rows.tasks(room, COLUMNS)), reverse=True)
                    return [str(number) for number in known if str(number).startswith(begun)]
                if argument == "agent":
                    return [agent.name for agent in rows.agents(room) if agent.name.startswith(begun)]
        except ParallelError:
            return ()  # a completion is no place for an error
        return ()

    def watch(self, changed: Callable[[Sequence[str]], None]) -> Callable[[], None]:
        """Follow the room's events, whoever makes them, and tell which resources they have changed.

        Raises:
            RpcError: there is no room, or no store.
        """
        try:
            database, room = self._tools.caller.database, self._tools.caller.room().id
        except ParallelError as error:
            raise _refused(error) from None

        def deliver(events: Sequence[Event]) -> None:
            with database.read() as rows:
                uris = [uri for event in events if event.room_id == room for uri in _touched(rows, event)]
            changed(list(dict.fromkeys(uris)))

        with database.read() as rows:
            feed = ChangeFeed(database, deliver, after=rows.last_sequence())
        feed.start()
        return feed.stop

    def _text(self, uri: str) -> str | None:
        ask = self._tools.ask
        if uri == BOARD:
            counts: Counter[str] = Counter()
            return board_page(ask(find("get_board"), {}, part=partial(_column_heads, counts)).get("tasks", ()), counts)
        if uri == INBOX:
            return inbox_page(ask(find("list_handoffs"), {"agent": "me"})["handoffs"])
        if match := re.fullmatch(re.escape(TASK) + "([^/]+)", uri):
            return task_page(ask(find("get_task"), {"task": unquote(match[1])}))
        if match := re.fullmatch(re.escape(INBOX) + "/([^/]+)", uri):
            return inbox_page(ask(find("list_handoffs"), {"agent": unquote(match[1])})["handoffs"])
        return None


def _refused(error: ParallelError) -> RpcError:
    return RpcError(INVALID_PARAMS, told(error), {"code": error.code})


def _column_heads(counts: "Counter[str]", board: Board) -> Board:
    """The board with the first of each column; `counts` gets how many there are."""
    shown = []
    for task in board.tasks:
        counts[task.status.value] += 1
        if counts[task.status.value] <= SHOWN_IN_COLUMN:
            shown.append(task)
    return replace(board, tasks=tuple(shown))


def board_page(tasks: Sequence[Mapping[str, Any]], counts: Mapping[str, int]) -> str:
    """The board as Markdown: the first tasks of each column, and how many stand there."""
    by_status: dict[str, list[str]] = {column.value: [] for column in COLUMNS}
    for task in tasks:
        by_status.setdefault(task["status"], []).append(task_line(task))
    for status, lines in by_status.items():
        if (more := counts[status] - len(lines)) > 0:
            lines.append(f"- and {more:,} more: list_tasks with status {status} and a limit")
    parts = [f"## {status} ({counts[status]})\n" + "\n".join(lines) for status, lines in by_status.items() if lines]
    return "\n\n".join(["# Board", *parts]) if parts else "# Board\n\nNo task yet."


def inbox_page(handoffs: Sequence[Mapping[str, Any]]) -> str:
    """Handoffs as Markdown."""
    return "\n\n".join([f"# Handoffs ({len(handoffs)})", *(handoff_block(each) for each in handoffs)])


def task_page(detail: Mapping[str, Any]) -> str:
    """A task in full as Markdown."""
    task = detail["task"]
    facts = {name: value for name, value in task.items() if name not in ("number", "title", "description", "result")}
    parts = [f"# #{task['number']} {task['title']}", _facts(facts), task.get("description", "")]
    if result := task.get("result"):
        parts.append("## Result\n" + _facts(result))
    if handoffs := detail.get("handoffs"):
        parts.append("## Handoffs\n" + "\n".join(handoff_block(each) for each in handoffs))
    if comments := detail.get("comments"):
        parts += [
            "## Comments",
            *(f"**{each['author']}**, {each['created_at']}\n\n{each['body']}" for each in comments),
        ]
    parts += ["## History\n" + "\n".join(f"- {line}" for line in detail.get("history", ()))]
    return "\n\n".join(filter(None, parts))


def _facts(facts: Mapping[str, Any]) -> str:
    return "\n".join(
        f"- {name.replace('_', ' ')}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in facts.items()
    )


def _touched(rows: Reader, event: Event) -> list[str]:
    """The resources that an event has changed."""
    uris = []
    if event.entity in (EntityKind.TASK, EntityKind.AGENT, EntityKind.ROOM):
        uris.append(BOARD)
    if event.subject_id is not None:
        task = rows.get(Task, event.subject_id)
        uris += [f"{TASK}{task.number}", f"{TASK}{task.id}"] if task else []
    if event.entity is EntityKind.HANDOFF:
        uris += _inboxes(rows, event.room_id, rows.get(Handoff, event.entity_id))
    return uris


def _inboxes(rows: Reader, room: RoomId, handoff: Handoff | None) -> list[str]:
    """The inboxes that may hold a handoff; one that goes to a role may be in any."""
    if handoff is None:
        return []
    names = [
        agent.name
        for agent in rows.agents(room)
        if handoff.to_agent is None or agent.id in (handoff.to_agent, handoff.from_agent, handoff.taken_by)
    ]
    return [INBOX, *(f"{INBOX}/{quote(name)}" for name in names)]
