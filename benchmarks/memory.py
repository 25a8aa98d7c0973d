"""Memory of a process with the store, the operations and a board of 10,000 tasks loaded."""

from ending import run
from figures import ROOM, Child, Figures, arguments, as_child, call, hear, say, scratch_database

from storage import COLUMNS, Database, Home, Priority


def load(home: Home) -> None:
    """A process that holds the whole board, as the app's state does."""
    import psutil

    database = Database.open(home)
    bare = psutil.Process().memory_info().rss
    board = call(database, "get_board")
    say(bare, psutil.Process().memory_info().rss, len(board.tasks))
    hear()


def main() -> None:
    """Measure and judge."""
    count = 1000 if arguments(__doc__ or "").quick else 10_000
    with scratch_database() as database:
        for number in range(count):
            call(
                database, "create_task", title=f"Task {number} of a well filled board", labels=("bench", "memory"),
                description="What is to be done, in a sentence or two. " * 3, priority=Priority.HIGH,
                status=COLUMNS[number % 3], reason="bench",
            )  # fmt: skip
        with database.read() as rows:
            assert rows.room_by_name(ROOM) is not None
        child = Child(__file__, "load", database.home)
        bare, loaded, tasks = child.hear()
        child.end()
    figures = Figures(f"A process with {tasks:,} tasks loaded")
    figures.add("before", bare / 2**20, "MB")
    figures.add("with the board", loaded / 2**20, "MB", at_most=150)
    figures.finish()


if __name__ == "__main__":
    if found := as_child():
        load(found[1])
    else:
        run(main)
