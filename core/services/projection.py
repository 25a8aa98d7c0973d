"""The projection: each room's state and current tasks as YAML files, for people and scripts to read.

Rewritten after changes, never read back: the database is the truth. Nothing is written that would not differ.
"""

import asyncio
import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from core.shapes import Shaper
from storage import (
    COLUMNS,
    ChangeFeed,
    Database,
    Event,
    Home,
    Reader,
    Room,
    RoomId,
    Status,
    format_time,
    write_atomically,
)  # fmt: skip

GATHER_S: Final = 0.5
"""Changes that come this close together are written once."""
LEAST_SHARE: Final = 20
"""Between two writes passes at least so many times what the last took: at most a twentieth of a core."""

CURRENT: Final = tuple(status for status in COLUMNS if status is not Status.DONE)
"""The statuses of the tasks in `current.yaml`."""

STATE: Final = "state.yaml"
TASKS: Final = "tasks/current.yaml"
"""The files of a room, in its folder."""

_NOT_PLAIN: Final = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF)}
"""Plain in JSON, line ends or forbidden in YAML."""

_HEADER: Final = "# Written by wezterm-parallel after every change; edits here are not read.\n"


class ProjectionService:
    """Keeps `rooms/<name>/state.yaml` and `rooms/<name>/tasks/current.yaml` of all rooms up to date."""

    name = "projection"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: dict[Path, bytes] = {}
        """What we last wrote, so that an unchanged file is left alone."""
        self._names: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Write all rooms once, then each room after its changes."""
        loop = asyncio.get_running_loop()
        touched: set[RoomId] = set()
        woken = asyncio.Event()

        def note(events: Sequence[Event]) -> None:
            touched.update(event.room_id for event in events)
            woken.set()

        def deliver(events: Sequence[Event]) -> None:
            loop.call_soon_threadsafe(note, events)

        after, took_s = await asyncio.to_thread(self._write_all)
        feed = ChangeFeed(self._database, deliver, after=after)
        feed.start()
        try:
            while True:
                await woken.wait()
                await asyncio.sleep(max(GATHER_S, took_s * LEAST_SHARE))
                woken.clear()
                rooms, touched = touched, set()
                took_s = await asyncio.to_thread(self._write_rooms, rooms)
        finally:
            await asyncio.to_thread(feed.stop)

    def _write_all(self) -> tuple[int, float]:
        with self._database.read() as rows:
            after = rows.last_sequence()
            rooms = [room.id for room in rows.rooms()]
        return after, self._write_rooms(rooms)

    def _write_rooms(self, rooms: Iterable[RoomId]) -> float:
        """Write the files of some rooms; how long it took, in seconds."""
        began = time.monotonic()
        files: dict[Path, bytes] = {}
        with self._database.read() as rows:
            for room in filter(None, (rows.get(Room, each) for each in rooms)):
                files.update(room_files(rows, self._database.home, room))
            names = frozenset(room.name for room in rows.rooms())
        self._database.close_thread()
        for path, data in files.items():
            if self._written.get(path) != data:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_atomically(path, data)
                self._written[path] = data
        if names != self._names:
            self._names = names
            self._remove_former(names)
        return time.monotonic() - began

    def _remove_former(self, names: Collection[str]) -> None:
        """Remove what was written of rooms that are called otherwise now. What is not ours there stays."""
        home = self._database.home
        present = [folder for folder in map(home.room, names) if folder.exists()]
        for folder in home.room("").iterdir():
            if any(folder.samefile(each) for each in present):  # by another spelling, where the disk knows no case
                continue
            for path in (folder / STATE, folder / TASKS):
                with suppress(OSError):
                    if path.read_bytes().startswith(_HEADER.encode()):
                        path.unlink()
                self._written.pop(path, None)
            for empty in (folder / Path(TASKS).parent, folder):
                with suppress(OSError):
                    empty.rmdir()


def room_files(rows: Reader, home: Home, room: Room) -> dict[Path, bytes]:
    """The projections of one room: what belongs into which file."""
    folder = home.room(room.name)
    tasks = rows.tasks(room.id, CURRENT)
    shaped = Shaper(rows).shape(tuple(tasks))
    agents = [{"name": agent.name, "kind": agent.kind, "role": agent.role} for agent in rows.agents(room.id)]
    processes = [
        {
            "id": each.id, "name": each.name, "pid": each.pid, "status": each.state,
            "started_at": format_time(each.started_at) if each.started_at else None, "reason": each.reason,
            "restarts": each.restarts,
        }
        for each in rows.processes(room.id)
    ]  # fmt: skip
    state: dict[str, dict[str, Any]] = {
        "room": {
            "name": room.name,
            "root": room.root,
            "created_at": format_time(room.created_at),
            "wip_limits": {status.value: limit for status, limit in room.wip_limits.items()},
        },
        "columns": {status.value: rows.column_count(room.id, status) for status in COLUMNS},
    }
    return {
        folder / STATE: _yaml(state, {"agents": agents, "processes": processes}),
        folder / TASKS: _yaml({}, {"tasks": [_task(task) for task in shaped]}),
    }


def _task(task: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = ("id", "number", "title", "status", "priority")
    return {name: task[name] for name in kept} | {
        "assigned_to": task["assignee_name"],
        "dependencies": task["dependency_numbers"],
        "estimated_minutes": task["estimate_minutes"],
        "due": task["due"],
        "since": task["status_changed_at"],
    }


def _yaml(sections: Mapping[str, Mapping[str, Any]], lists: Mapping[str, Sequence[Mapping[str, Any]]]) -> bytes:
    """YAML of two levels. By hand: every JSON value is a YAML value, and ruamel takes seconds for 10,000 tasks."""
    lines = [_HEADER]
    for name, fields in sections.items():
        lines.append(f"{name}:\n")
        lines.extend(f"  {key}: {_value(value)}\n" for key, value in fields.items())
    for name, items in lists.items():
        lines.append(f"{name}:\n" if items else f"{name}: []\n")
        for item in items:
            marks = ("- ", *["  "] * (len(item) - 1))
            lines.extend(
                f"  {mark}{key}: {_value(value)}\n" for mark, (key, value) in zip(marks, item.items(), strict=True)
            )
    return "".join(lines).encode()


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).translate(_NOT_PLAIN)
