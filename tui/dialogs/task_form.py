"""The form of a task: all fields that can be edited, checked as one types; gives back what differs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Select, TextArea

from core.text import for_screen
from storage import AgentId, Priority, Status, Task
from tui.board_state import BoardState
from tui.dialogs.base import Dialog
from tui.dialogs.field_input import (
    Unreadable,
    read_attempts,
    read_dependencies,
    read_due,
    read_estimate,
    read_labels,
    read_parent,
    read_seconds,
    read_title,
    write_dependencies,
    write_estimate,
    write_seconds,
)
from tui.dialogs.fields import field, line, show_problems
from tui.translation import _, mark
from tui.wording import priority_name, status_name

NOBODY = AgentId("")
"""The value of the assignee's list that stands for nobody; Textual's Select keeps None for itself."""


class TaskForm(Dialog[dict[str, Any] | None]):
    """Edit a task, or fill in a new one. Leaving with changes asks first.

    Args:
        task: the task to edit; None for a new one.
        status: the column of a new one.
        draft: fields that were written before and could not be saved; they stand there again, as unsaved.

    Gives the changed fields as arguments of `update_task`; for a new task those of `create_task`.
    """

    KEYS = mark("ctrl+s saves · tab next field · ctrl+t picks tasks · esc cancels")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", priority=True),
        Binding("ctrl+t", "pick_dependencies", "Pick tasks", priority=True),
    ]

    def __init__(
        self,
        task: Task | None,
        state: BoardState,
        *,
        status: Status | None = None,
        draft: Mapping[str, Any] | None = None,
    ) -> None:
        self._edited = task
        self._written = replace(task, **draft) if task is not None and draft else task
        self._state = state
        self._status = status or Status.BACKLOG
        super().__init__(
            _("Edit #{number}").format(number=task.number)
            if task is not None
            else _("New task in {column}").format(column=status_name(self._status))
        )
        self._before = self._values_of(task)
        self._begun = self._values_of(self._written)

    def body(self) -> ComposeResult:
        typed = _typed_of(self._written, self._state)
        with VerticalScroll(id="fields", can_focus=False):
            yield from field("title", _("Title"), line("title", typed["title"], _("what is to be done")))
            yield from field("description", _("Description (Markdown)"), self._description(typed["description"]))
            with Horizontal(classes="pair"):
                yield from field("priority", _("Priority"), self._priorities())
                yield from field("assignee", _("Assignee"), self._people())
            with Horizontal(classes="pair"):
                yield from field("labels", _("Labels"), line("labels", typed["labels"], "bug, ui"))
                yield from field("dependencies", _("Waits for"), line("dependencies", typed["dependencies"], "#3, #7"))
            with Horizontal(classes="pair"):
                yield from field(
                    "estimate_minutes", _("Estimate"), line("estimate_minutes", typed["estimate_minutes"], "1h 30m")
                )
                yield from field("due", _("Due"), line("due", typed["due"], "2026-12-01, tomorrow, +3"))
            with Horizontal(classes="pair"):
                yield from field("parent", _("Part of"), line("parent", typed["parent"], "#12"))
                yield from field("attempts", _("Attempts of its command"), line("attempts", typed["attempts"], "1"))
            yield from field(
                "time_limit_seconds",
                _("Time limit of its command"),
                line("time_limit_seconds", typed["time_limit_seconds"], "90s, 10m, 2h"),
            )
            yield from field(
                "command", _("Command"), line("command", typed["command"], _("a shell line that does the work"))
            )

    def on_mount(self) -> None:
        self.query_one("#title", Input).focus()

    @property
    def has_unsaved(self) -> bool:
        values, problems = self._read()
        return bool(problems) or values != self._before

    @on(Input.Changed)
    @on(TextArea.Changed)
    def check(self) -> None:
        """Show beside each field what is wrong with it."""
        _, problems = self._read()
        if "title" in problems and self._edited is None and not self.query_one("#title", Input).value:
            del problems["title"]  # nobody is told off for a title that he has not begun to write
        show_problems(self, problems)

    def action_save(self) -> None:
        """Give back what differs, unless something is wrong: then go there."""
        values, problems = self._read()
        show_problems(self, problems)
        if problems:
            self.query_one(f"#{next(iter(problems))}").focus()
            return
        changed = {name: value for name, value in values.items() if value != self._before[name]}
        if self._edited is None:
            changed = {"title": values["title"], "status": self._status, **changed}
        self.dismiss(changed)

    def action_pick_dependencies(self) -> None:
        """Pick the tasks to wait for by name."""
        from tui.dialogs.pick import Choice, Pick

        own = self._edited.id if self._edited else None
        choices = [
            Choice(str(task.number), f"#{task.number} {task.title}", status_name(task.status))
            for task in sorted(self._state.tasks.values(), key=lambda each: -each.number)
            if task.status is not Status.ARCHIVED and task.id != own
        ]
        typed = self.query_one("#dependencies", Input)
        numbers = [word.removeprefix("#") for word in typed.value.replace(",", " ").split()]
        self.app.push_screen(Pick(_("Wait for which tasks?"), choices, multiple=True, selected=numbers), self._picked)

    def _picked(self, numbers: tuple[str, ...] | None) -> None:
        if numbers is not None:
            self.query_one("#dependencies", Input).value = write_dependencies(int(number) for number in numbers)

    def _read(self) -> tuple[dict[str, Any], dict[str, str]]:
        """The values, and what is wrong, both by field."""
        own = self._edited.id if self._edited else None
        today = datetime.now().astimezone().date()
        readers: dict[str, Callable[[str], Any]] = {
            "title": read_title,
            "labels": read_labels,
            "dependencies": lambda text: read_dependencies(text, self._state.by_number, own),
            "estimate_minutes": read_estimate,
            "due": lambda text: read_due(text, today),
            "command": lambda text: text.strip() or None,
            "parent": lambda text: read_parent(text, self._state.by_number, own),
            "attempts": read_attempts,
            "time_limit_seconds": read_seconds,
        }
        typed = _typed_of(self._edited, self._state)
        values: dict[str, Any] = {}
        problems: dict[str, str] = {}
        for name, read in readers.items():
            text = self.query_one(f"#{name}", Input).value
            try:
                # What was not touched stays exactly as it is, whatever reading it again would make of it.
                values[name] = self._before[name] if self._edited and text == typed[name] else read(text)
            except Unreadable as problem:
                problems[name] = str(problem)
        text = self.query_one(TextArea).text
        values["description"] = self._before["description"] if text == typed["description"] else text
        values["priority"] = self.query_one("#priority", Select).value
        values["assignee"] = self.query_one("#assignee", Select).value or None
        return values, problems

    def _values_of(self, task: Task | None) -> dict[str, Any]:
        if task is None:
            return {
                "title": "", "description": "", "priority": Priority.NORMAL, "labels": (), "dependencies": (),
                "assignee": None, "estimate_minutes": None, "due": None, "command": None, "parent": None, "attempts": 1,
                "time_limit_seconds": None,
            }  # fmt: skip
        return {name: getattr(task, name) for name in self._values_of(None)}

    def _description(self, text: str) -> Widget:
        return TextArea(text, id="description", highlight_cursor_line=False)

    def _priorities(self) -> Widget:
        options = [(priority_name(priority).capitalize(), priority) for priority in reversed(Priority)]
        return Select(options, value=self._begun["priority"], allow_blank=False, id="priority", compact=True)

    def _people(self) -> Widget:
        people = sorted(self._state.agents.values(), key=lambda agent: agent.name.casefold())
        options: list[tuple[Content | str, AgentId]] = [(_("nobody"), NOBODY)]
        options += [(Content(for_screen(agent.name)), agent.id) for agent in people]
        assignee = self._begun["assignee"]
        known = assignee if assignee in self._state.agents else NOBODY
        return Select(options, value=known, allow_blank=False, id="assignee", compact=True)


def _typed_of(task: Task | None, state: BoardState) -> dict[str, str]:
    """What stands in the fields of an untouched form."""
    if task is None:
        empty = ("title", "description", "labels", "dependencies", "estimate_minutes", "due", "command", "parent")
        return {**dict.fromkeys(empty, ""), "attempts": "", "time_limit_seconds": ""}
    numbers = [state.tasks[need].number for need in task.dependencies if need in state.tasks]
    return {
        "title": for_screen(task.title),
        "description": task.description,
        "labels": ", ".join(for_screen(label) for label in task.labels),
        "dependencies": write_dependencies(numbers),
        "estimate_minutes": write_estimate(task.estimate_minutes),
        "due": task.due.isoformat() if task.due else "",
        "command": for_screen(task.command or ""),
        "parent": write_dependencies([state.tasks[task.parent].number] if task.parent in state.tasks else []),
        "attempts": str(task.attempts) if task.attempts > 1 else "",
        "time_limit_seconds": write_seconds(task.time_limit_seconds),
    }
