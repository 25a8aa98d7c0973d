"""The form of a process that room.yaml does not declare: what runs, where, and when again; gives back what differs."""

import shlex
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Select, TextArea

from core.operation import OnOff
from core.text import for_screen
from storage import Backend, Process, ProcessKind, ProcessSpec, RestartPolicy
from tui.dialogs.base import Dialog
from tui.dialogs.fields import block, field, line, show_problems
from tui.translation import _, mark

_PROGRAM: Final = "program"
_SHELL: Final = "shell"
_KINDS: Final = {
    ProcessKind.SERVICE: mark("service"), ProcessKind.WORKER: mark("worker: runs tasks' commands"),
    ProcessKind.AGENT: mark("an agent's program"),
}  # fmt: skip
_NUMBERS: Final = {"instances": (1, 64), "capacity": (1, 1000), "stop_grace_seconds": (0, 3600)}


class ProcessForm(Dialog[dict[str, Any] | None]):
    """Add a process, or edit one.

    Args:
        process: the process to edit; None for a new one.
        name: what a new one is called to begin with.

    Gives the changed fields as arguments of `edit_process`; for a new one those of `add_process`.
    """

    KEYS = mark("ctrl+s saves · tab next field · esc cancels")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "save", "Save", priority=True)]

    def __init__(self, process: Process | None, *, name: str = "") -> None:
        super().__init__(_("Edit {process}").format(process=process.name) if process is not None else _("New process"))
        self._process = process
        self._typed_before = typed_of(process)
        self._name_before = name

    def body(self) -> ComposeResult:
        typed = self._typed_before
        kinds = [(_(word), kind.value) for kind, word in _KINDS.items()]
        with VerticalScroll(id="fields", can_focus=False):
            if self._process is None:
                with Horizontal(classes="pair"):
                    yield from field("name", _("Name"), line("name", self._name_before, "web"))
                    yield from field("kind", _("Kind"), self._select("kind", kinds))
            yield from field("command", _("Command"), line("command", typed["command"], "npm run dev"))
            with Horizontal(classes="pair"):
                ways = [(_("program and arguments"), _PROGRAM), (_("line for /bin/sh"), _SHELL)]
                yield from field("way", _("It is"), self._select("way", ways))
                yield from field("cwd", _("Directory, in the room"), line("cwd", typed["cwd"], "."))
            with Horizontal(classes="pair"):
                backends = [(each.value, each.value) for each in Backend if each is not Backend.WEZTERM]
                yield from field("backend", _("Backend"), self._select("backend", backends))
                policies = [(each.value, each.value) for each in RestartPolicy]
                yield from field("restart", _("Starts again"), self._select("restart", policies))
            with Horizontal(classes="pair"):
                on_off = [(_("yes"), OnOff.ON.value), (_("no"), OnOff.OFF.value)]
                yield from field("autostart", _("Starts by itself"), self._select("autostart", on_off))
                yield from field("restartable", _("Agents may restart it"), self._select("restartable", on_off))
            yield from field(
                "depends_on", _("Depends on"), line("depends_on", typed["depends_on"], "db=healthy, migrate=completed")
            )
            with Horizontal(classes="pair"):
                yield from field(
                    "ready_http", _("Ready when this URL answers"), line("ready_http", typed["ready_http"])
                )
                yield from field("ready_tcp", _("… this host:port accepts"), line("ready_tcp", typed["ready_tcp"]))
            yield from field(
                "ready_log", _("… a line of output matches"), line("ready_log", typed["ready_log"], "listening on .*")
            )
            with Horizontal(classes="pair"):
                yield from field("labels", _("Labels"), line("labels", typed["labels"], "backend, test"))
                yield from field("env_file", _("File of variables"), line("env_file", typed["env_file"], ".env"))
            yield from field("env", _("Variables, one a line: NAME=VALUE; no secrets"), block("env", typed["env"]))
            with Horizontal(classes="pair"):
                yield from field("stop_signal", _("Stop signal"), line("stop_signal", typed["stop_signal"]))
                yield from field(
                    "stop_grace_seconds", _("Seconds to stop"), line("stop_grace_seconds", typed["stop_grace_seconds"])
                )
            with Horizontal(classes="pair"):
                yield from field("capacity", _("Tasks at once"), line("capacity", typed["capacity"]))
                if self._process is None:
                    yield from field("instances", _("Instances"), line("instances", typed["instances"]))

    def _select(self, name: str, options: list[tuple[str, str]]) -> Widget:
        return Select(options, value=self._typed_before[name], allow_blank=False, id=name, compact=True)

    def on_mount(self) -> None:
        self.query_one("#name" if self._process is None else "#command", Input).focus()

    @property
    def has_unsaved(self) -> bool:
        return self._typed() != self._typed_before

    @on(Input.Changed)
    def check(self) -> None:
        """Show beside each field what is wrong with it."""
        _values, problems = self._read()
        for name in ("name", "command"):
            if not self._typed().get(name):
                problems.pop(name, None)  # nobody is told off for what he has not written yet
        show_problems(self, problems)

    def action_save(self) -> None:
        """Give back what differs, unless something is wrong: then go there."""
        values, problems = self._read()
        show_problems(self, problems)
        if problems:
            self.query_one(f"#{next(iter(problems))}").focus()
            return
        self.dismiss(values)

    def _typed(self) -> dict[str, str]:
        typed = {}
        for name in self._typed_before:
            for widget in self.query(f"#{name}"):
                if isinstance(widget, TextArea):
                    typed[name] = widget.text
                elif isinstance(widget, Input):
                    typed[name] = widget.value
                elif isinstance(widget, Select):
                    typed[name] = str(widget.value)
        return {name: typed.get(name, before) for name, before in self._typed_before.items()}

    def _read(self) -> tuple[dict[str, Any], dict[str, str]]:
        typed, problems = self._typed(), dict[str, str]()
        is_new = self._process is None
        differing = {name for name, text in typed.items() if text != self._typed_before[name]}
        values: dict[str, Any] = {}
        is_worker = typed["kind"] == ProcessKind.WORKER
        if is_new:
            values["name"] = typed["name"].strip()
            if not values["name"]:
                problems["name"] = _("A process needs a name.")
            values["kind"] = ProcessKind(typed["kind"])
        if is_new or differing & {"command", "way"}:
            self._read_command(typed, values, problems, is_worker=is_worker)
        for name in differing - {"name", "kind", "command", "way"}:
            text = typed[name].strip()
            if name in _NUMBERS:
                least, most = _NUMBERS[name]
                if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
                    problems[name] = _("A number from {least} to {most:,}.").format(least=least, most=most)
                else:
                    values[name] = int(text)
            elif name in ("labels", "depends_on"):
                values[name] = tuple(each.strip() for each in text.split(",") if each.strip())
            elif name == "env":
                values[name] = tuple(each.strip() for each in text.splitlines() if each.strip())
                if any("=" not in each for each in values[name]):
                    problems[name] = _("Each line is NAME=VALUE.")
            elif name in ("autostart", "restartable"):
                values[name] = OnOff(text)
            elif name == "backend":
                values[name] = Backend(text)
            elif name == "restart":
                values[name] = RestartPolicy(text)
            elif name == "cwd":
                values[name] = text or "."
            else:
                values[name] = text or None
        return values, problems

    def _read_command(
        self, typed: dict[str, str], values: dict[str, Any], problems: dict[str, str], *, is_worker: bool
    ) -> None:  # fmt: skip
        text = typed["command"].strip()
        if not text:
            if not is_worker:
                problems["command"] = _("Write what runs.")
        elif is_worker:
            problems["command"] = _("A worker has no command of its own.")
        elif typed["way"] == _SHELL:
            values["shell"] = text
        else:
            try:
                values["command"] = tuple(shlex.split(text))
            except ValueError:
                problems["command"] = _("A quotation mark is not closed.")


