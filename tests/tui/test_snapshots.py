"""Every screen as a picture, at 80×24 and 160×45, with fixed data, time and theme.

After a wanted change of looks: `pytest tests/tui/test_snapshots.py --snapshot-update`, and look at the pictures.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from storage import AgentState, Finish, Priority, Status
from tests.support.app import app_of, shown, until
from tests.support.crew import Worker
from tests.support.pictures import Prepare, Snap, fixed_moment, snapping
from tests.support.users import User
from tui.dialogs import (
    AgentForm,
    AskLine,
    AskText,
    Choice,
    Confirm,
    ConflictDialog,
    HandoffForm,
    Pick,
    TaskForm,
)
from tui.messages import Severity
from tui.screens.handoffs import HandoffsScreen
from tui.screens.help import HelpScreen
from tui.screens.task import TaskScreen
from tui.translation import set_language
from tui.wording import Names

pytestmark = pytest.mark.no_cover  # pictures run nothing that the other tests do not

SIZES = [(80, 24), (160, 45)]


@pytest.fixture(autouse=True)
def one_moment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with fixed_moment(monkeypatch):
        yield


@pytest.fixture
def room(board: User, alice: User, bob: User) -> User:
    """A room in which something goes on."""
    board.call("update_room", wip={Status.IN_PROGRESS: 2})
    design = board.add("Design the login page", status="done", labels=("ui",))
    database = board.add("Set up the database", status="done", priority=Priority.HIGH)
    form = bob.add(
        "Write the login form", status="in_progress", labels=("ui", "auth"), priority=Priority.HIGH,
        dependencies=(design, database), due=date(2026, 12, 1), estimate_minutes=150,
        description="# Goal\n\nA form with **two** fields:\n\n- name\n- password\n\n> Mind the contrast.",
    )  # fmt: skip
    bob.call("assign_task", task=form, to="me")
    board.add("日本語のタスク：一覧を表示する", status="todo", priority=Priority.URGENT, due=date(2026, 11, 19))
    release = board.add("Release 1.0", dependencies=(form,))
    board.add("Announce it", dependencies=(release,), priority=Priority.LOW)
    keys = alice.add("Get the signing keys", status="todo", labels=("ops",))
    alice.call("move_task", task=keys, to=Status.BLOCKED, reason="the notary is on holiday")
    alice.add("Review the [bold]API[/bold]", status="review")
    bob.comment(form, "Started with the **fields**; the button comes next.")
    board.comment(form, "Fine.")
    board.edit(form, title="Write the form of the login")
    return board


@pytest.fixture
def crew(room: User) -> User:
    """Agents at work in the room: one asks, one works, one has left its card; handoffs wait for an answer."""
    asking = Worker(room, "claude-api", description="Builds the HTTP API.", skills=("api", "review"))
    working, leaving = Worker(room, "claude-ui"), Worker(room, "codex-tests")
    cards = [room.add(title, status="todo", labels=("api",)) for title in ("Rate limit", "Dark theme", "Run on macOS")]
    for worker, card in zip((asking, working, leaving), cards, strict=True):
        worker.call("claim_next", task=card)
    done = room.add("Reset the password", status="todo")
    working.call("claim_next", task=done)
    working.call(
        "finish_task", task=done, finish=Finish.COMPLETE, branch="reset",
        summary="Mails a link that lives for an hour.\n\nTry it: `make mail`.",
        files=("auth/reset.py", "tests/test_reset.py"), output="tests/test_reset.py ....\n4 passed in 0.4 s",
    )  # fmt: skip
    working.call(
        "create_handoff", task=cards[1], to_agent=asking.agent, summary="The dark one is there, the light one is not.",
        next_steps=("Draw the light one", "Look at it in 16 colours"), warnings=("NO_COLOR keeps backgrounds",),
        failed_approaches=("Inverting the dark one",), files=("tui/themes.py",), branch="themes",
    )  # fmt: skip
    room.call("end_session", session=leaving.session, reason="the terminal was closed")
    asking.is_seen(AgentState.WAITING, "May I delete migrations/0007_users.py? It has never been released.", calls=42)
    working.is_seen(AgentState.WORKING, "Edit web/board.tsx", seconds_ago=12, calls=1_118)
    return room


@pytest.fixture
def snap(room: User, snap_compare: Any) -> Iterator[Snap]:
    """Compare the app, brought to where it should be, with its stored picture."""
    with snapping(room, snap_compare) as compare:
        yield compare


async def board(pilot: Pilot[Any]) -> None:
    await shown(pilot, "Release 1.0")


async def board_carrying(pilot: Pilot[Any]) -> None:
    await shown(pilot, "Release 1.0")
    await pilot.press("space", "l")


async def board_light(pilot: Pilot[Any]) -> None:
    await app_of(pilot).change_settings(theme="wezterm-parallel-light")
    await shown(pilot, "Release 1.0")


async def task(pilot: Pilot[Any]) -> None:
    await pilot.app.push_screen(TaskScreen(_form(pilot).id))
    await shown(pilot, "#3  Write the form")


async def task_below(pilot: Pilot[Any]) -> None:
    await task(pilot)
    await pilot.press("G")


async def task_past(pilot: Pilot[Any]) -> None:
    await task(pilot)
    await pilot.press("left_square_bracket")
    await shown(pilot, "As it was at version")


async def history(pilot: Pilot[Any]) -> None:
    await pilot.press("2")
    await shown(pilot, "Write the login form →")


async def history_past(pilot: Pilot[Any]) -> None:
    await history(pilot)
    await pilot.press("j", "j", "j", "t")
    await shown(pilot, "The board after event")


async def help_of_the_board(pilot: Pilot[Any]) -> None:
    await pilot.press("question_mark")
    await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
    await shown(pilot, "⏎  space  m")


async def messages(pilot: Pilot[Any]) -> None:
    app_of(pilot).tell("Merged with bob's change of labels.")
    app_of(pilot).tell("#3 cannot go.", severity=Severity.ERROR, hint="Move it to todo first.")
    app_of(pilot).clear_notifications()
    await pilot.press("f2")
    await shown(pilot, "cannot go")


async def settings(pilot: Pilot[Any]) -> None:
    await pilot.press("f3")
    await shown(pilot, "toast seconds")


async def palette(pilot: Pilot[Any]) -> None:
    await pilot.press("ctrl+p")
    await until(pilot, lambda: pilot.app.screen.query("CommandList"))
    pilot.app.screen.query_one(Input).value = "theme: w"
    await shown(pilot, "Theme: wezterm-parallel-light")


async def form(pilot: Pilot[Any]) -> None:
    pilot.app.push_screen(TaskForm(_form(pilot), app_of(pilot).state))
    await until(pilot, lambda: pilot.app.focused)


async def conflict(pilot: Pilot[Any]) -> None:
    app = app_of(pilot)
    theirs = _form(pilot)
    with app.desk.database.read() as rows:
        changes = rows.events(entity_id=theirs.id)[-1:]
    mine = {"title": "Write the login", "labels": ("ui",)}
    pilot.app.push_screen(ConflictDialog(theirs, theirs, mine, changes, Names(app.state)))
    await until(pilot, lambda: pilot.app.focused)
    await pilot.press("right")


async def small_dialogs(pilot: Pilot[Any]) -> None:
    labels = [Choice("ui", "ui", "2 cards"), Choice("ops", "ops")]
    pilot.app.push_screen(Pick("Labels", labels, multiple=True, selected=["ui"]))
    await until(pilot, lambda: pilot.app.focused)


async def confirm(pilot: Pilot[Any]) -> None:
    pilot.app.push_screen(Confirm("Archive #3?", "Write the form of the login", yes="Archive"))
    await until(pilot, lambda: pilot.app.focused)


async def ask_line(pilot: Pilot[Any]) -> None:
    pilot.app.push_screen(AskLine("Name of the filter", initial="mine"))
    await until(pilot, lambda: pilot.app.focused)


async def ask_text(pilot: Pilot[Any]) -> None:
    pilot.app.push_screen(AskText("Comment on #3", initial="A remark\nof two lines"))
    await until(pilot, lambda: pilot.app.focused)


async def agents(pilot: Pilot[Any]) -> None:
    await pilot.press("3")
    await shown(pilot, "waiting · hook")
    await until(pilot, lambda: pilot.app.screen._events)


async def agents_detail(pilot: Pilot[Any]) -> None:
    await agents(pilot)
    await pilot.press("enter")


async def agents_light(pilot: Pilot[Any]) -> None:
    await app_of(pilot).change_settings(theme="wezterm-parallel-light")
    await agents(pilot)


async def agents_japanese(pilot: Pilot[Any]) -> None:
    await pilot.press("3")
    await shown(pilot, "待機中 · フック")
    await until(pilot, lambda: pilot.app.screen._events)


async def agent_form(pilot: Pilot[Any]) -> None:
    await agents(pilot)
    await pilot.press("e")
    await until(pilot, lambda: isinstance(pilot.app.screen, AgentForm) and pilot.app.focused)


async def handoffs(pilot: Pilot[Any]) -> None:
    await pilot.press("4")
    await until(pilot, lambda: isinstance(pilot.app.screen, HandoffsScreen))
    await shown(pilot, "claude-ui → claude-api")


async def handoffs_detail(pilot: Pilot[Any]) -> None:
    await handoffs(pilot)
    await pilot.press("enter")


async def handoff_form(pilot: Pilot[Any]) -> None:
    await board(pilot)
    await pilot.press("o")
    await until(pilot, lambda: isinstance(pilot.app.screen, HandoffForm) and pilot.app.focused)


async def board_badges(pilot: Pilot[Any]) -> None:
    await board(pilot)
    await pilot.press("exclamation_mark", "1")
    await pilot.press("l", "l")


async def task_result(pilot: Pilot[Any]) -> None:
    found = next(each for each in app_of(pilot).state.tasks.values() if each.title == "Reset the password")
    await pilot.app.push_screen(TaskScreen(found.id))
    await shown(pilot, "4 passed")


def _form(pilot: Pilot[Any]) -> Any:
    found = app_of(pilot).state.by_number(3)
    assert found is not None
    return found


SCENES = [
    board, board_carrying, board_light, task, task_below, task_past, history, history_past, help_of_the_board, messages,
    settings, palette, form, conflict, small_dialogs, confirm, ask_line, ask_text,
]  # fmt: skip
JAPANESE_SCENES = [board, board_carrying, task, history, help_of_the_board, form, conflict]


CREW_SCENES = [
    agents, agents_detail, agents_light, agent_form, handoffs, handoffs_detail, handoff_form, board_badges, task_result,
]  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
@pytest.mark.parametrize("scene", CREW_SCENES, ids=[scene.__name__ for scene in CREW_SCENES])
def test_agents_at_work_look_as_they_should(crew: User, snap: Snap, scene: Prepare, size: tuple[int, int]) -> None:
    snap(scene, size)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "160x45"])
@pytest.mark.parametrize("scene", SCENES, ids=[scene.__name__ for scene in SCENES])
def test_it_looks_as_it_should(snap: Snap, scene: Prepare, size: tuple[int, int]) -> None:
    snap(scene, size)


@pytest.fixture
def japanese(room: User) -> Iterator[None]:
    """The person's settings ask for Japanese, whose characters take two cells."""
    room.database.home.config.write_text("language: ja\n")
    yield
    set_language("en")


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "160x45"])
@pytest.mark.parametrize("scene", JAPANESE_SCENES, ids=[scene.__name__ for scene in JAPANESE_SCENES])
def test_it_looks_as_it_should_in_japanese(japanese: None, snap: Snap, scene: Prepare, size: tuple[int, int]) -> None:
    snap(scene, size)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
@pytest.mark.parametrize("scene", [agents_japanese, handoffs], ids=["agents", "handoffs"])
def test_agents_look_as_they_should_in_japanese(
    crew: User, japanese: None, snap: Snap, scene: Prepare, size: tuple[int, int]
) -> None:
    snap(scene, size)
