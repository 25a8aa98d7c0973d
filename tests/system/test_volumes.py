"""A tenth of the benchmarks' volumes: that nothing is lost in them. How fast they are, the benchmarks say."""

from core.history import board_at
from storage import Home, Status
from tests.support.history import replayed, rows_of
from tests.support.processes import children
from tests.support.users import User

WRITERS = 32

WRITER = """
database = Database.open(home)
name = f"writer {arguments['index']}"
task = call(database, "create_task", agent=name, title=name)
say("ready")
hear()
made = 0
until = time.monotonic() + 1.0
while time.monotonic() < until:
    to = Status.TODO if made % 2 else Status.IN_PROGRESS
    task = call(database, "move_task", agent=name, task=task.id, to=to, expected_version=task.version)
    made += 1
say(task.id, made, task.version)
"""


def test_thirty_two_writers_lose_no_update_and_meet_no_error(board: User, home: Home) -> None:
    with children(home.path, WRITER, WRITERS) as writers:
        for writer in writers:
            assert writer.hear(120) == ["ready"]
        for writer in writers:
            writer.tell()
        said = [writer.hear(120) for writer in writers]
    assert all(made > 0 for _, made, _ in said), "a writer starved"
    stored = {task.id: task.version for status in Status for task in board.column(status)}
    assert {task: version for task, _, version in said} == stored
    assert {task: made + 1 for task, made, _ in said} == stored
    sequence, rows = rows_of(board)
    assert replayed(board, sequence) == rows


def test_ten_thousand_events_replay_to_the_board_at_any_of_them(board: User) -> None:
    tasks = [board.add(f"task {number}") for number in range(100)]
    middle = None
    for turn in range(99):
        to = Status.TODO if turn % 2 else Status.IN_PROGRESS
        board.call("move_tasks", tasks=tuple(task.id for task in tasks), to=to)
        if turn == 49:
            middle = (rows_of(board)[0], board.call("get_board").tasks)
    sequence, rows = rows_of(board)
    assert sequence >= 10_000
    assert replayed(board, sequence) == rows
    assert middle is not None
    with board.database.read() as reader:
        assert board_at(reader, board.call("get_room").id, middle[0]).tasks == middle[1]
