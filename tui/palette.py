"""The command palette: every action of the place, every operation as its declaration allows, every theme.

An operation's arguments are found by their types: a task from the cursor or the selection, an enum as one entry a
value, agents from the room, required texts by asking. What is optional is left out.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from rapidfuzz import fuzz
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from core.agents.sessions import Secret
from core.operation import Line, Moment, Operation, Parameter, ProcessRef, Text, bare_type, is_optional
from core.operations import load
from core.text import for_screen
from storage import AgentId, ChangeId, HandoffId, Role, SessionId, Status, Task
from tui.actions import APP_ACTIONS, Action
from tui.asking import ask, ask_more, is_task, is_tasks
from tui.keymap import keys_of
from tui.submit import submit, submit_many
from tui.translation import _, ngettext
from tui.wording import status_name

if TYPE_CHECKING:
    from tui.app import ParallelApp

DOOR = "palette"
"""The name of this door in an operation's `not_at`."""

LEAST_SCORE = 55

_SHOWN_AT: Final = {
    "list_events": "history", "get_board": "board", "list_agents": "agents", "list_sessions": "agents",
    "list_handoffs": "handoffs", "list_runs": "queue", "list_metrics": "metrics", "list_alerts": "alerts",
    "list_processes": "processes", "get_process": "processes", "get_usage": "metrics", "get_flow": "metrics",
}  # fmt: skip
"""Questions whose answer is a screen."""


@dataclass(frozen=True, slots=True)
class Command:
    """One entry: what it is called, what it does in a sentence, and the doing."""

    title: str
    help: str
    run: Callable[[], Any]


class PlaceCommands(Provider):
    """The commands of the place from which the palette was opened."""

    async def startup(self) -> None:
        self._commands = all_commands(cast("ParallelApp", self.app), self.screen)

    async def discover(self) -> Hits:
        for command in self._commands:
            yield DiscoveryHit(Content(command.title), command.run, text=command.title, help=command.help)

    async def search(self, query: str) -> Hits:
        needle = query.casefold()
        for command in self._commands:
            score = _score(needle, command)
            if score >= LEAST_SCORE:
                yield Hit(score / 100, Content(command.title), command.run, text=command.title, help=command.help)


def all_commands(app: "ParallelApp", screen: Any) -> list[Command]:
    """Every entry at a place."""
    return [*_of_actions(app, screen), *_of_operations(app, screen), *_of_themes(app)]


def _score(needle: str, command: Command) -> float:
    title = command.title.casefold()
    if title.startswith(needle):
        return 100
    if needle in title:
        return 95
    words = needle.split()
    text = f"{title} {command.help.casefold()}"
    if all(word in text for word in words):
        return 80 if all(word in title for word in words) else 60
    return fuzz.partial_ratio(needle, title) * 0.75 if len(needle) >= 3 else 0


# actions


def _of_actions(app: "ParallelApp", screen: Any) -> Iterator[Command]:
    actions: tuple[Action, ...] = (*getattr(screen, "ACTIONS", ()), *APP_ACTIONS)
    for action in actions:
        if action.in_palette:
            keys = " ".join(app.get_key_display_of(key) for key in keys_of(action, app.settings.keys)[:2])
            yield Command(f"{_(action.title)}  ({keys})", _(action.help), _runner(app, screen, action))


def _runner(app: "ParallelApp", screen: Any, action: Action) -> Callable[[], Awaitable[Any]]:
    async def run() -> None:
        await app.run_action(action.action, screen)

    return run


def _of_themes(app: "ParallelApp") -> Iterator[Command]:
    for name in sorted(app.available_themes):
        yield Command(
            _("Theme: {name}").format(name=name),
            _("Change the colours, and remember it."),
            partial(app.change_settings, theme=name),
        )


# operations


def offered() -> list[Operation]:
    """The operations that the palette offers."""
    return [operation for operation in load().values() if DOOR not in operation.not_at]


def _of_operations(app: "ParallelApp", screen: Any) -> Iterator[Command]:
    tasks = _tasks_at(screen)
    for operation in offered():
        yield from commands_of(app, operation, tasks)


def _tasks_at(screen: Any) -> list[Task]:
    """The selection of the place, else the task under its cursor."""
    selected = getattr(screen, "selected_tasks", None)
    tasks = list(selected()) if selected is not None else []
    if not tasks and (current := getattr(screen, "current_task", None)) is not None:
        task = current()
        tasks = [task] if task is not None else []
    return tasks


