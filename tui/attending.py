"""Attending: what agents do at this moment, what waits for the person, and news of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from textual.signal import Signal

from core.agents import AgentReport
from core.agents.handoffs import is_overdue
from storage import AgentId, HandoffId, TaskId, utc_now
from tui import news
from tui.attention import Cause, Waiting, person_of, waiting_cards, waiting_for
from tui.board_state import BoardChange
from tui.desk import Desk
from tui.following import Following
from tui.news import News
from tui.translation import _

LOOK_EVERY_S: Final = 1.0
"""How often the app looks what time alone has changed: who is silent for too long, what is overdue."""
GATHER_S: Final = 0.2
"""News that come within so long are told in one toast."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What has become different: the agents whose reports are others now, whether something else waits, and whether
    what cards show of their agents and handoffs may differ."""

    agents: frozenset[AgentId]
    waiting_changed: bool
    badges_changed: bool


class Attending(Following):
    """Knows of every agent what it does (`reports`), of everything that waits for the person (`waiting`), and of which
    tasks a handoff waits for an answer, and whether too long (`handed`).

    `reported` is published after each change of either. News are told in toasts, and to the terminal if that is set.
    """

    def __init__(self, desk: Desk, *, survives_errors: bool | None) -> None:
        super().__init__(desk, survives_errors=survives_errors)
        self.reports: Mapping[AgentId, AgentReport] = {}
        self.waiting: tuple[Waiting, ...] = ()
        self._waiting_cards: tuple[Waiting, ...] = ()
        self.handed: Mapping[TaskId, bool] = {}
        self.reported: Signal[Reported] = Signal(self, "reported")
        self._last_visited: Waiting | None = None
        self._overdue: frozenset[HandoffId] = frozenset()
        self._unattended: list[BoardChange] = []
        self._news: list[News] = []

    def on_mount(self) -> None:
        self.changed.subscribe(self, self._note)
        self.set_interval(LOOK_EVERY_S, self._attend)

    def _note(self, change: BoardChange) -> None:
        """Attend to a change once the screens have drawn it: what waits is counted through a whole board."""
        self._unattended.append(change)
        if len(self._unattended) == 1:
            self.call_after_refresh(self._attend)

    def _attend(self) -> None:
        """Look what agents do and what waits; without a change nothing but time has passed."""
        changes, self._unattended = self._unattended, []
        if not self.state.sequence:
            return
        before, was_waiting, was_overdue = self.reports, self.waiting, self._overdue
        now = utc_now()
        reports = self.state.reports()
        self.reports = {report.agent.id: report for report in reports}
        if any(change.tasks or change.agents_changed for change in changes):
            self._waiting_cards = waiting_cards(self.state, self.desk.actor)
        self.waiting = (*waiting_for(self.state, reports, self.desk.actor, now), *self._waiting_cards)
        pending = self.state.pending_handoffs()
        self._overdue = frozenset(each.id for each in pending if is_overdue(each, self.state.room, now))
        handed = {each.task_id: each.id in self._overdue for each in pending}
        differing = frozenset(key for key, report in self.reports.items() if before.get(key) != report)
        has_other_badges = handed != self.handed or any(
            _badge(self.reports[key]) != _badge(before.get(key)) for key in differing
        )
        self.handed = handed
        if differing or len(before) != len(self.reports) or was_waiting != self.waiting or has_other_badges:
            self.reported.publish(Reported(differing, was_waiting != self.waiting, has_other_badges))
        if any(change.everything for change in changes):
            return  # what was so when the app came, or while it was cut off, is no news
        events = [event for change in changes for event in change.events]
        found = news.of_agents(before, self.reports)
        found += news.of_overdue(self._overdue - was_overdue, self.state)
        found += news.of_events(events, self.state, person_of(self.state, self.desk.actor)) if events else []
        self._hear(found)

    def _hear(self, found: list[News]) -> None:
        if found and not self._news:
            self.set_timer(GATHER_S, self._tell_news)
        self._news += found

    def _tell_news(self) -> None:
        heard, self._news = self._news, []
        if not heard:
            return
        if len(heard) > 1:
            for each in heard:
                self.keep(each.text, severity=each.severity, hint=each.hint)
        told = news.gathered(heard)
        self.tell(told.text, severity=told.severity, hint=told.hint)
        self.notify_terminal(self.settings.notify, f"{told.text} {told.hint}".strip())

    # what waits, one after the other

    async def action_next_waiting(self) -> None:
        """Go to the next thing that waits for the person."""
        if not self.waiting:
            self.tell(_("Nothing waits for you."))
            return
        places = [(each.cause, each.subject) for each in self.waiting]
        last = self._last_visited
        here = (last.cause, last.subject) if last is not None else None
        index = (places.index(here) + 1) % len(places) if here in places else 0
        self._last_visited = self.waiting[index]
        await self.visit(self.waiting[index])

    async def visit(self, waiting: Waiting) -> None:
        """Show a thing that waits where it can be dealt with."""
        mode = {
            Cause.QUESTION: "agents", Cause.HANDOFF: "handoffs", Cause.OVERDUE: "handoffs", Cause.APPROVAL: "queue",
            Cause.ALERT: "alerts",
        }.get(waiting.cause, "board")  # fmt: skip
        await self.go(mode)
        await self.screen.show_waiting(waiting.subject)  # type: ignore[attr-defined]

    async def go(self, mode: str) -> None:
        """Switch to one of the main screens, closing what lies on it."""
        if self.current_mode != mode:
            await self.switch_mode(mode)
        while len(self.screen_stack) > 1 and not self.screen.is_modal:
            await self.pop_screen()


def _badge(report: AgentReport | None) -> object:
    """What of a report a card shows."""
    return None if report is None else (report.state, report.session, report.task)
