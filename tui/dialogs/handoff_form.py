"""The form of a handoff: to whom, where the work stands, what comes next, what to beware of."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input, Select, TextArea

from core.text import for_screen
from storage import Task
from tui.dialogs.base import Dialog
from tui.dialogs.fields import block, field, line, show_problems
from tui.dialogs.pick import Choice
from tui.translation import _, mark

_LISTS: Final = {
    "next_steps": mark("Next steps, one a line"),
    "warnings": mark("Warnings, one a line"),
    "failed_approaches": mark("Failed approaches, one a line"),
}


class HandoffForm(Dialog[dict[str, Any] | None]):
    """Write a handoff of `task`. Gives `to` (the value of a receiver) and the fields of `create_handoff`.

    Args:
        receivers: to whom it may go.
        to: the value of the receiver who is chosen at first.
        draft: what was written before and could not be stored; it stands there again.
    """

    KEYS = mark("ctrl+s hands it over · tab next field · esc cancels")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "save", "Hand over", priority=True)]

    def __init__(
        self, task: Task, receivers: list[Choice], *, to: str | None = None, draft: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(_("Hand over #{number} {title}").format(number=task.number, title=task.title))
        self._receivers = receivers
        self._draft = draft or {}
        to = to or self._draft.get("to")
        values = [each.value for each in receivers]
        self._to = to if to in values else values[0]

    def body(self) -> ComposeResult:
        draft = self._draft
        options = [
            (f"{for_screen(each.label)}  {for_screen(each.hint)}".strip(), each.value) for each in self._receivers
        ]
        with VerticalScroll(id="fields", can_focus=False):
            to = Select(options, value=self._to, allow_blank=False, id="to", compact=True)
            yield from field("to", _("To"), to)
            yield from field("summary", _("Summary: where the work stands"), block("summary", draft.get("summary", "")))
            for name, label in _LISTS.items():
                yield from field(name, _(label), block(name, "\n".join(draft.get(name, ()))))
            with Horizontal(classes="pair"):
                yield from field(
                    "files",
                    _("Files, parted by commas"),
                    line("files", ", ".join(draft.get("files", ())), "src/login.py"),
                )
                yield from field("branch", _("Branch"), line("branch", draft.get("branch") or ""))

    def on_mount(self) -> None:
        self.query_one("#summary", TextArea).focus()

    @property
    def has_unsaved(self) -> bool:
        return any(value for name, value in self._read().items() if name != "to")

    def action_save(self) -> None:
        """Give it back, unless the summary is missing."""
        values = self._read()
        problems = {} if values.get("summary") else {"summary": _("Say where the work stands.")}
        show_problems(self, problems)
        if problems:
            self.query_one("#summary").focus()
        else:
            self.dismiss(values)

    def _read(self) -> dict[str, Any]:
        values: dict[str, Any] = {"to": self.query_one("#to", Select).value}
        values["summary"] = self.query_one("#summary", TextArea).text.strip()
        for name in _LISTS:
            written = self.query_one(f"#{name}", TextArea).text.splitlines()
            values[name] = tuple(each.strip().removeprefix("- ") for each in written if each.strip())
        files = self.query_one("#files", Input).value.split(",")
        values["files"] = tuple(each.strip() for each in files if each.strip())
        values["branch"] = self.query_one("#branch", Input).value.strip() or None
        return values
