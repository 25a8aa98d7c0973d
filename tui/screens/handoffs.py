"""The handoffs: what was passed to whom, what waits for an answer and for how long, and all that was said."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from textual.content import Content

from core.agents.handoffs import is_for, is_overdue
from core.operations.handoff import HandoffAnswer
from core.text import block_for_screen, for_screen
from storage import Agent, AgentId, Handoff, HandoffId, HandoffStatus, Task, utc_now
from tui import handing
from tui.actions import Action, bindings_of
from tui.attending import Reported
from tui.attention import person_of
from tui.board_state import BoardChange
from tui.dialogs import Choice, Pick
from tui.screens.boxed_list import WIDE_FROM, BoxedList, box_actions
from tui.screens.list_detail import Column
from tui.translation import _, mark
from tui.widgets.line_list import Piece
from tui.wording import HANDOFF_STATES, KIND_NAMES, MUTED, Names, age, full_time, status_name

HANDOFFS_ACTIONS = box_actions(
    "handoffs", "Handoffs", opens="Read the whole handoff.", boxes="All, inbox, outbox, overdue.",
    own=(
        Action("handoffs.acknowledge", "a", "answer('acknowledge')", "Acknowledge", "Take the task on.", "Handoffs",
               True),
        Action("handoffs.decline", "d", "answer('decline')", "Decline",
               "Decline it with a reason; your own: withdraw it.", "Handoffs", True),
        Action("handoffs.complete", "c", "answer('complete')", "Complete", "Say that what it asks for is done.",
               "Handoffs", True),
        Action("handoffs.redirect", "r", "redirect", "Redirect", "Give it to somebody else.", "Handoffs", True),
        Action("handoffs.write", "n", "write", "New", "Hand a task over to somebody.", "Handoffs", True),
        Action("handoffs.task", "t", "task", "Task", "Open its task.", "Handoffs", True),
        Action("handoffs.agent", "f", "agent", "Whose", "Pick whose inbox and outbox are shown.", "Handoffs", True),
    ),
)  # fmt: skip


class Box(StrEnum):
    """Which handoffs are shown."""

    ALL = "all"
    INBOX = "inbox"
    OUTBOX = "outbox"
    OVERDUE = "overdue"


_SIGNS: Final = {
    HandoffStatus.PENDING: "⇄",
    HandoffStatus.ACKNOWLEDGED: "●",
    HandoffStatus.COMPLETED: "✓",
    HandoffStatus.DECLINED: "×",
}
_ANSWERS: Final = {
    HandoffAnswer.ACKNOWLEDGE: {HandoffStatus.PENDING},
    HandoffAnswer.DECLINE: {HandoffStatus.PENDING},
    HandoffAnswer.COMPLETE: {HandoffStatus.PENDING, HandoffStatus.ACKNOWLEDGED},
}
"""From where each answer leads; it decides only which keys are offered."""
EVERYBODY: Final = "everybody"


class HandoffsScreen(BoxedList[Box]):
    """The handoffs of the room: those that wait for an answer first, the longest waiting on top."""

    ACTIONS = HANDOFFS_ACTIONS
    BINDINGS: ClassVar = bindings_of(HANDOFFS_ACTIONS)
    BOXES: ClassVar = {
        Box.ALL: mark("All"), Box.INBOX: mark("Inbox"), Box.OUTBOX: mark("Outbox"), Box.OVERDUE: mark("Overdue"),
    }  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._agent: AgentId | None = None

    def on_mount(self) -> None:
        self.parallel.reported.subscribe(self, self._hear_report)

    def concerns(self, change: BoardChange) -> bool:
        return bool(change.handoffs or change.agents_changed or change.room_changed or change.tasks)

    def _hear_report(self, reported: Reported) -> None:
        if self.is_on_stage and reported.waiting_changed:
            self.refill()

    # what is shown

    @property
    def handoff(self) -> Handoff | None:
        """The handoff under the cursor, as it is."""
        return self.state.handoffs.get(HandoffId(self.selected)) if self.selected is not None else None

    def current_task(self) -> Task | None:
        return self.state.tasks.get(self.handoff.task_id) if self.handoff is not None else None

    def _whose(self) -> Agent:
        me = person_of(self.state, self.desk.actor)
        return self.state.agents.get(self._agent, me) if self._agent is not None else me

    def list_title(self) -> str:
        return _("Handoffs")

    def ids_in(self, box: Box) -> list[str]:
        return [each.id for each in sorted(self._boxed(box), key=_order)]

    def count_in(self, box: Box) -> int:
        return sum(each.status is HandoffStatus.PENDING for each in self._boxed(box))

    def remarks(self) -> list[tuple[str, str]]:
        if self._agent is None and self.box not in (Box.INBOX, Box.OUTBOX):
            return []
        return [("  " + _("of {agent}").format(agent=for_screen(self._whose().name)), "")]

    def _boxed(self, box: Box) -> Iterator[Handoff]:
        whose, now, room = self._whose(), utc_now(), self.state.room

        def comes_in(each: Handoff) -> bool:
            return each.taken_by == whose.id if each.taken_by is not None else is_for(each, whose)

        def belongs(each: Handoff) -> bool:
            if box is Box.OVERDUE:
                return is_overdue(each, room, now)
            if box is Box.INBOX:
                return comes_in(each)
            if box is Box.OUTBOX:
                return each.from_agent == whose.id
            return self._agent is None or comes_in(each) or each.from_agent == whose.id

        return filter(belongs, self.state.handoffs.values())

    def nothing(self) -> str:
        if not self.state.handoffs:
            lines = [
                _("Nothing has been handed over yet."),
                _("n  hands a task over to an agent or a person; agents do it with create_handoff."),
            ]
        else:
            lines = [_("Nothing is in this box."), _("tab  shows the next box, f  another agent's.")]
        return "\n\n".join(lines)

    def columns(self, width: int) -> Sequence[Column]:
        head = "   " + _("State · age")
        way, summary = _("From → to"), _("Summary")
        if width < WIDE_FROM:
            return [(head, 22), (way, 26), ("#", 5), (summary, 0)]
        return [(head, 22), (way, 30), (_("Task"), 30), (summary, 0)]

    def cells_of(self, subject: str) -> Sequence[Piece]:
        handoff, names, now = self.state.handoffs[HandoffId(subject)], Names(self.state), utc_now()
        is_late = is_overdue(handoff, self.state.room, now)
        is_open = handoff.status is HandoffStatus.PENDING
        is_wide = self.list_width >= WIDE_FROM
        task = names.task_with_title(handoff.task_id) if is_wide else names.task(handoff.task_id)
        quiet = "plain" if is_open else "dim"
        return [
            (f" {_state(handoff, now, is_late=is_late)}", "error" if is_late else "warning" if is_open else "dim"),
            (_way(handoff, names), "accent" if is_open else "dim"),
            (task, quiet),
            (for_screen(handoff.summary.partition("\n")[0]), quiet),
        ]

    def describe(self, subject: str) -> Content:
        handoff, names, now = self.state.handoffs[HandoffId(subject)], Names(self.state), utc_now()
        task = self.state.tasks.get(handoff.task_id)
        is_late = is_overdue(handoff, self.state.room, now)
        lines = [
            Content.styled(names.task_with_title(handoff.task_id), "bold $text-primary"),
            Content(_way(handoff, names)),
        ]
        style = "bold $text-error" if is_late else "bold"
        lines.append(Content.styled(_state(handoff, now, is_late=is_late), style))
        if handoff.answered_at is not None and handoff.taken_by is not None:
            by = _("{time} by {agent}").format(time=full_time(handoff.answered_at), agent=names.agent(handoff.taken_by))
            lines.append(Content.styled(by, MUTED))
        if handoff.answer:
            lines.append(Content.assemble((_("Answer") + ": ", MUTED), for_screen(handoff.answer)))
        lines += [Content(""), Content(block_for_screen(handoff.summary))]
        lines += _listed(_("Next steps"), handoff.next_steps, numbered=True)
        lines += _listed(_("Warnings"), handoff.warnings, style="$text-warning")
        lines += _listed(_("Failed approaches"), handoff.failed_approaches)
        lines += _listed(_("Files"), handoff.files)
        if handoff.branch:
            lines += _listed(_("Branch"), (handoff.branch,))
        if task is not None:
            facts = [status_name(task.status), names.agent(task.assignee)]
            lines += _listed(_("Task"), (f"{names.task_with_title(task.id)}  ({', '.join(facts)})",))
        given = _("Given {time}").format(time=full_time(handoff.created_at))
        lines += [Content(""), Content.styled(given, MUTED)]
        return Content("\n").join(lines)

    async def show_waiting(self, subject: str) -> None:
        self._agent = None
        await super().show_waiting(subject)

    # doing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        handoff = self.handoff
        if action == "answer":
            return handoff is not None and handoff.status in _ANSWERS[HandoffAnswer(str(parameters[0]))]
        if action == "redirect":
            return handoff is not None and handoff.status in (HandoffStatus.PENDING, HandoffStatus.DECLINED)
        return super().check_action(action, parameters)

    def action_answer(self, said: str) -> None:
        """Answer the handoff under the cursor."""
        if self.handoff is not None:
            self.begin(handing.answer(self.parallel, self.handoff, HandoffAnswer(said)))

    def action_redirect(self) -> None:
        """Give the handoff under the cursor to somebody else."""
        if self.handoff is not None:
            self.begin(handing.redirect(self.parallel, self.handoff))

    def action_write(self) -> None:
        """Hand a task over."""
        self.begin(handing.write(self.parallel))

    def action_agent(self) -> None:
        """Pick whose boxes are shown."""
        self.begin(self._ask_whose())

    async def _ask_whose(self) -> None:
        agents = sorted(self.state.agents.values(), key=lambda agent: agent.name.casefold())
        choices = [Choice(EVERYBODY, _("everybody"))]
        choices += [Choice(agent.id, agent.name, _(KIND_NAMES[agent.kind])) for agent in agents]
        picked = await self.app.push_screen_wait(
            Pick(_("Whose handoffs?"), choices, selected=(self._agent or EVERYBODY,))
        )
        if picked:
            self._agent = None if picked[0] == EVERYBODY else AgentId(picked[0])
            self.refill()


def _order(handoff: Handoff) -> tuple[int, float]:
    """Pending ones by age, then those that were taken on, then what is closed, the newest first."""
    if handoff.status is HandoffStatus.PENDING:
        return 0, handoff.updated_at.timestamp()
    if handoff.status is HandoffStatus.ACKNOWLEDGED:
        return 1, handoff.updated_at.timestamp()
    return 2, -handoff.updated_at.timestamp()


def _state(handoff: Handoff, now: datetime, *, is_late: bool) -> str:
    word = _("overdue") if is_late else _(HANDOFF_STATES[handoff.status])
    sign = "!" if is_late else _SIGNS[handoff.status]
    return f"{sign} {word} · {age(handoff.updated_at, now)}"


def _way(handoff: Handoff, names: Names) -> str:
    return f"{names.agent(handoff.from_agent)} → {names.receiver(handoff.to_agent, handoff.to_role)}"


def _listed(title: str, items: Sequence[str], *, numbered: bool = False, style: str = "") -> list[Content]:
    if not items:
        return []
    signs = [f"{number}. " for number in range(1, len(items) + 1)] if numbered else ["- "] * len(items)
    lines = [
        Content.assemble((sign, MUTED), (for_screen(item), style)) for sign, item in zip(signs, items, strict=True)
    ]
    return [Content(""), Content.styled(title, "bold $text-primary"), *lines]
