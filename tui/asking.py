"""Asking for the arguments of an operation that the palette calls: from the cursor, by picking, by writing."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin

from core.operation import Operation, Parameter, ProcessRef, Text, bare_type
from storage import HandoffId, SessionId, SessionState, Status, Task, TaskId
from tui.translation import _
from tui.wording import HANDOFF_STATES, PROCESS_STATES, SESSION_STATES, Names, clock, status_name

if TYPE_CHECKING:
    from tui.app import ParallelApp


def is_task(parameter: Parameter) -> bool:
    """Whether it takes one task."""
    return bare_type(parameter.annotation) is TaskId


def is_tasks(parameter: Parameter) -> bool:
    """Whether it takes several tasks."""
    bare = bare_type(parameter.annotation)
    return get_origin(bare) is tuple and get_args(bare)[0] is TaskId


async def ask_more(app: "ParallelApp", operation: Operation, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """What an edit is to change: its optional arguments are its point. None where the person leaves."""
    from tui.dialogs import AskLine, TaskForm

    if operation.name == "update_task":
        form = TaskForm(app.state.tasks[arguments["task"]], app.state)
        return await app.push_screen_wait(form) or None
    if operation.name == "update_tasks":
        labels = await app.push_screen_wait(AskLine(_("Labels to add"), placeholder="bug, ui")) or ""
        added = tuple(each.strip() for each in labels.split(",") if each.strip())
        return {"add_labels": added} if added else None
    asking = _EDITS.get(operation.name)
    return {} if asking is None else await asking(app, arguments)


async def _edit_room(app: "ParallelApp", arguments: dict[str, Any]) -> dict[str, Any] | None:
    from tui.dialogs import Choice, Pick
    from tui.room_settings import ROOM_SETTINGS, ask_value, value_of

    del arguments
    choices = [Choice(name, name.replace("_", " "), value_of(app.state.room, name)) for name in ROOM_SETTINGS]
    picked = await app.push_screen_wait(Pick(_("Which setting of the room?"), choices))
    return await ask_value(app, picked[0]) if picked else None


async def _edit_agent(app: "ParallelApp", arguments: dict[str, Any]) -> dict[str, Any] | None:
    from tui.dialogs import AgentForm

    agent = app.state.agents.get(arguments["agent"])
    return await app.push_screen_wait(AgentForm(agent, app.desk.actor.role)) or None


async def _pick_receiver(app: "ParallelApp", arguments: dict[str, Any]) -> dict[str, Any] | None:
    from tui.attention import person_of
    from tui.dialogs import Pick
    from tui.handing import addressed, receivers

    handoff = app.state.handoffs.get(arguments.get("handoff", ""))
    giver = handoff.from_agent if handoff is not None else person_of(app.state, app.desk.actor).id
    picked = await app.push_screen_wait(Pick(_("Who is to take it on?"), receivers(app.state, giver=giver)))
    return dict(addressed(picked[0])) if picked else None


async def _pick_answer(app: "ParallelApp", arguments: dict[str, Any]) -> dict[str, Any] | None:
    from core.operations.handoff import HandoffAnswer
    from tui.dialogs import AskLine, Choice, Pick

    del arguments
    choices = [Choice(each.value, each.value) for each in HandoffAnswer]
    picked = await app.push_screen_wait(Pick(_("What do you answer?"), choices))
    if not picked:
        return None
    answer = HandoffAnswer(picked[0])
    if answer is not HandoffAnswer.DECLINE:
        return {"answer": answer}
    reason = await app.push_screen_wait(AskLine(_("Why do you decline it?")))
    return {"answer": answer, "reason": reason} if reason else None


async def _pick_session(app: "ParallelApp", arguments: dict[str, Any]) -> dict[str, Any] | None:
    del arguments
    picked = await _picked_session(app, _("Which session ends?"), only_active=True)
    return {"session": picked} if picked else None


async def _pick_processes(app: "ParallelApp", arguments: dict[str, Any]) -> dict[str, Any] | None:
    from tui.dialogs import Pick

    del arguments
    title, choices, meant = _("Which processes?"), _process_choices(app), _processes_at(app)
    picked = await app.push_screen_wait(Pick(title, choices, multiple=True, selected=meant))
    return {"processes": picked} if picked else None


async def _fill_process(app: "ParallelApp", arguments: dict[str, Any]) -> dict[str, Any] | None:
    from tui.dialogs import ProcessForm

    known = app.state.processes.get(arguments.get("process", ""))
    return await app.push_screen_wait(ProcessForm(known, name=arguments.get("name", ""))) or None


def _processes_at(app: "ParallelApp") -> tuple[str, ...]:
    """Those that the place means, where it is the processes' own."""
    meant = getattr(app.screen, "meant", None)
    return tuple(each.id for each in meant()) if meant is not None else ()


