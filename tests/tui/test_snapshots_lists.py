"""Queue, metrics, alerts and log as pictures, at 80×24 and 200×50, with fixed data, time and theme.

After a wanted change of looks: `pytest tests/tui/test_snapshots_lists.py --snapshot-update`, and look at them.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from textual.pilot import Pilot

from core.agents.expiry import PROGRAM
from core.alerts.findings import Finding, found, over
from core.metrics.series import Span
from core.operations.settled import RunEnd, RunStart
from storage import AgentKind, AlertSeverity, Priority, Process, ProcessKind, ProcessState, Role, RunState
from tests.support.app import app_of, shown, until
from tests.support.measured import fill_metrics, note_state
from tests.support.outputs import Printing, add_process
from tests.support.pictures import NOW, Prepare, Snap, fixed_moment, snapping
from tests.support.users import User
from tui.screens.log import LogScreen
from tui.screens.metrics import MetricsScreen
from tui.translation import set_language

pytestmark = pytest.mark.no_cover  # pictures run nothing that the other tests do not

SIZES = [(80, 24), (200, 50)]


@pytest.fixture(autouse=True)
def one_moment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with fixed_moment(monkeypatch):
        yield
    set_language("en")


SEEN_AT = NOW + timedelta(hours=26)
"""When the pictures are taken; the room is made at `NOW`, and no event can be older."""


def ago(minutes: float) -> Any:
    """What is done within happened so many minutes before the picture."""
    return time_machine.travel(SEEN_AT - timedelta(minutes=minutes), tick=False)


@pytest.fixture
def room(board: User) -> Iterator[User]:
    """A room with processes and their output, a quarter of an hour of measures, runs in all states, and alerts."""
    _old_alerts(board)
    with ago(235):
        web, db = (note_state(board, add_process(board, name), ProcessState.READY) for name in ("web", "データベース"))
        old = note_state(board, add_process(board, "import"), ProcessState.EXITED)
    _queue(board)
    _alerts(board, web)
    _print(board, web, db)
    with ago(0):
        fill_metrics(board.database.home, web.room_id, [web.id, db.id, old.id], seconds=900)
        yield board


def _queue(board: User) -> None:
    program = User(board.database, PROGRAM.name, room=board.room)
    program.actor = PROGRAM
    claude = User(board.database, "claude", room=board.room, role=Role.AGENT, kind=AgentKind.AI)
    with ago(234):
        made = board.call("add_process", name="worker", kind=ProcessKind.WORKER, capacity=2)[0].process
        worker = note_state(board, made, ProcessState.READY, runner="r1")
    minutes = iter(range(230, 100, -8))

    def run_of(title: str, command: str, *, by: User = board, **more: Any) -> Any:
        with ago(next(minutes)):
            task = by.call("create_task", title=title, command=command, **more)
            return by.call("queue_task", task=task.id)

    def begun(title: str, command: str) -> Any:
        run = run_of(title, command)
        with ago(next(minutes)):
            program.call("settle_runs", starts=(RunStart(run.id, worker.id, worker.runner or ""),))
        return run

    def ended(run: Any, state: RunState, **how: Any) -> None:
        with ago(next(minutes)):
            program.call("settle_runs", ends=(RunEnd(run=run.id, lease=worker.runner, state=state, **how),))

    ended(begun("Build the documentation", "make docs"), RunState.SUCCEEDED, exit_code=0, output="built in 12 s")
    links = begun("Check the links of the site", "lychee --no-progress docs")
    output = "\n".join(["docs/a.md ok", "docs/b.md ok", "\x1b[31mdocs/c.md: 3 links broken\x1b[0m"])
    ended(links, RunState.FAILED, exit_code=2, output=output)
    begun("Run the tests of the login", "pytest tests/login -q")
    run_of("日本語の説明書を作る", "make docs-ja", priority=Priority.URGENT)
    run_of("Publish the preview", "make preview")
    run_of("Clean the build folder", "rm -rf build dist", by=claude)


def _print(board: User, web: Process, db: Process) -> None:
    outputs = Printing(board, web), Printing(board, db)
    for number in range(40):
        with ago(1 - number / 60):
            if number % 3:
                outputs[0].say(f"\x1b[32mGET\x1b[0m /page/{number} 200 in {number % 7} ms")
            else:
                outputs[1].say(f"接続 {number} を受け付けました")


def _note(board: User, minutes: float, *findings: Finding) -> None:
    with ago(minutes):
        User(board.database, "wezterm-parallel", room=board.room, role=Role.SYSTEM).call(
            "note_alerts", findings=findings
        )


def _old_alerts(board: User) -> None:
    _note(board, 1500, found("backup_none", severity=AlertSeverity.INFO, span=7 * 86_400))
    _note(board, 300, found("service_failed", "sync", service="sync"))
    _note(board, 240, over("service_failed", "sync"))


def _alerts(board: User, web: Process) -> None:
    _note(board, 90, found("process_failed", web.id, name="web", reason="exit code 3"))
    _note(board, 45, found("disk_full", "/", severity=AlertSeverity.CRITICAL, disk="/", percent="97", free="500"))
    for minutes in (30, 20, 10):
        _note(board, minutes, found("crash_loop", web.id, name="web", count=3, span=300))
    _note(board, 9, found("log_pattern", web.id, name="web", pattern="panic", line="panic: a connection was lost"))
    with ago(8):
        pattern = next(each for each in board.call("list_alerts") if each.rule == "log_pattern")
        board.call("acknowledge_alerts", alerts=(pattern.id,))


@pytest.fixture
def snap(room: User, snap_compare: Any) -> Iterator[Snap]:
    with snapping(room, snap_compare) as compare:
        yield compare


@pytest.fixture
def japanese(room: User) -> None:
    room.database.home.config.write_text("language: ja\n")


@pytest.fixture
def snap_empty(board: User, snap_compare: Any) -> Iterator[Snap]:
    with snapping(board, snap_compare) as compare:
        yield compare


async def queue(pilot: Pilot[Any]) -> None:
    await pilot.press("6")
    await shown(pilot, "Run the tests of the login", "pytest tests/login -q")


async def queue_failed(pilot: Pilot[Any]) -> None:
    await queue(pilot)
    await pilot.press("shift+tab", "enter")
    await shown(pilot, "docs/c.md")


async def alerts(pilot: Pilot[Any]) -> None:
    await pilot.press("8")
    await shown(pilot, "✗ ", "3×")


async def alerts_light(pilot: Pilot[Any]) -> None:
    await app_of(pilot).change_settings(theme="wezterm-parallel-light")
    await alerts(pilot)
    await pilot.press("tab", "j")


async def metrics(pilot: Pilot[Any]) -> None:
    await pilot.press("7")
    await _show_span(pilot, Span.MINUTES_15)
    await pilot.press("H", "left")


async def metrics_processes(pilot: Pilot[Any]) -> None:
    await pilot.press("7", "tab", "m")
    await _show_span(pilot, Span.MINUTES_15)
    await shown(pilot, "import", "web")


async def metrics_flow(pilot: Pilot[Any]) -> None:
    await pilot.press("7", "shift+tab")
    await _show_span(pilot, Span.HOURS_6)
    await until(pilot, lambda: _metrics(pilot)._picture.flow)


async def _show_span(pilot: Pilot[Any], span: Span) -> None:
    """Show a range, whichever the screen has begun with."""
    spans = list(Span)
    await until(pilot, lambda: _metrics(pilot)._picture is not None)
    while (shown_now := _metrics(pilot)._picture.span) != span:
        wanted = spans[spans.index(shown_now) + (1 if spans.index(shown_now) < spans.index(span) else -1)]
        await pilot.press("minus" if spans.index(wanted) > spans.index(shown_now) else "plus")
        await until(pilot, lambda wanted=wanted: _metrics(pilot)._picture.span == wanted)


def _metrics(pilot: Pilot[Any]) -> Any:
    assert isinstance(pilot.app.screen, MetricsScreen)
    return pilot.app.screen


async def log(pilot: Pilot[Any]) -> None:
    await pilot.app.push_screen(LogScreen())
    await shown(pilot, "/page/38", "39")
    await pilot.press("slash")
    await until(pilot, lambda: app_of(pilot).screen.is_modal)
    await pilot.press(*"page/3[0-9]", "enter")
    await shown(pilot, "/page/3[0-9]", "/page/38")


SCENES = [queue, queue_failed, alerts, alerts_light, metrics, metrics_processes, metrics_flow, log]
JAPANESE_SCENES = [queue, alerts, metrics_flow]
EMPTY_SCENES = {"6": "Nothing has been queued yet.", "8": "All is well."}


def named(scenes: Sequence[Prepare]) -> list[str]:
    return [each.__name__ for each in scenes]


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "200x50"])
@pytest.mark.parametrize("scene", SCENES, ids=named(SCENES))
def test_what_goes_on_looks_as_it_should(snap: Snap, scene: Prepare, size: tuple[int, int]) -> None:
    snap(scene, size)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "200x50"])
@pytest.mark.parametrize("scene", JAPANESE_SCENES, ids=named(JAPANESE_SCENES))
def test_it_looks_as_it_should_in_japanese(japanese: None, snap: Snap, scene: Prepare, size: tuple[int, int]) -> None:
    snap(scene, size)


@pytest.mark.parametrize("key", EMPTY_SCENES)
def test_an_empty_list_says_what_to_do(snap_empty: Snap, key: str) -> None:
    async def scene(pilot: Pilot[Any]) -> None:
        await pilot.press(key)
        await shown(pilot, EMPTY_SCENES[key])

    snap_empty(scene, (80, 24))