def typed_of(process: Process | None) -> dict[str, str]:
    """What stands in the fields of an untouched form."""
    spec = process.spec if process is not None else ProcessSpec()
    ready = spec.readiness
    return {
        "name": "",
        "kind": spec.kind.value,
        "command": for_screen(spec.shell if spec.shell is not None else shlex.join(spec.command)),
        "way": _SHELL if spec.shell is not None else _PROGRAM,
        "cwd": for_screen(spec.cwd),
        "backend": spec.backend.value,
        "restart": spec.restart.policy.value,
        "autostart": (OnOff.ON if spec.autostart else OnOff.OFF).value,
        "restartable": (OnOff.ON if spec.is_restartable else OnOff.OFF).value,
        "depends_on": ", ".join(
            name if condition == "started" else f"{name}={condition}" for name, condition in spec.depends_on.items()
        ),
        "ready_http": (ready.http or "") if ready else "",
        "ready_tcp": (ready.tcp or "") if ready else "",
        "ready_log": (ready.log_line or "") if ready else "",
        "labels": ", ".join(spec.labels),
        "env_file": spec.env_file or "",
        "env": "\n".join(f"{name}={value}" for name, value in spec.env.items()),
        "stop_signal": spec.stop_signal,
        "stop_grace_seconds": f"{spec.stop_grace_seconds:g}",
        "capacity": str(spec.capacity),
        "instances": "1",
    }