def _process_choices(app: "ParallelApp") -> list[Any]:
    from tui.dialogs import Choice

    found = sorted(app.state.processes.values(), key=lambda each: each.name.casefold())
    return [Choice(each.id, each.name, _(PROCESS_STATES[each.state][1])) for each in found]


_EDITS: Final[Mapping[str, Callable[..., Awaitable[dict[str, Any] | None]]]] = {
    "start_processes": _pick_processes,
    "stop_processes": _pick_processes,
    "restart_processes": _pick_processes,
    "kill_processes": _pick_processes,
    "add_process": _fill_process,
    "edit_process": _fill_process,
    "update_room": _edit_room,
    "update_agent": _edit_agent,
    "create_handoff": _pick_receiver,
    "redirect_handoff": _pick_receiver,
    "acknowledge_handoff": _pick_answer,
    "end_session": _pick_session,
}
"""Operations whose point are arguments that their signature leaves open."""


async def _picked_session(app: "ParallelApp", title: str, *, only_active: bool) -> SessionId | None:
    from tui.dialogs import Choice, Pick

    found = [
        each
        for each in sorted(app.state.sessions.values(), key=lambda each: each.created_at, reverse=True)
        if not only_active or each.state is SessionState.ACTIVE
    ]
    choices = [
        Choice(
            each.id, app.state.agent_name(each.agent_id), f"{_(SESSION_STATES[each.state])}, {clock(each.created_at)}"
        )
        for each in found
    ]
    picked = await app.push_screen_wait(Pick(title, choices))
    return SessionId(picked[0]) if picked else None


async def _picked_handoff(app: "ParallelApp", title: str) -> HandoffId | None:
    from tui.dialogs import Choice, Pick

    names = Names(app.state)
    choices = [
        Choice(each.id, f"{names.task_with_title(each.task_id)} → {names.receiver(each.to_agent, each.to_role)}",
               _(HANDOFF_STATES[each.status]))
        for each in sorted(app.state.handoffs.values(), key=lambda each: each.created_at, reverse=True)
    ]  # fmt: skip
    picked = await app.push_screen_wait(Pick(title, choices))
    return HandoffId(picked[0]) if picked else None


async def ask(app: "ParallelApp", operation: Operation, parameter: Parameter, tasks: list[Task]) -> Any:
    """A value of a required argument: from the cursor, by picking, or by writing. None where the person leaves."""
    from tui.dialogs import AskLine, AskText, Choice, Pick

    is_subject = parameter.name in ("task", "tasks")
    title = f"{operation.name.replace('_', ' ').capitalize()}: {parameter.name.replace('_', ' ')}"
    if is_task(parameter) or is_tasks(parameter):
        several = is_tasks(parameter)
        if is_subject and tasks:
            return tuple(task.id for task in tasks) if several else tasks[0].id
        choices = [
            Choice(task.id, f"#{task.number} {task.title}", status_name(task.status))
            for task in sorted(app.state.tasks.values(), key=lambda each: -each.number)
            if (task.status is Status.ARCHIVED) == (operation.name == "restore_task")
        ]
        picked = await app.push_screen_wait(Pick(title, choices, multiple=several))
        return (tuple(TaskId(each) for each in picked) if several else TaskId(picked[0])) if picked else None
    if bare_type(parameter.annotation) is ProcessRef:
        picked = await app.push_screen_wait(Pick(title, _process_choices(app), selected=_processes_at(app)[:1]))
        return picked[0] if picked else None
    if operation.name == "trust_room":
        from tui.processes.trusting import approved_hash

        return await approved_hash(app)
    if bare_type(parameter.annotation) is int:
        typed = await app.push_screen_wait(AskLine(title, placeholder=parameter.help)) or ""
        return int(typed) if typed.isascii() and typed.isdigit() else None
    if bare_type(parameter.annotation) is SessionId:
        return await _picked_session(app, title, only_active=False)
    if bare_type(parameter.annotation) is HandoffId:
        return await _picked_handoff(app, title)
    if bare_type(parameter.annotation) is Text:
        return await app.push_screen_wait(AskText(title)) or None
    return await app.push_screen_wait(AskLine(title, placeholder=parameter.help)) or None
