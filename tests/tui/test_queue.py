"""The queue's screen: what runs, waits and has ended, and what the person does with it."""

import re

import pytest

from storage import Home, Priority, RunState, Status
from tests.support.app import app_of, open_app, screen_text, shown, until
from tests.support.boards import open_board
from tests.support.users import User
from tests.support.workers import dispatching, runs_of, workers_of
from tui import cells
from tui.translation import set_language


async def test_an_empty_queue_says_what_to_do(board: User):
    async with open_app(board) as pilot:
        await pilot.press("6")
        await shown(pilot, "Nothing has been queued yet.", "Q on the board", "no workers")


async def test_a_card_is_queued_from_the_board_and_shows_how_it_goes(board: User):
    task = board.call("create_task", title="Run the tests", command="echo all well; sleep 1000", status=Status.TODO)
    with workers_of(board) as workers:
        workers.add("worker-1")
        async with open_board(board) as hands:
            await hands.press("Q")
            await hands.until(lambda: runs_of(board, task.id))
            await hands.until(lambda: "»" in hands.text)
            await hands.press("6")
            pilot = hands.pilot
            await shown(pilot, "Run the tests", "waits for a free worker")
            async with dispatching(board.database):
                await shown(pilot, "running", "worker-1", "all well", "1 of 1 places busy")
                await pilot.press("p")
                await shown(pilot, "paused")
                await pilot.press("p")
                await shown(pilot, "► running")
                await pilot.press("c")
                await shown(pilot, "Cancel #1 Run the tests?")
                await pilot.press("y")
                await until(pilot, lambda: runs_of(board, task.id)[0].state is RunState.CANCELLED)
                await shown(pilot, "cancelled")
                await pilot.press("r")
                await until(pilot, lambda: len(runs_of(board, task.id)) == 2)


async def test_a_command_of_an_agent_is_approved_where_it_waits(board: User, bob: User):
    task = bob.call("create_task", title="Clean up", command="rm -rf build")
    bob.call("queue_task", task=task.id)
    async with open_app(board, size=(160, 40)) as pilot:
        await shown(pilot, "approve?", "1 waits")
        await pilot.press("exclamation_mark")
        await shown(pilot, "waits for your approval", "An agent has set this command")
        await pilot.press("a")
        await shown(pilot, "Let the command of #1 run?", "rm -rf build")
        await pilot.press("y")
        await until(pilot, lambda: board.call("get_task", task="#1").task.command_approved)
        await shown(pilot, "waits for a free worker")


async def test_the_queue_is_held_and_goes_on(board: User):
    board.call("queue_task", task=board.call("create_task", title="Test", command="true").id)
    async with open_app(board, size=(160, 40)) as pilot:
        await pilot.press("6")
        await pilot.press("P")
        await shown(pilot, "PAUSED", "the queue is paused")
        await pilot.press("P")
        await until(pilot, lambda: not board.call("get_room").queue_paused)
        await shown(pilot, "waits for a free worker")


async def test_the_task_tells_of_its_runs(board: User):
    task = board.call("create_task", title="Fail", command="echo broken; exit 3", status=Status.TODO)
    with workers_of(board) as workers:
        workers.add("worker-1")
        async with dispatching(board.database):
            board.call("queue_task", task=task.id)
            async with open_app(board, size=(160, 50)) as pilot:
                await shown(pilot, "✗ failed")
                await pilot.press("6")
                await shown(pilot, "exit code 3", "broken")
                await pilot.press("t")
                await shown(pilot, "Runs", "1. ✗ failed", "exit code 3")


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_boxes_show_a_part(board: User, size: tuple[int, int]):
    first = board.call("create_task", title="Waits", command="true")
    over = board.call("create_task", title="Over", command="true")
    board.call("queue_task", task=first.id)
    board.call("cancel_run", run=board.call("queue_task", task=over.id).id)
    async with open_app(board, size=size) as pilot:
        await pilot.press("6")
        await shown(pilot, "#1 Waits", "#2 Over")
        await pilot.press("tab")
        await shown(pilot, "#1 Waits")
        await pilot.press("tab")
        await shown(pilot, "Nothing is in this box.")


