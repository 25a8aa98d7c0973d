"""Fixtures for all tests: a home of their own, a database in it, a room with people at its board."""

import gc
import itertools
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

from storage import HOME_VARIABLE, AgentKind, Database, Door, Home, Role
from tests.support.users import User

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

ROOM = "demo"

# an example's room is new, though the database is the test's; a machine under load is no failure
settings.register_profile(
    "ours", deadline=None, database=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("ours")

MEMORY = Path("/dev/shm")
MEMORY_BYTES = 2 << 30
"""What must be free there; the folders of all tests take some 300 MB, where they all stay."""

GARBAGE_BYTES = 300 << 20

_TELLING = ("CLAUDE", "CURSOR", "CODEX", "GEMINI", "AIDER", "COPILOT", "WZP_", "WEZTERM_PARALLEL", "AMP_", "OPENCODE")
"""How names of variables begin that would make a test's process somebody's agent, or point it at a real home."""


def pytest_configure(config: pytest.Config) -> None:
    """Let the tests' folders lie in memory: half of the time of those that store something went into waiting for the
    disk, which makes durable what lives for a second.
    """
    with suppress(OSError):
        if shutil.disk_usage(MEMORY).free >= MEMORY_BYTES and os.access(MEMORY, os.W_OK):
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database with all tables and nothing in them; a copy takes a tenth of the time of a migration."""
    home = Home(tmp_path_factory.mktemp("empty") / "home")
    Database.open(home).close()
    return home.database


@pytest.fixture(autouse=True, scope="session")
def _sweeping() -> Callable[[], None]:
    """Ends the garbage of apps: each freezes what the collector knows when it has started, the former ones' with it."""
    process, kept = psutil.Process(), 0

    def sweep() -> None:
        nonlocal kept
        present = process.memory_info().rss
        kept = kept or present
        if present - kept > GARBAGE_BYTES:
            gc.unfreeze()
            gc.collect()
            kept = process.memory_info().rss

    return sweep


@pytest.fixture(autouse=True)
def no_garbage_of_former_apps(_sweeping: Callable[[], None]) -> None:
    """An app leaves 1.4 MB in a worker of the suite, instead of 4."""
    _sweeping()


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No agent's client, colour setting or theme of the machine reaches a test."""
    for name in list(os.environ):
        if name.startswith(_TELLING):
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "TEXTUAL_THEME", "TEXTUAL", "AI_AGENT", "AGENT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home that is this test's alone, also for the processes that it starts."""
    home = Home(tmp_path / "home")
    monkeypatch.setenv(HOME_VARIABLE, str(home.path))
    return home


@pytest.fixture
def database(home: Home, empty_database: Path) -> Iterator[Database]:
    """The opened database of `home`."""
    home.create()
    shutil.copy(empty_database, home.database)  # with its mode
    database = Database.open(home)
    yield database
    database.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory for a room to stand for."""
    directory = tmp_path / "project"
    directory.mkdir()
    return directory


@pytest.fixture
def board(database: Database, project: Path) -> User:
    """The person who owns the room `demo`, at its board."""
    owner = User(database, "owner", room=ROOM, door=Door.TUI)
    owner.call("create_room", name=ROOM, root=project)
    return owner


@pytest.fixture
def alice(board: User) -> User:
    """An operator at the board of `demo`."""
    return User(board.database, "alice", room=ROOM, role=Role.OPERATOR)


@pytest.fixture
def bob(board: User) -> User:
    """An AI agent at the board of `demo`."""
    return User(board.database, "bob", room=ROOM, role=Role.AGENT, kind=AgentKind.AI)


@pytest.fixture
def new_room(database: Database, tmp_path: Path) -> Callable[[], User]:
    """Makes rooms of their own, for property tests: each example gets a fresh one, at little cost."""
    numbers = itertools.count(1)

    def make() -> User:
        name = f"room {next(numbers)}"
        root = tmp_path / name
        root.mkdir()
        owner = User(database, "owner", room=name)
        owner.call("create_room", name=name, root=root)
        return owner

    return make


@pytest.fixture(autouse=True)
def signals_as_they_were() -> Iterator[None]:
    """No test leaves a signal ignored: every process that later tests start would inherit that."""
    before = [signal.getsignal(number) for number in ENDING_SIGNALS]
    yield
    assert [signal.getsignal(number) for number in ENDING_SIGNALS] == before
