"""Watching each room's room.yaml: what is wrong with it, or not approved, is told; what runs goes on as approved."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from core.alerts.findings import Finding, found, over
from core.errors import InvalidData
from core.processes.declaration import FILE, content_hash, read_declarations, read_room_file, room_file
from storage import AlertSeverity, Room, RoomId

LOOK_S: Final = 1.0
"""Between two looks: one stat a room."""

RULE: Final = "room_yaml"


class RoomWatch:
    """Remembers what each room's file looked like, and says what has become of it. For one thread at a time."""

    def __init__(self) -> None:
        self._seen: dict[RoomId, tuple[object, ...]] = {}
        self._told: dict[RoomId, Finding] = {}

    def look(self, rooms: Iterable[Room]) -> list[tuple[RoomId, Finding]]:
        """What is new about the files of some rooms."""
        news = []
        for room in rooms:
            mark = (mark_of(room_file(room)), room.trusted_hash, room.root)
            if self._seen.get(room.id) == mark:
                continue
            self._seen[room.id] = mark
            finding = judge(room)
            if self._told.get(room.id) != finding:
                self._told[room.id] = finding
                news.append((room.id, finding))
        return news


def judge(room: Room) -> Finding:
    """What there is to say of a room's file: broken, with line and column; not approved; or nothing any more."""
    try:
        content = read_room_file(room)
        if content is None or content_hash(content) == room.trusted_hash:
            return over(RULE)
        declared = read_declarations(content, room.root).processes
    except InvalidData as error:
        text = "room_yaml_broken_since" if room.trusted_hash else "room_yaml_broken"
        return found(text, error=str(error).removeprefix(f"{FILE}, "), todo=error.hint or "")
    if room.trusted_hash:
        return found("room_yaml_changed", file=room_file(room))
    if not declared:
        return over(RULE)
    return found("room_yaml_new", severity=AlertSeverity.INFO, file=room_file(room))


def mark_of(path: Path) -> tuple[int, ...] | None:
    """What changes whenever the file does."""
    try:
        found = os.stat(path)  # noqa: PTH116  a Path's stat takes twice as long
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
