"""32 writer processes at once: no lost update, no error, fair shares, short waits."""

import time

from ending import run
from figures import ROOM, Child, Figures, arguments, as_child, call, hear, percentile, say, scratch_database

from storage import Database, Home, ParallelError, Status

STATUSES = (Status.IN_PROGRESS, Status.TODO)


def write(home: Home, task: str, seconds: float) -> None:
    """A writer: moves its own task to and fro, and edits the one that all share."""
    database = Database.open(home)
    agent = f"writer {task}"
    call(database, "move_task", agent=agent, task=task, to=STATUSES[0])
    say("ready")
    hear()
    until = time.monotonic() + seconds
    waits: list[float] = []
    errors: list[str] = []
    while (began := time.monotonic()) < until:
        try:
            call(database, "move_task", agent=agent, task=task, to=STATUSES[(len(waits) + 1) % 2])
        except ParallelError as error:
            errors.append(error.message)
        waits.append(time.monotonic() - began)
    say(len(waits), max(waits), percentile(waits, 50), errors)
    hear()  # thirty processes that end take the processors from those who still wait for their last turn


def main() -> None:
    """Measure and judge."""
    quick = arguments(__doc__ or "").quick
    count, seconds = 32, 1.0 if quick else 10.0
    with scratch_database() as database:
        tasks = [call(database, "create_task", title=str(number), status=Status.TODO) for number in range(count)]
        writers = [Child(__file__, "write", database.home, task=task.id, seconds=seconds) for task in tasks]
        try:
            for writer in writers:
                assert writer.hear() == ["ready"]
            for writer in writers:
                writer.tell()
            said = [writer.hear() for writer in writers]
        finally:
            for writer in writers:
                writer.end()
        with database.read() as rows:
            room = rows.room_by_name(ROOM)
            assert room is not None
            stored = {task.id: task.version for task in rows.tasks(room.id)}
    counts = [each[0] for each in said]
    lost = sum(stored[task.id] != 2 + each[0] - len(each[3]) for task, each in zip(tasks, said, strict=True))
    figures = Figures(f"{count} writer processes for {seconds:g} s")
    figures.add("changes a second, all together", sum(counts) / seconds, "/s")
    figures.add("lost updates", lost, "writers", at_most=0)
    figures.add("errors", sum(len(each[3]) for each in said), "", at_most=0)
    figures.add("slowest writer of the fastest", 100 * min(counts) / max(counts), "%", at_least=40)
    figures.add("longest wait", max(each[1] for each in said), "s", at_most=1)
    figures.add("median wait", max(each[2] for each in said) * 1000, "ms")
    figures.finish()


if __name__ == "__main__":
    if child := as_child():
        write(child[1], **child[2])
    else:
        run(main)
