"""One writer: moving a task through the operation layer, beside raw apsw doing the same SQL in the same run."""

import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

import apsw
from ending import run
from figures import Figures, arguments, call, percentile, scratch_database

from storage import Status

TASKS = 1000


def trace(database: Any, move: Callable[[], Any]) -> list[tuple[str, tuple[Any, ...]]]:
    """The statements that one move makes, BEGIN and COMMIT included, with what is bound."""
    connection = database._engine.connection()
    seen: list[tuple[str, tuple[Any, ...]]] = []

    def note(_cursor: apsw.Cursor, sql: str, bindings: Any) -> bool:
        seen.append((sql, tuple(bindings or ())))
        return True

    connection.exec_trace = note
    move()
    connection.exec_trace = None
    return seen


def main() -> None:
    """Measure and judge."""
    count = 500 if arguments(__doc__ or "").quick else 5000
    with scratch_database() as database:
        tasks = [
            call(database, "create_task", title=f"Task {number}", status=Status.TODO).id for number in range(TASKS)
        ]
        statuses = itertools.cycle([Status.IN_PROGRESS, Status.REVIEW, Status.TODO])
        turns = itertools.cycle(tasks)
        to = {"status": Status.IN_PROGRESS}

        def move() -> None:
            task = next(turns)
            if task == tasks[0]:
                to["status"] = next(statuses)
            call(database, "move_task", task=task, to=to["status"])

        for _ in range(50):
            move()
        statements = trace(database, move)

        # raw: the same SQL with the same amount bound, prepared, on a connection of its own
        raw = apsw.Connection(str(database.path), flags=apsw.SQLITE_OPEN_READWRITE)
        raw.pragma("synchronous", "FULL")
        raw.pragma("foreign_keys", 1)
        raw.set_busy_timeout(5000)
        is_event = [sql.startswith("INSERT INTO event") for sql, _ in statements]
        versions = dict.fromkeys(tasks, None)

        def raw_move(number: int) -> None:
            task = tasks[(number * 7) % TASKS]
            version = versions[task]
            if version is None:
                version = raw.execute("SELECT version FROM task WHERE id = ?", (task,)).fetchall()[0][0]
            for (sql, bindings), event in zip(statements, is_event, strict=True):
                if sql.startswith("UPDATE task"):
                    at = len(bindings)
                    bindings = (*bindings[: at - 2], task, version)
                    names = [each.split('"')[1] for each in sql.split("SET")[1].split("WHERE")[0].split(",")]
                    bindings = tuple(
                        version + 1 if index < len(names) and names[index] == "version" else value
                        for index, value in enumerate(bindings)
                    )
                elif event:
                    bindings = (f"evt_raw{number:025}", *bindings[1:])
                raw.execute(sql, bindings).fetchall()
            assert raw.changes() == 1
            versions[task] = version + 1

        ours: list[float] = []
        theirs: list[float] = []
        block = max(count // 20, 25)  # in turns, so that both meet the same disk
        numbers = itertools.count()
        while len(ours) < count:
            for _ in range(block):
                began = time.perf_counter()
                move()
                ours.append((time.perf_counter() - began) * 1000)
            for _ in range(block):
                began = time.perf_counter()
                raw_move(next(numbers))
                theirs.append((time.perf_counter() - began) * 1000)
        raw.close()
    figures = Figures(f"One writer, {count} moves of {TASKS} tasks ({len(statements)} statements each), FULL")
    figures.add("move p50", percentile(ours, 50), "ms", at_most=1)
    figures.add("move p99", percentile(ours, 99), "ms", at_most=10)
    figures.add("moves a second", 1000 / statistics.fmean(ours), "/s")
    figures.add("raw apsw p50", percentile(theirs, 50), "ms")
    figures.add("raw apsw p99", percentile(theirs, 99), "ms")
    figures.add("raw apsw a second", 1000 / statistics.fmean(theirs), "/s")
    figures.add("ours of raw", 100 * statistics.fmean(theirs) / statistics.fmean(ours), "%", at_least=40)
    figures.finish()


if __name__ == "__main__":
    run(main)