def commands_of(app: "ParallelApp", operation: Operation, tasks: list[Task]) -> Iterator[Command]:
    """The entries of one operation: one, or one a value of its first enum or agent."""
    required = [each for each in operation.parameters if each.is_required]
    takes_tasks = any(is_task(each) or is_tasks(each) for each in required)
    name = operation.name.replace("_", " ").capitalize()
    subject = f" {_numbers(tasks)}" if takes_tasks and tasks else ""
    choice = next((each for each in required if _choices(app, each) is not None), None)
    if choice is None:
        title = f"{_verb(name) if subject else name}{subject}" + ("…" if _asks(required, tasks) else "")
        yield Command(title, _(operation.summary), _caller(app, operation, tasks, {}))
        return
    for value, label in _choices(app, choice) or ():
        verb = f"{_verb(name)}{subject} {choice.name.replace('_', ' ')} {label}" if subject else (
            f"{name} {choice.name.replace('_', ' ')} {label}…"
        )  # fmt: skip
        yield Command(verb, _(operation.summary), _caller(app, operation, tasks, {choice.name: value}))


def _verb(name: str) -> str:
    """The name of an operation without the noun that the task's number stands for: `Move` for `Move task`."""
    return name.removesuffix(" tasks").removesuffix(" task")


def _choices(app: "ParallelApp", parameter: Parameter) -> list[tuple[Any, str]] | None:
    bare = bare_type(parameter.annotation)
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        values = [each for each in bare if each is not Status.ARCHIVED]
        return [(each, status_name(each)) for each in values]
    if bare is AgentId:
        people = [
            (agent.id, for_screen(agent.name)) for agent in app.state.agents.values() if agent.role is not Role.SYSTEM
        ]
        nobody = [("nobody", _("nobody"))] if is_optional(parameter.annotation) else []
        return sorted(people, key=lambda each: each[1].casefold()) + nobody or [("me", _("me"))]
    return None


_ASKED_FOR: Final = (Line, Text, Moment, ChangeId, SessionId, HandoffId, ProcessRef, Path, int, date, str)


def _asks(required: list[Parameter], tasks: list[Task]) -> bool:
    return any(
        bare_type(each.annotation) in _ASKED_FOR
        or (each.name not in ("task", "tasks") and (is_task(each) or is_tasks(each)))
        or ((is_task(each) or is_tasks(each)) and not tasks)
        for each in required
    )


def _numbers(tasks: list[Task]) -> str:
    return f"#{tasks[0].number}" if len(tasks) == 1 else (
        ngettext("{count} task", "{count} tasks", len(tasks)).format(count=len(tasks))
    )  # fmt: skip


def _caller(
    app: "ParallelApp", operation: Operation, tasks: list[Task], known: dict[str, Any]
) -> Callable[[], None]:  # fmt: skip
    def start() -> None:
        app.run_worker(app.attempt(_call(app, operation, tasks, dict(known))), group="palette", exit_on_error=False)

    return start


async def _call(app: "ParallelApp", operation: Operation, tasks: list[Task], arguments: dict[str, Any]) -> None:
    for parameter in operation.parameters:
        if parameter.is_required and parameter.name not in arguments:
            value = await ask(app, operation, parameter, tasks)
            if value is None:
                return
            arguments[parameter.name] = value
    edit = await ask_more(app, operation, arguments)
    if edit is None:
        return
    arguments |= edit
    names = {each.name for each in operation.parameters}
    if operation.changes and arguments.get("task") in app.state.tasks:
        base = app.state.tasks[arguments.pop("task")]
        outcome = await submit(app, operation.name, base, **arguments)
    elif "expected_versions" in names:
        bases = [app.state.tasks[each] for each in arguments.pop("tasks")]
        outcome = await submit_many(app, operation.name, bases, **arguments)
    else:
        outcome = await app.desk.call(operation.name, **arguments)
    if outcome is not None:
        _show(app, operation, outcome.value)


def _show(app: "ParallelApp", operation: Operation, value: Any) -> None:
    task = value if isinstance(value, Task) else getattr(value, "task", None)
    if isinstance(token := getattr(value, "token", None), Secret):
        from tui.dialogs import ShowToken

        app.push_screen(ShowToken(app.state.agent_name(value.session.agent_id), token))
        return
    if operation.name in _SHOWN_AT:
        app.run_worker(app.action_go(_SHOWN_AT[operation.name]), exit_on_error=False)
        return
    if not operation.changes and isinstance(task, Task):
        from tui.screens.task import TaskScreen

        app.push_screen(TaskScreen(task.id))
    else:
        app.tell(_told(operation, value))


def _told(operation: Operation, value: Any) -> str:
    what = operation.name.replace("_", " ").capitalize()
    if isinstance(value, tuple):
        names = [_name(each) for each in value]
        listed = ", ".join(names[:12]) or _("none")
        if len(names) > 12:
            listed = _("{names} and {count} more").format(names=listed, count=len(names) - 12)
        return f"{what}: {listed}"
    return f"{what}: {_name(value)}"


def _name(value: Any) -> str:
    if isinstance(value, Task):
        return f"#{value.number} {for_screen(value.title)}"
    inner = getattr(value, "agent", None) or getattr(value, "process", None) or value
    return for_screen(str(getattr(inner, "name", None) or getattr(inner, "id", None) or _("done")))
