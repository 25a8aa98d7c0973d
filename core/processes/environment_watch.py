"""Watching the env files of what runs: whether a process would be started with other variables than it was."""

from collections.abc import Iterable
from pathlib import Path

from core.processes.fingerprint import UP, has_other_environment
from core.processes.happenings import EnvironmentRead
from core.processes.room_watch import mark_of
from storage import Home, Process, ProcessId, Room


class EnvironmentWatch:
    """Remembers what each env file looked like, and says for whom it has become another. For one thread at a time."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._seen: dict[ProcessId, tuple[object, ...]] = {}

    def look(self, processes: Iterable[tuple[Process, Room]]) -> list[EnvironmentRead]:
        """What is new about the env files of some processes: one stat each, and a reading where it was touched."""
        news = []
        for process, room in processes:
            if process.spec.env_file is None or process.runner is None or process.state not in UP:
                continue
            path = Path(room.root, process.spec.env_file)
            mark = (process.runner, process.spec, mark_of(path), room.root, room.trusted_hash)
            if self._seen.get(process.id) != mark:
                self._seen[process.id] = mark
                is_other = has_other_environment(self._home, process, room)
                news.append(EnvironmentRead(process.id, process.runner, is_other))
        return news
