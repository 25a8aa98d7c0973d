"""A status change through an agent's server, there and back over its pipe, durable: p50 and p99."""

import time

from ending import run
from figures import ROOM, Figures, arguments, call, percentile, scratch_database

from storage import Status
from tests.support.agents import AgentProcess

STATUSES = ("blocked", "in_progress")


def main() -> None:
    """Measure and judge."""
    count = 300 if arguments(__doc__ or "").quick else 3_000
    with scratch_database() as database:
        for number in range(200):
            call(database, "create_task", title=f"Task {number}", status=Status.TODO)
        with AgentProcess(database.home.path, WZP_ROOM=ROOM, WEZTERM_PARALLEL_HOME=str(database.home.path)) as server:
            task = server.call("claim_next")["task"]["number"]
            changes, lists = [], []
            for number in range(count):
                begun = time.perf_counter()
                server.call("update_task_status", task_id=task, status=STATUSES[number % 2], reason="measured")
                changes.append((time.perf_counter() - begun) * 1000)
            for _ in range(count // 10):
                begun = time.perf_counter()
                server.call("list_tasks")
                lists.append((time.perf_counter() - begun) * 1000)
            version = call(database, "get_task", task=str(task)).task.version
    figures = Figures(f"{count} status changes of one agent, on a board of 200 tasks")
    figures.add("status change, p50", percentile(changes, 50), "ms", at_most=2)
    figures.add("status change, p99", percentile(changes, 99), "ms", at_most=12)
    figures.add("changes that were answered and are not stored", abs(version - 2 - count), "changes", at_most=0)
    figures.add("list of 200 tasks, p50", percentile(lists, 50), "ms")
    figures.finish()


if __name__ == "__main__":
    run(main)
