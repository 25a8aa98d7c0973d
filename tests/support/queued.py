"""A queue for pictures: two workers in the store alone, and runs in every state."""

from core.agents.expiry import PROGRAM
from core.operations.settled import RunEnd, RunStart
from storage import AgentKind, Database, Process, ProcessKind, Role, RunState
from tests.support.users import User
from tests.support.workers import Workers

OUTPUT = "\n".join(f"tests/test_{name}.py ........ [{share:>3}%]" for name, share in (("login", 34), ("pages", 71)))


def fill_queue(database: Database, room: str, person: str) -> None:
    """Queue some tasks of a room, run and end some of them."""
    owner = User(database, person, room=room)
    claude = User(database, "claude", room=room, role=Role.AGENT, kind=AgentKind.AI)
    program = User(database, PROGRAM.name, room=room)
    program.actor = PROGRAM
    records = Workers(owner)
    workers = [records.add(f"worker.{number}", kind=ProcessKind.SERVICE) for number in (1, 2)]
    made = [
        owner.call("create_task", title=title, command=command, attempts=2)
        for title, command in (
            ("Build the documentation", "make docs"),
            ("Check the links of the site", "lychee --no-progress docs"),
            ("Run the tests of the login", "pytest tests/login -q"),
            ("Measure the start", "python benchmarks/cli_start.py"),
            ("Publish the preview", "make preview"),
        )
    ]
    asked = claude.call("create_task", title="Clean the build folder", command="rm -rf build dist")

    def begin(index: int, worker: Process) -> RunEnd:
        run = owner.call("queue_task", task=made[index].id)
        program.call("settle_runs", starts=(RunStart(run.id, worker.id, worker.runner or ""),))
        return RunEnd(run=run.id, lease=worker.runner, state=RunState.SUCCEEDED, exit_code=0, output="ok", seconds=2.5)

    program.call("settle_runs", ends=(begin(0, workers[0]),))
    failed = begin(1, workers[1])
    program.call(
        "settle_runs",
        ends=(RunEnd(run=failed.run, lease=failed.lease, state=RunState.FAILED, exit_code=2, output="3 links broken"),),
    )
    running = begin(2, workers[0])
    folder = database.home.logs / "runs"
    folder.mkdir(exist_ok=True)
    (folder / f"{running.run}.log").write_text(OUTPUT + "\n")
    begin(3, workers[1])
    owner.call("queue_task", task=made[4].id)
    claude.call("queue_task", task=asked.id)
