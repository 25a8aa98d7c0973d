"""The form of an agent: name, kind, role, description, skills; gives back what differs."""

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input, Select

from core.text import for_screen
from storage import Agent, AgentKind, Role
from tui.dialogs.base import Dialog
from tui.dialogs.field_input import Unreadable, read_labels
from tui.dialogs.fields import field, line, show_problems
from tui.translation import _, mark
from tui.wording import KIND_NAMES


class AgentForm(Dialog[dict[str, Any] | None]):
    """Add an agent, or edit one.

    Args:
        agent: the agent to edit; None for a new one.
        most: the highest role that the person may give: their own.

    Gives the changed fields as arguments of `update_agent`; for a new agent those of `create_agent`.
    """

    KEYS = mark("ctrl+s saves · tab next field · esc cancels")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "save", "Save", priority=True)]

    def __init__(self, agent: Agent | None, most: Role) -> None:
        super().__init__(_("Edit {agent}").format(agent=agent.name) if agent is not None else _("New agent"))
        self._agent = agent
        self._roles = [role for role in Role if role <= most and role is not Role.SYSTEM]
        self._before: dict[str, Any] = {
            "name": agent.name if agent else "",
            "kind": agent.kind if agent else AgentKind.AI,
            "role": agent.role if agent else Role.AGENT,
            "description": agent.description if agent else "",
            "skills": agent.skills if agent else (),
        }

    def body(self) -> ComposeResult:
        before = self._before
        kinds = [(_(word), kind) for kind, word in KIND_NAMES.items()]
        roles = [(role.value, role) for role in dict.fromkeys((*self._roles, before["role"]))]
        with VerticalScroll(id="fields", can_focus=False):
            yield from field("name", _("Name"), line("name", for_screen(before["name"]), "claude-api"))
            with Horizontal(classes="pair"):
                if self._agent is None:
                    kind = Select(kinds, value=before["kind"], allow_blank=False, id="kind", compact=True)
                    yield from field("kind", _("Kind"), kind)
                role = Select(roles, value=before["role"], allow_blank=False, id="role", compact=True)
                yield from field("role", _("Role: what it may do"), role)
            described = line("description", for_screen(before["description"]), _("what it is for, in a sentence"))
            yield from field("description", _("Description"), described)
            skills = line("skills", ", ".join(map(for_screen, before["skills"])), "ui, tests, review")
            yield from field("skills", _("Skills: words of labels; review lets it approve what others did"), skills)

    def on_mount(self) -> None:
        self.query_one("#name", Input).focus()

    @property
    def has_unsaved(self) -> bool:
        values, problems = self._read()
        return bool(set(problems) - {"name"}) or values != self._before

    @on(Input.Changed)
    def check(self) -> None:
        """Show beside each field what is wrong with it."""
        _values, problems = self._read()
        problems.pop("name", None)  # nobody is told off for a name that he has not written yet
        show_problems(self, problems)

    def action_save(self) -> None:
        """Give back what differs, unless something is wrong: then go there."""
        values, problems = self._read()
        show_problems(self, problems)
        if problems:
            self.query_one(f"#{next(iter(problems))}").focus()
            return
        changed = {name: value for name, value in values.items() if value != self._before[name]}
        self.dismiss(values if self._agent is None else changed)

    def _read(self) -> tuple[dict[str, Any], dict[str, str]]:
        before = self._before
        problems: dict[str, str] = {}
        name = self.query_one("#name", Input).value.strip()
        if not name:
            problems["name"] = _("An agent needs a name.")
        description = self.query_one("#description", Input).value.strip()
        skills = before["skills"]
        typed = self.query_one("#skills", Input).value
        if typed != ", ".join(map(for_screen, skills)):
            try:
                skills = read_labels(typed)
            except Unreadable as problem:
                problems["skills"] = str(problem)
        values = {
            "name": before["name"] if name == for_screen(before["name"]) else name,
            "kind": self.query_one("#kind", Select).value if self._agent is None else before["kind"],
            "role": self.query_one("#role", Select).value,
            "description": before["description"] if description == for_screen(before["description"]) else description,
            "skills": skills,
        }
        return values, problems
