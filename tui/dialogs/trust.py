"""The dialog in which a person approves a room.yaml: what it would run, and the whole file as it is."""

import shlex
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from core.processes.declaration import Declared
from core.text import block_for_screen, for_screen
from storage import Process, ProcessKind
from tui.dialogs.base import Dialog
from tui.translation import _, mark, ngettext
from tui.wording import MUTED


class TrustDialog(Dialog[bool]):
    """Gives True where the person approves exactly the content that is shown.

    Args:
        declared: what it declares; nothing where it has problems, and then it cannot be approved.
        present: the processes that there are, to tell what is new.
        is_trusted: it is approved already; approving again does no harm.
        anew: the names of those that approving starts anew.
    """

    KEYS = mark("↑ ↓ pgup pgdn scroll · y approves · n, esc leave it")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "approve", "Approve"),
        Binding("n", "leave", "Leave"),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,space", "scroll(12)", show=False),
        Binding("pageup", "scroll(-12)", show=False),
        Binding("left,h", "app.focus_previous", show=False),
        Binding("right,l", "app.focus_next", show=False),
    ]

    def __init__(
        self, path: Path, content: bytes, declared: Sequence[Declared], problems: Sequence[str],
        present: Sequence[Process], *, is_trusted: bool, anew: Collection[str] = (),
    ) -> None:  # fmt: skip
        super().__init__(_("Approve {path}?").format(path=path))
        self._content = block_for_screen(content.decode(errors="replace"))
        self._declared = declared
        self._problems = problems
        self._present = {each.declared_name: each for each in present if each.is_declared}
        self._is_trusted = is_trusted
        self._anew = anew

    def body(self) -> ComposeResult:
        with VerticalScroll(id="shown", can_focus=False):
            yield Static(self._told(), id="told", markup=False)
        with Horizontal(id="buttons"):
            yield Button(
                Content(_("Approve")), id="yes", variant="primary", compact=True, disabled=bool(self._problems)
            )
            yield Button(Content(_("Not now")), id="no", compact=True)

    def on_mount(self) -> None:
        # whoever presses enter without reading approves nothing
        self.query_one("#no").focus()
        if self._problems:
            self.query_one("#keys", Static).update(_("↑ ↓ pgup pgdn scroll · n, esc leave it"))

    def _told(self) -> Content:
        lines: list[Content] = []
        if self._problems:
            lines.append(Content.styled(_("It cannot be understood, and so not be approved:"), "bold $text-error"))
            lines += [Content.styled(f"  {for_screen(each)}", "$text-error") for each in self._problems]
        else:
            if self._is_trusted:
                lines += [Content.styled(_("It is approved as it is."), "$text-success"), Content("")]
            count = len(self._declared)
            title = ngettext("It declares {count} process:", "It declares {count} processes:", count)
            lines.append(Content.styled(title.format(count=count), "bold"))
            lines += [self._line(each) for each in self._declared]
            names = {each.name for each in self._declared}
            gone = sorted(name for name in self._present if name not in names)
            if gone:
                said = _("No longer declared, so stopped: {names}").format(names=", ".join(map(for_screen, gone)))
                lines.append(Content.styled(said, "$text-warning"))
        lines += [Content(""), Content.styled(_("The whole file:"), "bold")]
        digits = len(str(self._content.count("\n") + 1))
        lines += [
            Content.assemble((f"{number:>{digits}} ", MUTED), line)
            for number, line in enumerate(self._content.splitlines(), start=1)
        ]
        return Content("\n").join(lines)

    def _line(self, each: Declared) -> Content:
        spec = each.spec
        known = self._present.get(each.name)
        word = _("new") if known is None else _("as before") if known.spec == spec else _("changed")
        if each.name in self._anew:
            word = f"{word}, {_('starts anew')}"
        runs = spec.shell if spec.shell is not None else shlex.join(spec.command)
        if spec.kind is ProcessKind.WORKER:
            runs = _("a worker for tasks' commands")
        more = "".join(
            [
                f" ×{each.instances}" if each.instances > 1 else "",
                "  " + _("in {directory}").format(directory=for_screen(spec.cwd)) if spec.cwd != "." else "",
                "" if spec.autostart else "  " + _("does not start by itself"),
            ]
        )
        return Content.assemble(
            f"  {for_screen(each.name)}  ", (for_screen(runs), "$text-accent"), (f"{more}  {word}", MUTED)
        )

    @on(Button.Pressed)
    def pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_approve(self) -> None:
        """Approve what is shown."""
        if not self._problems:
            self.dismiss(True)

    def action_scroll(self, lines: int) -> None:
        """Scroll what is shown."""
        self.query_one("#shown", VerticalScroll).scroll_relative(y=lines, animate=False)

    def leave(self) -> None:
        self.dismiss(False)
