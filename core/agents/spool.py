"""The spool: what hooks have noted down (core/agents/hook.py), read in order, from where the last reader stopped.

Every line is taken exactly once if the reader stores the positions of a `Batch` in the same transaction in which it
applies its lines:

    batch = read_new(home, positions)          # positions: where the last batch stopped, by file name
    …apply batch.lines, store batch.positions, commit…
    tidy(home, batch.positions)                # after the commit
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec

from storage import Home, utc_now

LINES_A_BATCH: Final = 50
"""Applied in one transaction, for which all other writers wait."""
BYTES_A_READ: Final = 1 << 20
LINE_BYTES: Final = 1 << 16
"""Longer lines are none of a hook's; they are skipped."""
STAMP_SECONDS: Final = 86_400
"""A guard's stamp that is older belongs to a client that has gone."""


class HookEvent(StrEnum):
    """What an agent's client reports, in the words of Claude Code; other clients' are translated by the hook."""

    SESSION_START = "SessionStart"
    USER_PROMPT_SUBMIT = "UserPromptSubmit"
    PRE_TOOL_USE = "PreToolUse"
    POST_TOOL_USE = "PostToolUse"
    NOTIFICATION = "Notification"
    PERMISSION_REQUEST = "PermissionRequest"
    STOP = "Stop"
    SESSION_END = "SessionEnd"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookLine:
    """One event of an agent's client.

    `ancestors` are the processes above the hook, nearest first, as `pid:started` (see hook.started): the client is
    among them. `agent`, `room` and `token_hash` (SHA-256, hex) come from the environment, where it told. `detail` is
    the source of a SessionStart, the reason of a SessionEnd, the type of a Notification, how a Stop came about.
    `message` is the question of an agent that waits. `subagent` names the helper inside the client that reports: its
    Stop is not the agent's.
    """

    version: int
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    client: str
    event: HookEvent
    client_session: str | None = None
    cwd: str | None = None
    tool: str | None = None
    message: str | None = None
    detail: str | None = None
    subagent: str | None = None
    stop_hook_active: bool = False
    agent: str | None = None
    room: str | None = None
    token_hash: str | None = None
    ancestors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines in the order in which they were appended, and where to read on, by file name.

    `positions` holds every file of the spool and no other: it replaces what was stored. `skipped` counts lines that
    could not be understood. `has_more` says that more stands there already.
    """

    lines: tuple[HookLine, ...]
    positions: Mapping[str, int]
    skipped: int = 0
    has_more: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come since, so that nothing needs to be stored either."""
        return not self.lines and not self.skipped


_decoder = msgspec.json.Decoder(HookLine)


def spool_of(home: Home) -> Path:
    """The folder to which hooks append: a file a day, named for the day."""
    return home.run / "spool"


def read_new(home: Home, positions: Mapping[str, int], *, limit: int = LINES_A_BATCH) -> Batch:
    """The lines after `positions`, at most `limit`, oldest first. A last line that is not whole yet is left.

    Raises:
        OSError: a file of the spool cannot be read.
    """
    lines: list[HookLine] = []
    after: dict[str, int] = {}
    skipped, has_more = 0, False
    for file in _files(home):
        try:
            size = file.stat().st_size
            position = positions.get(file.name, 0)
            position = position if position <= size else 0  # a shorter file is a new one: hooks only append
            while position < size and len(lines) < limit:
                consumed, read, unread = _read(file, position, limit - len(lines))
                if not consumed:
                    break
                position += consumed
                lines += read
                skipped += unread
        except FileNotFoundError:
            continue  # another reader has taken it in and tidied
        after[file.name] = position
        has_more = has_more or (position < size and len(lines) == limit)
    return Batch(tuple(lines), after, skipped, has_more)


def tidy(home: Home, positions: Mapping[str, int]) -> None:
    """Delete what nobody needs any more: read files of days before yesterday, and stamps of clients that have gone.

    `positions` must be stored already. Yesterday's file stays, since a hook may have begun just before midnight.
    """
    yesterday = (utc_now() - timedelta(days=1)).strftime("%Y-%m-%d")
    for file in _files(home):
        with suppress(FileNotFoundError):  # another reader tidies too
            if file.stem < yesterday and positions.get(file.name, -1) >= file.stat().st_size:
                file.unlink()
    for stamp in spool_of(home).glob("activity-*"):
        try:
            if stamp.stat().st_mtime < time.time() - STAMP_SECONDS:
                stamp.unlink()
        except FileNotFoundError:
            continue  # its hook has taken it away


def last_line_of(home: Home, client: str) -> HookLine | None:
    """The last line that a client's hook has noted down; None if the spool holds none."""
    for file in reversed(_files(home)):
        for raw in reversed(file.read_bytes().split(b"\n")):
            with suppress(msgspec.MsgspecError, UnicodeDecodeError):
                line = _decoder.decode(raw)
                if line.client == client:
                    return line
    return None


def _files(home: Home) -> list[Path]:
    """The files of the spool, oldest day first."""
    return sorted(spool_of(home).glob("????-??-??.jsonl"))


def _read(file: Path, position: int, limit: int) -> tuple[int, list[HookLine], int]:
    """Up to `limit` lines from `position`: how many bytes they take, the lines, and how many were skipped."""
    with file.open("rb") as stream:
        stream.seek(position)
        data = stream.read(BYTES_A_READ)
    whole = data.rfind(b"\n") + 1
    if not whole:  # it is being written, unless it is longer than any hook's
        return (len(data), [], 1) if len(data) > LINE_BYTES else (0, [], 0)
    consumed, lines, skipped = 0, list[HookLine](), 0
    for raw in data[:whole].split(b"\n")[:-1]:
        if len(lines) == limit:
            break
        consumed += len(raw) + 1
        if raw.strip():
            try:
                lines.append(_decoder.decode(raw))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                skipped += 1
    return consumed, lines, skipped
