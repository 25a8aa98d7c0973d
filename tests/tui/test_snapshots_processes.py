"""The process screen and all that hangs on it as pictures, at 80×24 and 200×50, with fixed data, time and theme.

After a wanted change of looks: `pytest tests/tui/test_snapshots_processes.py --snapshot-update`, and look at them.
"""

import asyncio
import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.processes.declaration import BrokenDeclarations, read_declarations
from core.processes.link import RunnerLink
from storage import MetricsStore, Probe, ProcessId, ProcessKind, ProcessState, Subject
from tests.support.app import app_of, shown, until
from tests.support.crew import Worker
from tests.support.fleet import Fleet
from tests.support.outputs import Printing
from tests.support.pictures import NOW, Prepare, Snap, fixed_moment, snapping
from tests.support.runners import Runners, exited
from tests.support.users import User
from tui.dialogs import QuitDialog, TrustDialog
from tui.processes import watch
from tui.screens.peek import PeekScreen
from tui.translation import set_language

pytestmark = pytest.mark.no_cover  # pictures run nothing that the other tests do not

SIZES = [(80, 24), (200, 50)]
SECONDS = 60

ROOM_YAML = """\
processes:
  - name: db
    command: [postgres, -D, data]
    readiness: {log_line: ready to accept connections}
  - name: web
    command: npm run dev -- --host 127.0.0.1 --port 3000 --strict-port
    env: {PORT: 3000, SESSION_SECRET: hunter2}
    depends_on: {db: healthy}
    instances: 2
  - name: 検証
    command: pytest -q --looponfail
    autostart: false
"""

DRAWN = r"""
printf '\033[1;33mdev server\033[0m  v5.1\r\n\r\n  \033[32m✓\033[0m ready in \033[1m312\033[0m ms\r\n'
printf '  → http://localhost:3000/  日本語\r\n\r\n\033[41;97m ERROR \033[0m \033[4msrc/app.ts\033[0m:12\r\n> '
exec sleep 1000
"""


