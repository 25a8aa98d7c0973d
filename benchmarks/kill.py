"""kill -9 of 8 writers at random moments: nothing acknowledged is lost, and the file is sound each time."""

import random
import subprocess
import sys
import time

from ending import run
from figures import ROOM, Child, Figures, arguments, as_child, call, say, scratch_database

from storage import Database, Home, Status

WRITERS = 8
CHECK = """
import apsw, sys
connection = apsw.Connection(sys.argv[1])
ok = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
ok &= connection.execute("SELECT sum(version) FROM task").fetchall() == connection.execute(
    "SELECT count(*) FROM event WHERE entity = 'task'").fetchall()
sys.exit(not ok)
"""


def write(home: Home, index: int) -> None:
    """A writer: acknowledges each change on its standard output."""
    database = Database.open(home)
    while True:
        task = call(database, "create_task", agent=f"writer {index}", title="new", status=Status.TODO)
        say(task.id, task.version)
        moved = call(database, "move_task", agent=f"writer {index}", task=task.id, to=Status.IN_PROGRESS)
        say(task.id, moved.version)


def main() -> None:
    """Measure and judge."""
    kills = 24 if arguments(__doc__ or "").quick else 200
    chance = random.Random(3)
    acknowledged: dict[str, int] = {}
    changes = lost = unsound = done = 0
    with scratch_database() as database:
        path = str(database.path)
        while done < kills:
            writers = [Child(__file__, "write", database.home, index=index) for index in range(WRITERS)]
            for writer in writers:  # each has begun
                acknowledged.update([writer.hear()])
            for writer in chance.sample(writers, WRITERS):
                time.sleep(chance.uniform(0.0, 0.02))
                writer.process.kill()
                done += 1
            for writer in writers:
                while said := writer.hear():
                    acknowledged.update([said])
                    changes += 1
                writer.end()
            with database.read() as rows:
                room = rows.room_by_name(ROOM)
                assert room is not None
                stored = {task.id: task.version for task in rows.tasks(room.id)}
            lost += sum(stored.get(task, 0) < version for task, version in acknowledged.items())
            unsound += subprocess.run([sys.executable, "-c", CHECK, path], check=False).returncode != 0
    figures = Figures(f"{done} writers killed, {WRITERS} at a time")
    figures.add("acknowledged changes", changes, "")
    figures.add("acknowledged changes lost", lost, "", at_most=0)
    figures.add("unsound files", unsound, "", at_most=0)
    figures.finish()


if __name__ == "__main__":
    if child := as_child():
        write(child[1], **child[2])
    else:
        run(main)
