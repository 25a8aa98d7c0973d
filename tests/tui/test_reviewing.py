"""Reviews on the board and on the task's screen: what an agent left, approved or sent back."""

from textual.widgets import TextArea

from storage import Ending, Finish, Status
from tests.support.app import caught_up, open_app, screen_text, shown, until
from tests.support.boards import open_board
from tests.support.crew import Worker
from tests.support.users import User
from tui.dialogs import AskText, ConflictDialog
from tui.screens.task import TaskScreen
from tui.submit import submit


def reported(board: User, title: str = "Fix login") -> Worker:
    """A card in review with its result, and who reported it."""
    worker = Worker(board, "ann")
    card = board.add(title, status="todo")
    worker.call("claim_next", task=card)
    worker.call(
        "finish_task", task=card, finish=Finish.COMPLETE, summary="Works now.\n\nTry `make login`.",
        files=("login.py", "test_login.py"), branch="fix-login", output="line one\n12 passed",
    )  # fmt: skip
    return worker


async def test_r_approves_the_card_under_the_cursor(board: User) -> None:
    reported(board)
    async with open_board(board) as hands:
        await hands.press("exclamation_mark", "r")
        await hands.until(lambda: hands.titles("done") == ["Fix login"])
        assert board.see("1").status is Status.DONE
        await hands.press("u")
        await hands.until(lambda: hands.titles("review") == ["Fix login"])


async def test_a_selection_is_approved(board: User) -> None:
    for title in ("A", "B"):
        board.add(title, status="review")
    async with open_board(board) as hands:
        await hands.press("exclamation_mark", "v", "j", "v", "r")
        await hands.until(lambda: sorted(hands.titles("done")) == ["A", "B"])


async def test_sending_back_asks_what_is_missing_and_leaves_it_as_a_comment(board: User) -> None:
    reported(board)
    async with open_board(board) as hands:
        await hands.press("exclamation_mark", "R")
        assert isinstance(hands.app.screen, AskText)
        hands.app.screen.query_one(TextArea).text = "The button is missing."
        await hands.press("ctrl+s")
        await hands.until(lambda: hands.titles("todo") == ["Fix login"])
        detail = board.call("get_task", task="1")
        assert [comment.body for comment in detail.comments] == ["The button is missing."]


async def test_a_card_that_is_not_in_review_is_not_approved(board: User) -> None:
    board.add("Fix login", status="todo")
    async with open_board(board) as hands:
        await hands.press("r")
        assert hands.app.notes[-1].text == "#1 is not in review; it stands in Todo."
        await hands.press("R")
        assert not hands.app.screen.is_modal


async def test_who_approves_over_anothers_move_is_asked(board: User, alice: User) -> None:
    reported(board)
    async with open_board(board) as hands:
        base = board.see("1")
        alice.move(base, Status.TODO)
        worker = hands.app.run_worker(submit(hands.app, "approve_task", base), exit_on_error=False)
        await hands.until(lambda: isinstance(hands.app.screen, ConflictDialog))
        await hands.press("t", "enter")
        await worker.wait()
        assert board.see("1").status is Status.TODO


async def test_the_task_shows_the_whole_result_and_is_approved_there(board: User) -> None:
    reported(board)
    async with open_app(board) as pilot:
        await shown(pilot, "Fix login")
        await pilot.press("exclamation_mark", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, TaskScreen))
        await shown(
            pilot, "Completed", "Works now.", "Try `make login`.", "fix-login", "login.py, test_login.py", "12 passed",
            "Approve", "Send back",
        )  # fmt: skip
        await pilot.press("r")
        await until(pilot, lambda: board.see("1").status is Status.DONE)
        await caught_up(pilot)
        await until(pilot, lambda: "Send back" not in screen_text(pilot))


async def test_the_task_says_who_has_claimed_it_and_who_left_it(board: User) -> None:
    worker = Worker(board, "ann")
    worker.call("claim_next", task=board.add("Fix login", status="todo"))
    async with open_app(board) as pilot:
        await shown(pilot, "Fix login")
        await pilot.press("enter")
        await shown(pilot, "Claimed by", "ann, ")
        board.call("end_session", session=worker.session, reason="gone")
        await shown(pilot, "ann left it without a report", "stopped without reporting: gone")
        assert board.see("1").result.ending is Ending.ABANDONED  # type: ignore[union-attr]
