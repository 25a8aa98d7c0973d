"""The demo's project: the tasks, people, handoffs and remarks with which the room begins."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from core.demo.hands import ROOM, Hand, agent_hand
from core.work import Actor
from storage import AgentState, Database, Door, Finish, Priority, Role, StateSource, Status, utc_now

PERSON: Final = Actor("you", Role.OWNER, Door.CLI)


@dataclass(frozen=True, slots=True)
class Member:
    """One of the demo's agents."""

    name: str
    description: str
    skills: tuple[str, ...]


AGENTS: Final = (
    Member("claude-api", "Builds the HTTP API.", ("api", "auth", "db")),
    Member("claude-ui", "Builds the web client.", ("ui", "i18n")),
    Member("codex-tests", "Writes and runs the tests.", ("tests", "infra")),
    Member("codex-review", "Reads what the others have done.", ("review",)),
)
TESTER: Final = "codex-tests"
"""The one of them who sees to it that commands are run again."""
GONE: Final = Member("gemini-docs", "Writes the manual.", ("docs",))
"""Has left without a word, as one sees on its card."""


@dataclass(frozen=True, slots=True)
class Seed:
    """One task of the demo. `needs` are titles of tasks above it; `due_in` is in days from today.

    What its agent has done with it, in review or done, stands in `result`.
    """

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
    result: str = ""


SEEDS: Final = (
    Seed("Set up the repository", Status.DONE, labels=("infra",), assignee="you"),
    Seed("Choose the database", Status.DONE, labels=("db",), assignee="claude-api",
         result="SQLite in WAL mode. `docs/storage.md` says why, with the figures.",
         comments=(("claude-api", "SQLite in WAL mode: one file, many readers, no server."),)),
    Seed("Login with e-mail and password", Status.REVIEW, Priority.HIGH, ("auth", "api"), "claude-api",
         estimate_minutes=120, result="Argon2id, wrong passwords slowed down, 14 new tests. Try: `just login`.",
         description="## Done when\n- wrong passwords are slowed down\n- sessions expire",
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
    Seed("Describe the webhooks in the manual", Status.IN_PROGRESS, labels=("docs",), assignee="gemini-docs"),
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

SUMMARIES: Final = (
    "Works; the new tests cover it.", "Done, and 40 lines fewer than before.", "Done. The slow path is gone: 3 ms now.",
    "できました。テストも通ります。", "Done as described; one question stands in the comments.",
)  # fmt: skip

QUESTIONS: Final = (
    "May I use Bash: git push origin HEAD?", "May I use WebFetch: https://docs.example.com/api?",
    "The old format has no users left. Drop it, or keep reading it?", "データベースを作り直してもいいですか？",
)  # fmt: skip

TOOLS: Final = ("Edit", "Bash", "Read", "Grep", "Write")


@dataclass(frozen=True, slots=True)
class Pass:
    """One handoff of the demo, of the task with that title."""

    title: str
    to_agent: str
    summary: str
    next_steps: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    failed_approaches: tuple[str, ...] = ()


PASSES: Final = (
    Pass("Sign in with GitHub", "you", "All but the secret is there; only you can make the OAuth application.",
         ("Make it at GitHub, callback /auth/github", "Put its id into `.env`", "Answer this, and I go on"),
         ("The secret is shown once",)),
    Pass("Flaky test: test_upload_resumes", "claude-api", "The test is right: the server closes too early.",
         ("Acknowledge the last chunk before closing", "Run `just stress upload`, 40 rounds"),
         ("The log lies about the order: its lines are buffered",), ("Waiting longer in the test: it hides the bug",)),
)  # fmt: skip

REVIEW_LIMIT: Final = 3
HANDOFF_ALERT_MINUTES: Final = 1
"""So that one sees a handoff become overdue while one watches."""


def seed(database: Database, root: Path) -> None:
    """Fill an empty home with the demo's room."""
    person = Hand(database, PERSON)
    person.call("create_room", name=ROOM, root=root)
    limits = {Status.IN_PROGRESS: 6, Status.REVIEW: REVIEW_LIMIT}
    person.call("update_room", wip=limits, handoff_alert_minutes=HANDOFF_ALERT_MINUTES)
    for member in (*AGENTS, GONE):
        person.call("create_agent", name=member.name, description=member.description, skills=member.skills)
    hands = {member.name: agent_hand(database, member.name) for member in (*AGENTS, GONE)} | {"you": person}
    today = utc_now().astimezone().date()
    ids: dict[str, str] = {}
    for each in SEEDS:
        ids[each.title] = _planted(each, hands, [ids[need] for need in each.needs], today)
    for handed in PASSES:
        giver = next(each.assignee for each in SEEDS if each.title == handed.title)
        hands[str(giver)].call(
            "create_handoff", task=ids[handed.title], summary=handed.summary, to_agent=handed.to_agent,
            next_steps=handed.next_steps, warnings=handed.warnings, failed_approaches=handed.failed_approaches,
        )  # fmt: skip
    hands["claude-api"].show(AgentState.WORKING, "uses Edit")
    hands["claude-ui"].show(AgentState.WAITING, "May I use Bash: npm install @dnd-kit/core?")
    hands["codex-tests"].show(AgentState.WORKING, "called create_handoff", source=StateSource.MCP)
    hands["codex-review"].show(AgentState.IDLE)
    hands[GONE.name].show(AgentState.WORKING, "uses WebFetch")
    hands[GONE.name].call("end_session", reason="its client ended (exit)")


def _planted(each: Seed, hands: dict[str, Hand], needs: list[str], today: date) -> str:
    """Make one task, and let its agent take it as far as it is."""
    person = hands["you"]
    hand = hands[each.assignee or "you"]
    is_agents_work = each.assignee not in (None, "you") and each.status in _WORKED_ON
    task = person.call(
        "create_task", title=each.title, description=each.description,
        status=Status.TODO if is_agents_work else each.status, priority=each.priority, labels=each.labels,
        dependencies=tuple(needs), assignee=each.assignee or "nobody", estimate_minutes=each.estimate_minutes,
        due=_due(today, each.due_in), reason=each.reason,
    )  # fmt: skip
    if is_agents_work:
        hand.call("claim_next", task=task.id)
    for author, body in each.comments:
        hands[author].call("comment_task", task=task.id, body=body)
    if is_agents_work and each.status is not Status.IN_PROGRESS:
        hand.call("finish_task", task=task.id, finish=Finish.COMPLETE, summary=each.result)
    if is_agents_work and each.status is Status.DONE:
        person.call("approve_task", task=task.id)
    return str(task.id)


_WORKED_ON: Final = (Status.IN_PROGRESS, Status.REVIEW, Status.DONE)


def _due(today: date, days: int | None) -> date | None:
    return None if days is None else today + timedelta(days=days)
