"""What runs in the demo: its room.yaml, approved as a person approves one, and the tasks that its workers take."""

import json
import shlex
import shutil
import socket
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from core.demo.hands import Hand, agent_hand
from core.demo.project import PERSON, TESTER
from core.processes.room_file import FILE, content_hash
from storage import Database, Priority, Status

FILES: Final = Path(__file__).parent / "files"
"""The project's programs, and its room.yaml with places for the ports and for the Python that we run on."""


@dataclass(frozen=True, slots=True)
class Job:
    """A task of the demo with a command, which is queued. `by` is the agent who has set it, if not the person."""

    title: str
    command: str
    labels: tuple[str, ...] = ()
    priority: Priority = Priority.NORMAL
    attempts: int = 1
    by: str | None = None


JOBS: Final = (
    Job("Run the slow tests", "sh slow_tests.sh", ("tests",), Priority.HIGH),
    Job("Visit the site 20 times", "$python visit.py 20 $port", ("tests", "performance")),
    Job("Build the release archive", "sh build.sh && tar -czf build/site.tar.gz build/*.html && ls -l build",
        ("release",)),
    Job("Send the invitations", "$python mailer.py $smtp_port", ("release",), attempts=3),
    Job("Count the lines of the project", "wc -l *.py *.sh", ("infra",), Priority.LOW),
    Job("Clean the build folder", "rm -rf build", ("infra",), by=TESTER),
)  # fmt: skip
"""The one of an agent waits for the person's approval; the invitations fail, and are tried again."""


def set_up(database: Database, root: Path) -> None:
    """Put the demo's programs into its project, approve its room.yaml, and queue its tasks."""
    port, smtp_port = _free_ports(2)
    shutil.copytree(FILES, root, dirs_exist_ok=True)
    places = {"port": str(port), "smtp_port": str(smtp_port), "python": json.dumps(sys.executable)}
    file = root / FILE
    file.write_text(Template(file.read_text()).substitute(places))
    person = Hand(database, PERSON)
    person.call("trust_room", hash=content_hash(file.read_bytes()))
    for job in JOBS:
        hand = person if job.by is None else agent_hand(database, job.by)
        task = hand.call(
            "create_task", title=job.title, status=Status.TODO, priority=job.priority, labels=job.labels,
            attempts=job.attempts,
            command=Template(job.command).substitute(places | {"python": shlex.quote(sys.executable)}),
        )  # fmt: skip
        hand.call("queue_task", task=task.id)


def _free_ports(count: int) -> list[int]:
    """Ports of loopback on which nothing listens just now."""
    with ExitStack() as sockets:
        bound = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in bound:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in bound]
