"""What the person does with agents: adds and edits them, gives them tasks, makes and ends their sessions.

Each function asks in a dialog, then calls the operation. All run in workers, so they may wait for dialogs.
"""

from typing import TYPE_CHECKING

from core.agents import AgentReport
from core.text import for_screen
from storage import COLUMNS, Session, SessionState, Status, TaskId
from tui import handing
from tui.dialogs import AgentForm, Choice, Confirm, Pick, ShowToken
from tui.submit import submit
from tui.translation import _, ngettext
from tui.wording import Names, age, status_name

if TYPE_CHECKING:
    from tui.app import ParallelApp


def active_session(report: AgentReport | None) -> Session | None:
    """The session that an agent has at present."""
    session = report.session if report is not None else None
    return session if session is not None and session.state is SessionState.ACTIVE else None


async def add(app: "ParallelApp", report: AgentReport | None) -> None:
    """Add an agent to the room."""
    del report
    fields = await app.push_screen_wait(AgentForm(None, app.desk.actor.role))
    if fields and await app.attempt(app.desk.call("create_agent", **fields)) is not None:
        hint = _("s makes a session with which to start it.")
        app.tell(_("Added the agent {name}.").format(name=fields["name"]), hint=hint)


async def edit(app: "ParallelApp", report: AgentReport | None) -> None:
    """Edit an agent."""
    if report is None:
        return
    base = report.agent
    fields = await app.push_screen_wait(AgentForm(base, app.desk.actor.role))
    if fields:
        await app.attempt(app.desk.call("update_agent", agent=base.id, expected_version=base.version, **fields))


async def assign(app: "ParallelApp", report: AgentReport | None) -> None:
    """Pick a task for an agent."""
    if report is None:
        return
    agent = report.agent
    columns = (Status.TODO, Status.BACKLOG, *(each for each in COLUMNS if each not in (Status.TODO, Status.BACKLOG)))
    names = Names(app.state)
    choices = [
        Choice(task.id, f"#{task.number} {for_screen(task.title[:120])}",
               f"{status_name(task.status).lower()}, {names.agent(task.assignee)}")
        for status in columns if status is not Status.DONE
        for task in app.state.column(status) if task.assignee != agent.id
    ]  # fmt: skip
    picked = await app.push_screen_wait(Pick(_("Which task is for {agent}?").format(agent=agent.name), choices))
    task = app.state.tasks.get(TaskId(picked[0])) if picked else None
    if task is not None and await submit(app, "assign_task", task, to=agent.id) is not None:
        app.tell(_("Gave #{number} to {agent}.").format(number=task.number, agent=for_screen(agent.name)))


async def hand_over(app: "ParallelApp", report: AgentReport | None) -> None:
    """Write a handoff to an agent."""
    if report is not None:
        await handing.write(app, to=report.agent.id)


async def new_session(app: "ParallelApp", report: AgentReport | None) -> None:
    """Make a session for an agent, and show its token, which nobody can be shown again."""
    if report is None:
        return
    outcome = await app.attempt(app.desk.call("create_session", agent=report.agent.id))
    if outcome is not None:
        await app.push_screen_wait(ShowToken(report.agent.name, outcome.value.token))


async def end_session(app: "ParallelApp", report: AgentReport | None) -> None:
    """End the session of an agent, once the person is sure."""
    session = active_session(report)
    if report is None or session is None:
        return
    claimed = [task for task in app.state.column(Status.IN_PROGRESS) if task.claimed_by == session.id]
    lines = [
        _("It began {age} ago. Every later call of the agent in it is refused.").format(age=age(session.created_at))
    ]
    if claimed:
        what = ngettext(
            "{tasks} is marked as left without a report.", "{tasks} are marked as left without a report.", len(claimed)
        )
        lines.append(what.format(tasks=", ".join(f"#{task.number}" for task in claimed)))
    title = _("End the session of {agent}?").format(agent=report.agent.name)
    question = Confirm(title, "\n\n".join(lines), yes=_("End it"), no=_("Leave it"))
    if await app.push_screen_wait(question):
        await app.attempt(app.desk.call("end_session", session=session.id))
