"""The alerts' screen: what asks for the person, put away and followed up; told once."""

from datetime import timedelta

import pytest

from core.alerts.findings import Finding, found, over
from storage import AlertSeverity, Role, utc_now
from tests.support.app import app_of, open_app, screen_text, shown, until
from tests.support.outputs import Printing, add_process
from tests.support.users import User
from tui.attention import Cause
from tui.screens.log import LogScreen
from tui.screens.task import TaskScreen

DISK = Finding(
    rule="disk_full", subject="/", message="The disk is nearly full.", hint="Free some space.",
    severity=AlertSeverity.CRITICAL,
)  # fmt: skip


@pytest.fixture
def program(board: User) -> User:
    return User(board.database, "wezterm-parallel", room=board.room, role=Role.SYSTEM)


async def test_without_alerts_it_says_what_would_be_here(board: User) -> None:
    async with open_app(board, size=(80, 24)) as pilot:
        await pilot.press("8")
        await shown(pilot, "All is well.", "config.yaml")


async def test_a_new_alert_is_told_once_and_waits_until_it_is_acknowledged(board: User, program: User) -> None:
    async with open_app(board) as pilot:
        app = app_of(pilot)
        program.call("note_alerts", findings=(DISK,))
        await until(pilot, lambda: any("The disk is nearly full." in note.text for note in app.notes))
        assert [each.cause for each in app.waiting] == [Cause.ALERT]
        told = len(app.notes)
        program.call("note_alerts", findings=(DISK,))
        await pilot.press("exclamation_mark")
        await shown(pilot, "Alerts", "critical", "The disk is nearly full.")
        assert len(app.notes) == told
        await pilot.press("a")
        await until(pilot, lambda: not app.waiting)
        await shown(pilot, "Nothing asks for you.")
        await pilot.press("tab")
        await shown(pilot, "(seen) The disk")
        await pilot.press("u")
        await until(pilot, lambda: bool(app.waiting))


async def test_a_muted_alert_is_quiet(board: User, program: User) -> None:
    program.call("note_alerts", findings=(DISK,))
    async with open_app(board) as pilot:
        app = app_of(pilot)
        await pilot.press("8", "m")
        await until(pilot, lambda: app.screen.is_modal)
        await pilot.press("enter")
        await until(pilot, lambda: not app.waiting and not app.screen.is_modal)
        await pilot.press("tab")
        await shown(pilot, "(muted) The disk")


async def test_the_worst_stands_first_and_what_was_resolved_is_in_its_box(board: User, program: User) -> None:
    mild = Finding(rule="backup_old", message="No backup.", severity=AlertSeverity.INFO)
    program.call("note_alerts", findings=(DISK,))
    program.call("note_alerts", findings=(mild,))
    async with open_app(board, size=(200, 40)) as pilot:
        await pilot.press("8")
        await shown(pilot, "disk nearly full", "backup too old")
        lines = screen_text(pilot).splitlines()
        rows = [index for index, line in enumerate(lines) if "✗ critical" in line or "· info" in line]
        assert "critical" in lines[rows[0]]
        await pilot.press("x")
        await until(pilot, lambda: len(app_of(pilot).state.alerts) == 1)
        await pilot.press("shift+tab")
        await shown(pilot, "The disk is nearly full.", "Over since")


async def test_how_often_it_was_seen_is_shown_though_no_event_tells(board: User, program: User) -> None:
    program.call("note_alerts", findings=(DISK,))
    async with open_app(board) as pilot:
        await pilot.press("8")
        await shown(pilot, "1×")
        program.call("note_alerts", findings=(DISK,))
        await shown(pilot, "2×")


async def test_one_goes_to_the_task_and_to_the_log_of_the_process(board: User, program: User) -> None:
    task = board.call("create_task", title="Poison")
    process = add_process(board, "web")
    Printing(board, process).say("the last words of web")
    program.call("note_alerts", findings=(
        Finding(rule="quarantined", subject=task.id, message="A task.", severity=AlertSeverity.CRITICAL),
        Finding(rule="process_failed", subject=process.id, message="web failed."),
    ))  # fmt: skip
    async with open_app(board) as pilot:
        app = app_of(pilot)
        await pilot.press("8")
        await shown(pilot, "A task.", "web failed.")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TaskScreen))
        await pilot.press("escape")
        await shown(pilot, "web failed.")
        await pilot.press("down", "l")
        await until(pilot, lambda: isinstance(app.screen, LogScreen))
        await shown(pilot, "the last words of web")


async def test_an_alert_whose_mute_ends_asks_again_before_ones_eyes(
    board: User, program: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.call("note_alerts", findings=(DISK,))
    alert = board.call("list_alerts")[0]
    board.call("mute_alerts", alerts=(alert.id,), minutes=10)
    async with open_app(board) as pilot:
        await pilot.press("8")
        await shown(pilot, "Nothing asks for you.")
        later = utc_now() + timedelta(minutes=11)
        monkeypatch.setattr("tui.screens.alerts.utc_now", lambda: later)
        await shown(pilot, "The disk is nearly full.")


async def test_what_was_over_last_stands_first_and_open_ones_are_counted_however_many_are_over(
    board: User, program: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.alerts.MOST_OVER", 3)
    program.call("note_alerts", findings=(DISK,))
    services = [found("service_failed", f"service-{number}", service=f"service-{number}") for number in range(6)]
    program.call("note_alerts", findings=tuple(services))
    for each in (3, 1, 5, 0, 2, 4):
        program.call("note_alerts", findings=(over("service_failed", f"service-{each}"),))
    program.call("note_alerts", findings=(DISK,))
    async with open_app(board, size=(160, 40)) as pilot:
        await pilot.press("8")
        await shown(pilot, "2×", "The disk is nearly full.")
        await pilot.press("shift+tab")
        await shown(pilot, "service-4", "service-2", "service-0")
        rows = [line for line in screen_text(pilot).splitlines() if "has failed" in line]
        assert [row.partition("service-")[2][0] for row in rows[:3]] == ["4", "2", "0"]


async def test_what_was_put_away_is_told_with_the_way_back(board: User, program: User) -> None:
    program.call("note_alerts", findings=(DISK, found("queue_old", span=600)))
    async with open_app(board) as pilot:
        app = app_of(pilot)
        await pilot.press("8", "m")
        await until(pilot, lambda: app.screen.is_modal)
        await pilot.press("enter")
        await until(pilot, lambda: any(note.text.startswith("Muted until ") for note in app.notes))
        await pilot.press("A")
        await until(pilot, lambda: any(note.text == "Acknowledged 1 alert." for note in app.notes))
        await until(pilot, lambda: not app.waiting)
        await pilot.press("A")
        await until(pilot, lambda: any(note.text == "Nothing asks for you." for note in app.notes))
        await pilot.press("u")
        await until(pilot, lambda: len(app.waiting) == 1)
