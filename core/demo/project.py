"""The demo's project: the tasks, people and remarks with which the room begins."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from core.execute import Call, execute, find_room
from core.operations import find
from core.work import Actor
from storage import AgentId, AgentKind, Database, Door, Priority, Role, Status, utc_now

ROOM: Final = "demo"

PERSON: Final = Actor("you", Role.OWNER, Door.CLI)
AGENTS: Final = (
    ("claude-api", "Builds the HTTP API."),
    ("claude-ui", "Builds the web client."),
    ("codex-tests", "Writes and runs the tests."),
)


@dataclass(frozen=True, slots=True)
class Seed:
    """One task of the demo. `needs` are titles of tasks above it; `due_in` is in days from today."""

    title: str
    status: Status
    priority: Priority = Priority.NORMAL
    labels: tuple[str, ...] = ()
    assignee: str | None = None
    needs: tuple[str, ...] = ()
    due_in: int | None = None
    estimate_minutes: int | None = None
    description: str = ""
    comments: tuple[tuple[str, str], ...] = field(default=())
    reason: str | None = None


SEEDS: Final = (
    Seed("Set up the repository", Status.DONE, labels=("infra",), assignee="you"),
    Seed("Choose the database", Status.DONE, labels=("db",), assignee="claude-api",
         comments=(("claude-api", "SQLite in WAL mode: one file, many readers, no server."),)),
    Seed("Login with e-mail and password", Status.REVIEW, Priority.HIGH, ("auth", "api"), "claude-api",
         estimate_minutes=120, description="## Done when\n- wrong passwords are slowed down\n- sessions expire",
         comments=(("claude-api", "Argon2id, 64 MiB. `auth/login.py` is ready for review."),)),
    Seed("Rate limit for the login", Status.IN_PROGRESS, Priority.HIGH, ("auth", "security"), "claude-api", due_in=1),
    Seed("Board view: drag cards with the keyboard", Status.IN_PROGRESS, Priority.NORMAL, ("ui",), "claude-ui",
         estimate_minutes=240),
    Seed("Flaky test: test_upload_resumes", Status.IN_PROGRESS, Priority.URGENT, ("tests",), "codex-tests", due_in=0,
         comments=(("codex-tests", "Fails 1 in 40 runs. The server closes before the last chunk is acknowledged."),)),
    Seed("Sign in with GitHub", Status.BLOCKED, labels=("auth",), assignee="claude-api",
         reason="waiting for the OAuth client id"),
    Seed("Password reset by e-mail", Status.TODO, Priority.HIGH, ("auth", "api"),
         needs=("Login with e-mail and password",), due_in=3),
    Seed("Upload: resume after a lost connection", Status.TODO, labels=("api",),
         needs=("Flaky test: test_upload_resumes",)),
    Seed("Dark theme", Status.TODO, Priority.LOW, ("ui",), estimate_minutes=90),
    Seed("日本語の表示を確認する（全角・絵文字・結合文字）", Status.TODO, labels=("ui", "i18n"), assignee="claude-ui"),
    Seed("Run the tests on macOS as well", Status.TODO, labels=("tests", "infra")),
    Seed("Search over titles and descriptions", Status.TODO, Priority.NORMAL, ("api", "ui")),
    Seed("Export to CSV", Status.BACKLOG, Priority.LOW, ("api",)),
    Seed("Webhooks for finished tasks", Status.BACKLOG, labels=("api",)),
    Seed("Measure the start-up time", Status.BACKLOG, labels=("tests", "performance")),
    Seed("Keyboard shortcuts: help overlay", Status.BACKLOG, labels=("ui",),
         needs=("Board view: drag cards with the keyboard",)),
    Seed("Accessibility review", Status.BACKLOG, labels=("ui",), estimate_minutes=180),
    Seed("Write the user guide", Status.BACKLOG, labels=("docs",), needs=("Dark theme", "Export to CSV")),
    Seed("Release 1.0", Status.BACKLOG, Priority.HIGH, ("release",), "you",
         needs=("Password reset by e-mail", "Write the user guide", "Run the tests on macOS as well"), due_in=14),
)  # fmt: skip

LATER: Final = (
    "Paginate the task list", "Retry failed webhooks", "Cache the avatar images", "Log out everywhere",
    "Reduce the bundle by a third", "Explain error 409 in the API docs", "Trim trailing spaces on save",
    "アクセス権のテストを追加する", "Remember the last opened board", "Health check endpoint",
    "Fix the tab order of the dialog",
)  # fmt: skip
"""Titles of the tasks that turn up while one watches."""

REMARKS: Final = (
    "Found the cause; writing a test for it first.", "Half way: the happy path works.",
    "Needed a migration, it is in the branch.", "All tests pass here.", "Simplified: 40 lines fewer than before.",
    "見直しをお願いします。", "Benchmarks are unchanged.",
)  # fmt: skip


class Hand:
    """One agent's hand on the demo's board: calls operations as that agent."""

    def __init__(self, database: Database, actor: Actor) -> None:
        self._database = database
        self._actor = actor

    @cached_property
    def agent_id(self) -> AgentId:
        """The agent's id in the demo's room."""
        with self._database.read() as rows:
            agent = rows.agent_by_name(find_room(rows, ROOM).id, self._actor.name)
        assert agent is not None, "the demo's agents are made with its room"
        return agent.id

    def call(self, operation: str, *, reason: str | None = None, **arguments: Any) -> Any:
        """The operation's result."""
        declared = find(operation)
        room = ROOM if declared.needs_room else None
        call = Call(operation=declared, arguments=arguments, actor=self._actor, room=room, reason=reason)
        return execute(self._database, call).value


def agent_hand(database: Database, name: str) -> Hand:
    """The hand of one of the demo's AI agents."""
    return Hand(database, Actor(name, Role.AGENT, Door.MCP, AgentKind.AI))


def seed(database: Database, root: Path) -> None:
    """Fill an empty home with the demo's room."""
    person = Hand(database, PERSON)
    person.call("create_room", name=ROOM, root=root)
    person.call("update_room", wip={Status.IN_PROGRESS: 4, Status.REVIEW: 3})
    for name, description in AGENTS:
        person.call("create_agent", name=name, description=description)
    today = utc_now().astimezone().date()
    ids: dict[str, str] = {}
    for each in SEEDS:
        hand = person if each.assignee in (None, "you") else agent_hand(database, str(each.assignee))
        task = hand.call(
            "create_task", title=each.title, description=each.description, status=each.status, priority=each.priority,
            labels=each.labels, dependencies=tuple(ids[need] for need in each.needs),
            assignee="me" if each.assignee else "nobody", estimate_minutes=each.estimate_minutes,
            due=_due(today, each.due_in), reason=each.reason,
        )  # fmt: skip
        ids[each.title] = task.id
        for author, body in each.comments:
            agent_hand(database, author).call("comment_task", task=task.id, body=body)


def _due(today: date, days: int | None) -> date | None:
    return None if days is None else today + timedelta(days=days)