@pytest.fixture(autouse=True)
def one_moment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with fixed_moment(monkeypatch):
        yield


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host acts: what is stored of the processes counts, though none of them is there."""
    monkeypatch.setattr(watch, "is_watched", lambda _home: True)


@pytest.fixture
def fleet(board: User) -> Fleet:
    """A room whose processes are in all states that there are, measured for a minute, with what they printed."""
    worker = Worker(board, "claude-api")
    worker.call("claim_next", task=board.add("Rate limit of the API", status="todo"))
    fleet = Fleet(board)
    up: dict[str, Any] = {"boot_id": "boot", "pid_started": 1}
    db = fleet.add(
        "db", ProcessState.READY, up_s=86_400 * 2, labels=("back",), fields={"pid": 4102, **up},
        command=("postgres", "-D", "data"), readiness=Probe(log_line="ready to accept connections"),
    )  # fmt: skip
    web = fleet.add(
        "web", ProcessState.READY, up_s=3_700, labels=("front",), fields={"pid": 4120, "restarts": 1, **up},
        command=(), shell="npm run dev", env={"PORT": "3000", "API_KEY": "hunter2"}, secret_env=("SESSION_SECRET",),
        depends_on={"db": "healthy"}, readiness=Probe(http="http://127.0.0.1:3000/", interval_seconds=1),
        liveness=Probe(tcp="127.0.0.1:3000"),
    )  # fmt: skip
    second = fleet.add("web.2", ProcessState.UNHEALTHY, up_s=42, labels=("front",), fields={
        "pid": 4177, "restarts": 3, "reason": "liveness probe: connection refused", **up,
    }, depends_on={"db": "healthy"})  # fmt: skip
    api = fleet.add(
        "claude-api", up_s=610, kind=ProcessKind.AGENT, agent="claude-api", fields={"pid": 4201, **up},
        command=("claude",), declared=False,
    )  # fmt: skip
    check = fleet.add("検証サーバー", up_s=12, labels=("テスト",), fields={"pid": 4388, **up})
    fleet.add("migrate", ProcessState.EXITED, labels=("back",), fields={"exit_code": 0})
    fleet.add("e2e", ProcessState.PENDING, depends_on={"web": "healthy"}, fields={
        "reason": "waits for web.2", "exit_code": None,
    })  # fmt: skip
    fleet.add("mail", ProcessState.STOPPED)
    fleet.add("tunnel", ProcessState.FAILED, labels=("front",), fields={
        "reason": "restarted 5 times within 60 s; the last time: exit code 1", "restarts": 5, "exit_code": 1,
    })  # fmt: skip
    _measure(board, [db, web, second, api, check])
    for process, line in {
        db: "LOG:  checkpoint complete: wrote 44 buffers (0.3%)", web: "\x1b[32mGET\x1b[0m /tasks 200 in 12 ms",
        api: "I have written the test; now it fails as it should.", check: "検証中 … 128 件",
    }.items():  # fmt: skip
        Printing(board, fleet.see(process)).say("starting", line)
    _restart(fleet, web)
    return fleet


def _measure(board: User, processes: list[ProcessId]) -> None:
    store = MetricsStore(board.database.home)
    store.open()
    end = int(NOW.timestamp())
    for at in range(end - SECONDS, end + 1):
        store.put(at, {
            Subject("process", process): {
                "cpu": number * 25.0 * (1 + math.sin(at / (3 + number))), "processes": 2.0, "threads": 1.0 + 4 * number,
                "memory": 4e7 * (number + 1) + 2e5 * (at % 60),
            }
            for number, process in enumerate(processes)
        })  # fmt: skip
    store.close()


def _restart(fleet: Fleet, process: ProcessId) -> None:
    """It has failed an hour ago, and been started again."""
    before = fleet.see(process)
    ended = NOW - timedelta(seconds=3_702)
    fleet.observe(process, state=ProcessState.PENDING, reason="exit code 137; it restarts after 0.1 s", exit_code=137,
                  ended_at=ended, pid=None)  # fmt: skip
    fleet.observe(process, state=ProcessState.READY, reason=None, exit_code=None, ended_at=None, pid=before.pid,
                  state_at=before.state_at)  # fmt: skip


@pytest.fixture
def snap(fleet: Fleet, board: User, snap_compare: Any) -> Iterator[Snap]:
    with snapping(board, snap_compare) as compare:
        yield compare


async def processes(pilot: Pilot[Any]) -> None:
    await pilot.press("5")
    await shown(pilot, "GET /tasks", "128 件")


async def processes_light(pilot: Pilot[Any]) -> None:
    await app_of(pilot).change_settings(theme="wezterm-parallel-light")
    await processes(pilot)


async def grouped_and_selected(pilot: Pilot[Any]) -> None:
    await processes(pilot)
    await pilot.press("z", "o", "o", "j", "space", "space")
    await shown(pilot, "2 selected", "by CPU")


async def details(pilot: Pilot[Any]) -> None:
    await processes(pilot)
    await pilot.press("slash", *"npm", "enter", "enter")
    await shown(pilot, "web   service", "Last output")
    await until(pilot, lambda: pilot.app.screen.known.read_of(pilot.app.screen.process).exits)


async def quit_dialog(pilot: Pilot[Any]) -> None:
    await processes(pilot)
    await pilot.press("q")
    await until(pilot, lambda: isinstance(pilot.app.screen, QuitDialog) and pilot.app.screen.focused)


async def quit_dialog_stopping(pilot: Pilot[Any]) -> None:
    await quit_dialog(pilot)
    await pilot.press("s")
    await shown(pilot, "1 of 6 have stopped; still there: ")


async def trust_dialog(pilot: Pilot[Any]) -> None:
    await _trust(pilot, ROOM_YAML)


async def trust_dialog_broken(pilot: Pilot[Any]) -> None:
    await _trust(pilot, ROOM_YAML + "  - nmae: x\n    command: [true\n")


async def _trust(pilot: Pilot[Any], content: str) -> None:
    await processes(pilot)
    declared, problems = (), ()
    try:
        declared = read_declarations(content).processes
    except BrokenDeclarations as error:
        problems = tuple(f"line {each.line}, column {each.column}: {each.message}" for each in error.problems)
    present = list(app_of(pilot).state.processes.values())
    path = Path("/home/me/shop/room.yaml")
    dialog = TrustDialog(path, content.encode(), declared, problems, present, is_trusted=False)
    pilot.app.push_screen(dialog)
    await until(pilot, lambda: dialog.is_mounted and dialog.focused)


SCENES = [
    processes, processes_light, grouped_and_selected, details, quit_dialog, quit_dialog_stopping, trust_dialog,
    trust_dialog_broken,
]  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "200x50"])
@pytest.mark.parametrize("scene", SCENES, ids=[scene.__name__ for scene in SCENES])
def test_processes_look_as_they_should(snap: Snap, scene: Prepare, size: tuple[int, int]) -> None:
    snap(scene, size)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "200x50"])
def test_processes_look_as_they_should_in_japanese(
    fleet: Fleet, snap_compare: Any, board: User, size: tuple[int, int]
) -> None:  # fmt: skip
    board.database.home.config.write_text("language: ja\n")
    try:
        with snapping(board, snap_compare) as snap:
            snap(processes, size)
    finally:
        set_language("en")


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "200x50"])
def test_a_peek_looks_like_the_terminal_of_the_process(
    board: User, snap_compare: Any, size: tuple[int, int]
) -> None:  # fmt: skip
    fleet = Fleet(board)
    process = fleet.add("web")

    async def start() -> Path:
        runners = Runners(board.database.home)
        link = await runners.start("sh", "-c", DRAWN, name=process)
        fleet.observe(process, runner=link.folder.name)
        link.close()
        return link.folder

    async def end(folder: Path) -> None:
        link = await RunnerLink.connect(folder, 1 << 40)
        await link.kill()
        await exited(link)
        await link.release()

    async def peek(pilot: Pilot[Any]) -> None:
        await pilot.app.push_screen(PeekScreen(process))
        await shown(pilot, "web  ● running  80×24", "ERROR")

    folder = asyncio.run(start())
    try:
        with snapping(board, snap_compare) as snap:
            snap(peek, size)
    finally:
        asyncio.run(end(folder))