async def test_what_begins_next_stands_on_top_and_what_has_to_wait_below(board: User):
    for title, priority in (("Common", Priority.NORMAL), ("Urgent", Priority.URGENT), ("Held", Priority.URGENT)):
        task = board.call("create_task", title=title, command="true", priority=priority)
        run = board.call("queue_task", task=task.id)
        if title == "Held":
            board.call("pause_run", run=run.id)
    async with open_app(board, size=(160, 40)) as pilot:
        await pilot.press("6")
        await shown(pilot, "Common", "Urgent", "Held")
        rows = [line for line in screen_text(pilot).splitlines() if " » " in line or "held" in line]
        assert [row.split()[3] for row in rows[:3]] == ["Urgent", "Common", "Held"]


async def test_however_many_wait_all_are_counted_and_the_first_of_them_is_shown(board: User):
    tasks = [board.call("create_task", title=f"Task {number}", command="true").id for number in range(520)]
    for start in range(0, len(tasks), 130):
        board.call("queue_tasks", tasks=tuple(tasks[start : start + 130]))
    async with open_app(board, size=(160, 40)) as pilot:
        await pilot.press("6")
        await shown(pilot, "Unfinished 520", "#1 Task 0")
        board.call("cancel_run", run=runs_of(board, tasks[0])[0].id)
        await shown(pilot, "Unfinished 519")


async def test_the_facts_of_a_run_stand_in_line_in_japanese_too(board: User, home: Home):
    home.config.write_text("language: ja\n")
    task = board.call("create_task", title="Test", command="make all")
    board.call("queue_task", task=task.id)
    try:
        async with open_app(board, size=(200, 50)) as pilot:
            await pilot.press("6")
            await shown(pilot, "コマンド", "make all", "待ち")
            lines = screen_text(pilot).splitlines()
            found = [re.match(r"[^│]*│ (\S+ +)\S", line) for line in lines]
            starts = [cells.width(each[1]) for each in found if each and each[1].startswith(("コマンド ", "試行 "))]
            assert len(starts) == 2
            assert starts[0] == starts[1]
    finally:
        set_language("en")


async def test_a_toast_says_how_a_command_ended_not_that_the_program_failed(board: User):
    task = board.call("create_task", title="Fail", command="exit 3", status=Status.TODO)
    with workers_of(board) as workers:
        workers.add("worker-1")
        async with dispatching(board.database), open_app(board) as pilot:
            board.call("queue_task", task=task.id)
            said = "The command of #1 Fail failed."
            await until(pilot, lambda: any(said in note.text for note in app_of(pilot).notes))


async def test_a_run_whose_time_has_come_moves_up_by_itself(board: User):
    later = board.call("create_task", title="Later", command="true", priority=Priority.URGENT)
    now = board.call("create_task", title="Now", command="true")
    board.call("queue_task", task=later.id, delay_seconds=3)
    board.call("queue_task", task=now.id)
    async with open_app(board, size=(160, 40)) as pilot:
        await pilot.press("6")
        await shown(pilot, "begins in")
        text = screen_text(pilot)
        assert text.index("Now") < text.index("Later")
        await until(pilot, lambda: (text := screen_text(pilot)).index("Later") < text.index("Now"))


async def test_many_changes_at_once_are_all_shown_in_the_end(board: User):
    tasks = [board.call("create_task", title=f"Task {number}", command="true").id for number in range(12)]
    async with open_app(board, size=(160, 40)) as pilot:
        await pilot.press("6")
        await shown(pilot, "Nothing has been queued yet.")
        for task in tasks:
            board.call("queue_task", task=task)
        await shown(pilot, "Unfinished 12", *(f"Task {number}" for number in range(12)))
        for task in tasks[:5]:
            board.call("cancel_run", run=runs_of(board, task)[-1].id)
        await shown(pilot, "Unfinished 7")


async def test_the_board_shows_what_has_become_true_while_the_queue_was_shown(board: User, bob: User):
    board.call("create_task", title="There before", status=Status.TODO)
    async with open_app(board, size=(160, 40)) as pilot:
        await shown(pilot, "There before")
        await pilot.press("6")
        await shown(pilot, "Nothing has been queued yet.")
        task = bob.call("create_task", title="Made meanwhile", status=Status.TODO)
        bob.call("move_task", task=task.id, to=Status.REVIEW)
        tasks = app_of(pilot).state.tasks
        await until(pilot, lambda: task.id in tasks and tasks[task.id].status is Status.REVIEW)
        await pilot.press("1")
        await shown(pilot, "There before", "Made meanwhile")
