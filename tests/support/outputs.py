"""Processes with output for tests: declared in the room, their output written as their runner would."""

from core.logs.window import output_folder
from core.processes.runner.log import OutputLog
from storage import Process
from tests.support.users import User


def add_process(user: User, name: str, **more: object) -> Process:
    """A process of the room."""
    user.call("add_process", name=name, command=("true",), **more)
    return next(each.process for each in user.call("list_processes") if each.process.name == name)


class Printing:
    """What a process prints, in its real files."""

    def __init__(self, user: User, process: Process, *, max_bytes: int = 10_000_000, files: int = 5) -> None:
        folder = output_folder(user.database.home, process.id)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._log = OutputLog(str(folder), max_bytes, files)

    def say(self, *lines: str | bytes) -> None:
        """Print lines."""
        for line in lines:
            self._log.append((line.encode() if isinstance(line, str) else line) + b"\n")

    def write(self, data: bytes) -> None:
        """Print bytes."""
        self._log.append(data)
