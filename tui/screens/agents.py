"""The agents: what each is doing, who says so and since when; the ones that wait for the person first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from textual import on, work
from textual.content import Content
from textual.events import ScreenResume

from core.agents import AgentReport
from core.agents.handoffs import is_for
from core.text import block_for_screen, for_screen
from storage import (
    COLUMNS,
    AgentId,
    AgentKind,
    AgentState,
    Event,
    Session,
    SessionState,
    Status,
    Task,
    utc_now,
)  # fmt: skip
from tui import crew
from tui.actions import Action, bindings_of
from tui.attending import Reported
from tui.board_state import BoardChange
from tui.screens.list_detail import Column, ListAndDetail, back_action, open_action, scroll_actions
from tui.sentences import event_sentence
from tui.translation import _, ngettext
from tui.widgets.line_list import Piece
from tui.wording import AGENT_STATES, KIND_NAMES, MUTED, SESSION_STATES, SOURCE_NAMES, Names, age, clock, status_name

AGENTS_ACTIONS = (
    open_action("agents", "Agents", "Show all there is to the agent."),
    Action("agents.task", "t", "task", "Task", "Open the task that the agent works on.", "Agents", True),
    back_action("agents", "Agents"),
    Action("agents.hand_over", "h", "ask('hand_over')", "Hand over", "Hand a task over to the agent.", "Agents", True),
    Action("agents.assign", "a", "ask('assign')", "Assign", "Pick a task for the agent.", "Agents"),
    Action("agents.add", "n", "ask('add')", "New", "Add an agent to the room.", "Agents", True),
    Action("agents.edit", "e", "ask('edit')", "Edit", "Edit name, role, description and skills.", "Agents", True),
    Action("agents.session", "s", "ask('new_session')", "Session", "Make a session for the agent, and show its token.",
           "Agents", True),
    Action("agents.end", "x", "ask('end_session')", "End", "End the session of the agent.", "Agents", True),
    *scroll_actions("agents"),
)  # fmt: skip

LENGTH_FROM: Final = 90
WIDE_FROM: Final = 116
CLIENT_FROM: Final = 126
"""From these widths of the list on it shows more."""
EVENTS_SHOWN: Final = 12
SESSIONS_SHOWN: Final = 5

_PARTS: Final = {
    AgentState.WAITING: "warning", AgentState.WORKING: "strong", AgentState.IDLE: "plain", AgentState.UNKNOWN: "dim",
    AgentState.ENDED: "dim",
}  # fmt: skip


class AgentsScreen(ListAndDetail):
    """The agents of the room, live."""

    ACTIONS = AGENTS_ACTIONS
    BINDINGS: ClassVar = bindings_of(AGENTS_ACTIONS)

    def __init__(self) -> None:
        super().__init__()
        self._events: dict[str, tuple[Event, ...]] = {}

    def on_mount(self) -> None:
        self.parallel.reported.subscribe(self, self._take_in)
        self.parallel.changed.subscribe(self, self._hear)
        self.refill()

    @on(ScreenResume)
    def refill(self) -> None:
        """Show the agents as they are now."""
        self._fill()
        self.chosen()

    def _take_in(self, reported: Reported) -> None:
        del reported
        if self.is_on_stage:
            self._fill()

    def _fill(self) -> None:
        """Show the agents; where there are people only, what to do to get one."""
        reports = sorted(self.parallel.reports.values(), key=_order)
        self.fill([] if all(map(_is_quiet, reports)) else [report.agent.id for report in reports])

    def _hear(self, change: BoardChange) -> None:
        if self.is_on_stage and any(event.agent_id == self.selected for event in change.events):
            self.chosen()

    # what is shown

    @property
    def report(self) -> AgentReport | None:
        """The agent under the cursor, as it is."""
        return self.parallel.reports.get(AgentId(self.selected)) if self.selected is not None else None

    def current_task(self) -> Task | None:
        return self.report.task if self.report is not None else None

    def heading(self) -> Content:
        counts = dict.fromkeys(AGENT_STATES, 0)
        people = 0
        for report in self.parallel.reports.values():
            people += _is_quiet(report)
            if not _is_quiet(report):
                counts[report.state] += 1
        parts = [_("Agents")]
        parts += [f"{sign} {counts[state]} {_(word)}" for state, (sign, word) in AGENT_STATES.items() if counts[state]]
        if people:
            parts.append(ngettext("{count} person", "{count} people", people).format(count=people))
        return Content("  ".join(parts))

    def nothing(self) -> str:
        return "\n\n".join(
            [
                _("No agent works in this room yet."),
                _("Connect your client once:  wzp agents install --client claude   (or codex, cursor)"),
                _("Then start it in this project. It appears here with its first call."),
                _("n  adds an agent by hand; s  makes a session for it to be started with."),
            ]
        )

    def columns(self, width: int) -> Sequence[Column]:
        is_wide = width >= WIDE_FROM
        found = [("   " + _("State · told by · age"), 27), (_("Agent"), 16 if is_wide else 14)]
        found += [(_("Task"), 22), ("⇄", 4)] if is_wide else [("#", 5), ("⇄", 3)]
        if width >= LENGTH_FROM:
            found += [(_("Session"), 9), (_("Calls"), 7)]
        if width >= CLIENT_FROM:
            found.append((_("Client"), 13))
        return [*found, (_("Says"), 0)]

    def cells_of(self, subject: str) -> Sequence[Piece]:
        report = self.parallel.reports[AgentId(subject)]
        now = utc_now()
        width = self.list_width
        is_wide = width >= WIDE_FROM
        task = report.task
        what = "" if task is None else f"#{task.number} {for_screen(task.title)}" if is_wide else f"#{task.number}"
        row: list[Piece] = [
            (f" {_state(report, now)}", "dim" if _is_quiet(report) else _PARTS[report.state]),
            (for_screen(report.agent.name), "dim" if _is_quiet(report) else "accent"),
            (what, "plain"),
            (f"⇄{report.unread_handoffs}" if report.unread_handoffs else "", "warning"),
        ]
        session = report.session
        if width >= LENGTH_FROM:
            row += [
                (_length(session, now) if session is not None else "", "dim"),
                (f"{report.tool_calls:,}" if session is not None else "", "dim"),
            ]
        if width >= CLIENT_FROM:
            row.append((_client(session), "dim"))
        says = for_screen(report.message or ("" if _is_quiet(report) else report.agent.description))
        row.append((says, "warning" if report.state is AgentState.WAITING else "dim"))
        return row

    def describe(self, subject: str) -> Content:
        report, names, now = self.parallel.reports[AgentId(subject)], Names(self.state), utc_now()
        agent = report.agent
        lines = [
            Content.assemble(
                (for_screen(agent.name), "bold $text-primary"), f"   {_(KIND_NAMES[agent.kind])} · {agent.role}"
            )
        ]
        if agent.description:
            lines.append(Content(for_screen(agent.description)))
        if agent.skills:
            lines.append(Content.assemble((_("Skills") + ": ", MUTED), ", ".join(map(for_screen, agent.skills))))
        if not _is_quiet(report):
            style = "bold $text-warning" if report.state is AgentState.WAITING else "bold"
            lines += [Content(""), Content.styled(_state(report, now), style)]
        if report.message:
            lines.append(Content(block_for_screen(report.message)))
        lines += self._session_lines(report, now)
        lines += _section(_("Tasks"), [self._task_line(task, now) for task in self._tasks_of(agent.id)])
        waiting = [each for each in self.state.pending_handoffs() if is_for(each, agent)]
        lines += _section(
            _("Handoffs that wait for its answer"),
            [
                Content(
                    _("{task}, from {agent}").format(
                        task=names.task_with_title(each.task_id), agent=names.agent(each.from_agent)
                    )
                )
                for each in waiting
            ],
        )
        lines += _section(_("What it did last"), [
            Content.assemble((f"{clock(event.at)}  ", MUTED), event_sentence(event, names))
            for event in self._events.get(subject, ())
        ])  # fmt: skip
        return Content("\n").join(lines)

    def _session_lines(self, report: AgentReport, now: datetime) -> list[Content]:
        sessions = [each for each in self.state.sessions.values() if each.agent_id == report.agent.id]
        if not sessions:
            return []
        sessions.sort(key=lambda each: (each.created_at, each.id), reverse=True)
        told = []
        for session in sessions[:SESSIONS_SHOWN]:
            head = f"{clock(session.created_at)}  {_(SESSION_STATES[session.state])}, {_length(session, now)}"
            facts = [head, _client(session)]
            if session == report.session:
                calls = report.tool_calls
                facts.append(ngettext("{count:,} call", "{count:,} calls", calls).format(count=calls))
                if report.seen_at is not None and session.state is SessionState.ACTIVE:
                    facts.append(_("last seen {age} ago").format(age=age(report.seen_at, now)))
            told.append(Content("  ".join(fact for fact in facts if fact)))
            if session.end_reason:
                told.append(Content.styled(f"       {for_screen(session.end_reason)}", MUTED))
        if len(sessions) > SESSIONS_SHOWN:
            told.append(
                Content.styled(_("… {count:,} earlier ones.").format(count=len(sessions) - SESSIONS_SHOWN), MUTED)
            )
        return _section(_("Sessions"), told)

    def _tasks_of(self, agent: AgentId) -> list[Task]:
        columns = [status for status in reversed(COLUMNS) if status is not Status.DONE]
        return [task for status in columns for task in self.state.column(status) if task.assignee == agent][:20]

    def _task_line(self, task: Task, now: datetime) -> Content:
        head = f"#{task.number} {for_screen(task.title)}"
        where = f"  {status_name(task.status)}, {age(task.status_changed_at, now)}"
        return Content.assemble(head, (where, MUTED))

    def chosen(self) -> None:
        if self.selected is not None and self.is_mounted:
            self.read_events(self.selected)

    @work(group="read", exclusive=True, exit_on_error=False)
    async def read_events(self, agent: str) -> None:
        """Read what the agent did last."""
        reading = self.desk.call("list_events", agent=agent, limit=EVENTS_SHOWN)
        outcome = await self.parallel.attempt(reading)
        if outcome is not None:
            self._events[agent] = outcome.value
            self.show_detail()

    # doing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "ask" and parameters == ("end_session",):
            return crew.active_session(self.report) is not None
        if action == "ask" and parameters != ("add",):
            return self.selected is not None
        return super().check_action(action, parameters)

    def action_ask(self, what: str) -> None:
        """Ask what is to become of the agent; see `tui.crew`."""
        question: Any = getattr(crew, what)
        self.begin(question(self.parallel, self.report))


def _is_quiet(report: AgentReport) -> bool:
    """A person has no session, and is not asked what he does."""
    return report.agent.kind is AgentKind.PERSON and report.session is None


def _order(report: AgentReport) -> tuple[bool, int, datetime | None, str]:
    since = report.since if report.state is AgentState.WAITING else None
    place = list(AGENT_STATES).index(report.state)
    return _is_quiet(report), place, since or report.agent.created_at, report.agent.name.casefold()


def _state(report: AgentReport, now: datetime) -> str:
    if _is_quiet(report):
        return f"  {_('person')}"
    sign, word = AGENT_STATES[report.state]
    parts = [_(word), _(SOURCE_NAMES[report.source]) if report.session is not None else _("no session")]
    if report.since is not None:
        parts.append(age(report.since, now))
    return f"{sign} {' · '.join(parts)}"


def _length(session: Session, now: datetime) -> str:
    return age(session.created_at, session.ended_at or now)


def _client(session: Session | None) -> str:
    return for_screen(f"{session.client_name} {session.client_version}".strip()) if session is not None else ""


def _section(title: str, lines: Sequence[Content]) -> list[Content]:
    return [Content(""), Content.styled(title, "bold $text-primary"), *lines] if lines else []
