"""A tenth of the benchmarks' volumes: that nothing is lost in them. How fast they are, the benchmarks say."""

from core.history import board_at
from storage import Home, Status
from tests.support.app import app_of, open_app, shown, until
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


async def test_a_board_of_a_thousand_cards_opens_moves_and_keeps_them_all(board: User) -> None:
    board.call("create_task", title="First", status=Status.BACKLOG)
    board.call("create_task", title="全角の題 0", status=Status.TODO)
    for number in range(1, 999):
        board.add(f"全角の題 {number}", status=Status.BACKLOG if number % 2 else Status.TODO)
    async with open_app(board, size=(160, 45)) as pilot:
        await shown(pilot, "First", "全角の題 0")
        await pilot.press("G")
        await shown(pilot, "全角の題 997")
        (last,) = (task for task in board.column(Status.BACKLOG) if task.title == "全角の題 997")
        await pilot.press("space", "l", "enter")
        await until(pilot, lambda: app_of(pilot).state.tasks[last.id].status is Status.TODO)
        assert len(app_of(pilot).state.tasks) == 1000
        assert len(app_of(pilot).screen.query("*")) < 300
    assert board.see(last).status is Status.TODO
    assert len(board.column(Status.BACKLOG)) + len(board.column(Status.TODO)) == 1000
