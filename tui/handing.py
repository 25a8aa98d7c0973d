"""What the person does with handoffs: writes, answers and redirects them.

Each function asks in a dialog, then calls the operation. All run in workers, so they may wait for dialogs.
"""

from typing import TYPE_CHECKING, Any, Final

from core.board.review import REVIEWER
from core.execute import Outcome
from core.operations.handoff import HandoffAnswer
from core.text import for_screen
from storage import COLUMNS, AgentId, AgentKind, Handoff, Role, Status, Task, TaskId
from tui.attention import person_of
from tui.board_state import BoardState
from tui.dialogs import AskLine, Choice, HandoffForm, Pick
from tui.drafts import keep_handoff
from tui.messages import Severity
from tui.translation import _
from tui.wording import KIND_NAMES, Names, status_name

if TYPE_CHECKING:
    from tui.app import ParallelApp

_ROLE: Final = "role:"
"""How the value of a receiver begins who is named by what they can do."""


def receivers(state: BoardState, *, giver: AgentId) -> list[Choice]:
    """To whom a handoff may go: every agent but its giver, then whoever has a role or skill."""
    agents = [agent for agent in state.agents.values() if agent.id != giver and agent.role is not Role.SYSTEM]
    agents.sort(key=lambda agent: (agent.kind is AgentKind.PERSON, agent.name.casefold()))
    skills = sorted({skill for agent in agents for skill in agent.skills} | {REVIEWER})
    roles = dict.fromkeys((AgentKind.PERSON.value, AgentKind.AI.value, *skills))
    named = [Choice(agent.id, agent.name, agent.description or _(KIND_NAMES[agent.kind])) for agent in agents]
    return [*named, *(Choice(f"{_ROLE}{role}", _("any {role}").format(role=role)) for role in roles)]


def addressed(receiver: str) -> dict[str, str]:
    """A receiver as an argument of the operations."""
    return {"to_role": receiver.removeprefix(_ROLE)} if receiver.startswith(_ROLE) else {"to_agent": receiver}


async def write(app: "ParallelApp", *, task: Task | None = None, to: AgentId | None = None) -> None:
    """Write a handoff of a task, which is picked where none is given."""
    task = task or await _pick_task(app)
    if task is None:
        return
    giver = person_of(app.state, app.desk.actor).id
    draft = app.drafts.take_handoff(task.id)
    written = await app.push_screen_wait(HandoffForm(task, receivers(app.state, giver=giver), to=to, draft=draft))
    if not written:
        return
    fields = {name: value for name, value in written.items() if name != "to"}
    call = app.desk.call("create_handoff", task=task.id, **addressed(str(written["to"])), **fields)
    outcome = await app.attempt(call)
    if outcome is None:
        keep_handoff(app, task, written)
    else:
        _tell(app, outcome, _("Handed #{number} over.").format(number=task.number))


async def redirect(app: "ParallelApp", handoff: Handoff) -> None:
    """Give a handoff to somebody else."""
    task = Names(app.state).task(handoff.task_id)
    options = receivers(app.state, giver=handoff.from_agent)
    picked = await app.push_screen_wait(Pick(_("Who is to take {task} on?").format(task=task), options))
    if picked:
        arguments: dict[str, Any] = {"handoff": handoff.id, "expected_version": handoff.version, **addressed(picked[0])}
        outcome = await app.attempt(app.desk.call("redirect_handoff", **arguments))
        if outcome is not None:
            _tell(app, outcome, _("Redirected the handoff of {task}.").format(task=task))


async def answer(app: "ParallelApp", handoff: Handoff, said: HandoffAnswer) -> None:
    """Acknowledge a handoff, decline it with a reason, or say that it is done."""
    task = Names(app.state).task(handoff.task_id)
    reason = None
    if said is HandoffAnswer.DECLINE:
        question = AskLine(_("Why do you decline the handoff of {task}?").format(task=task))
        reason = await app.push_screen_wait(question)
        if not reason:
            return
    call = app.desk.call(
        "acknowledge_handoff", reason=reason, handoff=handoff.id, answer=said, expected_version=handoff.version
    )
    outcome = await app.attempt(call)
    if outcome is not None:
        told = {
            HandoffAnswer.ACKNOWLEDGE: _("You have taken {task} on."),
            HandoffAnswer.DECLINE: _("Declined the handoff of {task}."),
            HandoffAnswer.COMPLETE: _("Completed the handoff of {task}."),
        }
        _tell(app, outcome, told[said].format(task=task))


async def _pick_task(app: "ParallelApp") -> Task | None:
    choices = [
        Choice(task.id, f"#{task.number} {for_screen(task.title[:120])}", status_name(task.status).lower())
        for status in (Status.IN_PROGRESS, *(each for each in COLUMNS if each is not Status.IN_PROGRESS))
        if status is not Status.DONE
        for task in app.state.column(status)
    ]
    picked = await app.push_screen_wait(Pick(_("Which task is handed over?"), choices))
    return app.state.tasks.get(TaskId(picked[0])) if picked else None


def _tell(app: "ParallelApp", outcome: Outcome, text: str) -> None:
    app.tell(text)
    for warning in outcome.warnings:
        app.tell(warning, severity=Severity.WARNING)
