"""All there is to one process: how it is declared, how it is, what needs what, how it has ended, what it prints."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from textual.content import Content

from core.metrics.proctable import ProcessRow
from core.processes.entry import entry_of
from core.processes.secrets import looks_secret
from core.text import for_screen
from storage import Event, Probe, Process, ProcessKind, ProcessSpec, ProcessState
from tui.processes.counting import is_up
from tui.processes.rows import Seen, cpu_text, memory_text, reason_of, state_part, state_word
from tui.processes.view import natural
from tui.reasons import reason_text
from tui.translation import _, mark, ngettext
from tui.widgets.sparkline import sparkline
from tui.wording import MUTED, PROCESS_STATES, age, clock

MASK: Final = "••••••"
CHILDREN_SHOWN: Final = 40
EXITS_SHOWN: Final = 12
LEVELS: Final = 3
_KINDS: Final = {
    ProcessKind.SERVICE: mark("service"), ProcessKind.WORKER: mark("worker"), ProcessKind.AGENT: mark("agent program"),
}  # fmt: skip
_STYLES: Final = {
    "error": "bold $text-error", "warning": "bold $text-warning", "good": "bold $text-success",
    "accent": "bold $text-accent", "dim": MUTED, "plain": "", "strong": "bold",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """What was read of a process beyond its row: how it has ended, newest first, and its last lines of output."""

    exits: tuple[Event, ...] = ()
    lines: tuple[str, ...] = ()


def describe(
    seen: Seen, known: Known, tree: Sequence[ProcessRow], others: Sequence[Process], now: datetime
) -> Content:  # fmt: skip
    """The text of the details.

    Args:
        tree: the process and its descendants as the machine has them.
        others: all processes of the room, itself among them.
    """
    process = seen.process
    spec = process.spec
    lines = [
        Content.assemble((for_screen(process.name), "bold $text-primary"), f"   {_heading(process)}"),
        Content.assemble((state_word(seen), _STYLES[state_part(seen)]), (f"  {_since(process, now)}", MUTED)),
    ]
    if reason := reason_of(process):
        lines.append(Content.styled(reason, _STYLES["warning"] if not is_up(process) else ""))
    lines += _facts(seen, now)
    lines += [Content(f"#{task.number} {for_screen(task.title)}") for task in seen.tasks]
    lines += _section(_("Last output"), [Content(line) for line in known.lines])
    lines += _section(_("Its processes"), _tree_lines(tree))
    lines += _section(_("Probes"), _probe_lines(process))
    lines += _section(_("Depends on and is needed by"), graph_lines(process, others))
    lines += _section(_("How it has ended"), [_exit_line(each) for each in known.exits[:EXITS_SHOWN]])
    lines += _section(_("Environment"), [_fact(name, value) for name, value in environment_of(spec)])
    lines += _section(_("Declaration"), _spec_lines(spec))
    return Content("\n").join(lines)


def ages_of(process: Process, now: datetime) -> tuple[str, ...]:
    """All that the time alone changes in the text of the details."""
    return tuple(age(each, now) for each in (process.state_at, process.started_at) if each is not None)


def _heading(process: Process) -> str:
    spec = process.spec
    parts = [_(_KINDS[spec.kind]), spec.backend.value]
    if process.is_declared:
        parts.append("room.yaml")
    else:
        parts.append(_("added by hand"))
    parts += [f"@{for_screen(label)}" for label in spec.labels]
    return " · ".join(parts)


def _since(process: Process, now: datetime) -> str:
    return _("for {age}").format(age=age(process.state_at, now))


def _facts(seen: Seen, now: datetime) -> list[Content]:
    process, usage = seen.process, seen.usage
    facts: list[Content] = []
    if is_up(process) and process.pid is not None:
        up = _("up for {age}").format(age=age(process.started_at, now)) if process.started_at else ""
        facts.append(_fact("pid", f"{process.pid}  {up}"))
    if usage.cpu:
        facts.append(Content.assemble(
            ("CPU ", MUTED), f"{cpu_text(usage.cpu_percent):>5} %  ",
            (sparkline(usage.cpu, 30, high=max(20.0, *(each or 0.0 for each in usage.cpu))), "$text-accent"),
        ))  # fmt: skip
        threads = ngettext("{count} thread", "{count} threads", usage.threads).format(count=usage.threads)
        facts.append(Content.assemble(
            ("RAM ", MUTED), f"{memory_text(usage.memory_bytes):>7}  ",
            (sparkline(usage.memory, 30, high=max(usage.memory) * 1.4 or 1.0), "$foreground 55%"),
            (f"  {threads}", MUTED),
        ))  # fmt: skip
    if process.restarts:
        facts.append(_fact(_("restarts"), str(process.restarts)))
    return facts


def environment_of(spec: ProcessSpec) -> list[tuple[str, str]]:
    """The declared variables, what looks secret masked."""
    shown = {name: MASK if looks_secret(name, value) else for_screen(value) for name, value in spec.env.items()}
    source = _("from room.yaml, never stored")
    shown |= dict.fromkeys(spec.secret_env, f"{MASK}  {source}")
    lines = [(for_screen(name), shown[name]) for name in sorted(shown)]
    if spec.env_file:
        lines.append((_("and from"), for_screen(spec.env_file)))
    return lines


def _spec_lines(spec: ProcessSpec) -> list[Content]:
    entry = entry_of(spec)
    if spec.env:
        entry.pop("env", None)  # shown above, masked
    return [_fact(key, told(key, value)) for key, value in entry.items()]


def told(key: str, value: Any) -> str:
    """A value of a declaration in a line; only programs with their arguments are quoted as a shell wants them."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return for_screen(shlex.join(value) if key in ("command", "exec") else ", ".join(value))
    if isinstance(value, Mapping):
        return for_screen(", ".join(f"{name}: {told(name, each)}" for name, each in value.items()))
    return for_screen(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def _probe_lines(process: Process) -> list[Content]:
    spec, state = process.spec, process.state
    lines = []
    if spec.readiness is not None:
        is_well = state is ProcessState.READY
        word = _("ready") if is_well else _("not ready yet") if is_up(process) else _("not asked")
        lines.append(_probe(_("readiness"), spec.readiness, word, is_well=is_well))
    if spec.liveness is not None:
        is_well = state in (ProcessState.READY, ProcessState.RUNNING)
        word = _("alive") if is_well else _("unhealthy") if state is ProcessState.UNHEALTHY else _("not asked")
        lines.append(_probe(_("liveness"), spec.liveness, word, is_well=is_well))
    return lines


def _probe(name: str, probe: Probe, word: str, *, is_well: bool) -> Content:
    kind, what = next(
        (kind, value)
        for kind, value in (
            ("exec", shlex.join(probe.exec)), ("http", probe.http), ("tcp", probe.tcp), ("log-line", probe.log_line),
        )
        if value
    )  # fmt: skip
    each = "" if kind == "log-line" else "  " + _("every {seconds:g} s").format(seconds=probe.interval_seconds)
    style = _STYLES["good" if is_well else "warning"]
    return Content.assemble((f"{name}  ", MUTED), (word, style), f"  {kind} {for_screen(what)}", (each, MUTED))


def graph_lines(process: Process, others: Iterable[Process]) -> list[Content]:
    """What a process depends on above it, what needs it below it, level by level."""
    by_name: dict[str, list[Process]] = {}
    for each in sorted(others, key=lambda other: natural(other.name)):
        by_name.setdefault(each.declared_name, []).append(each)
    needing: dict[str, dict[str, str]] = {}
    for name, instances in by_name.items():
        for need, condition in instances[0].spec.depends_on.items():
            needing.setdefault(need, {})[name] = condition

    def needs(name: str) -> Mapping[str, str]:
        return by_name[name][0].spec.depends_on if name in by_name else {}

    root = process.declared_name
    above = _branches(root, needs, by_name, 1, {root})
    below = _branches(root, lambda name: needing.get(name, {}), by_name, 1, {root})
    if not above and not below:
        return []
    lines: list[Content] = []
    if above:
        lines += [Content.styled(_("depends on"), MUTED), *above]
    lines.append(Content.assemble(("▶ ", "$text-accent"), (for_screen(root), "bold")))
    if below:
        lines += [Content.styled(_("needed by"), MUTED), *below]
    return lines


def _branches(
    root: str, neighbours: Any, by_name: Mapping[str, Sequence[Process]], level: int, way: set[str]
) -> list[Content]:  # fmt: skip
    lines: list[Content] = []
    for name, condition in neighbours(root).items():
        lines.append(Content.assemble("   " * level, _node(name, by_name.get(name, ())), (f"  {condition}", MUTED)))
        if level < LEVELS and name not in way:
            lines += _branches(name, neighbours, by_name, level + 1, way | {name})
    return lines


def _node(name: str, instances: Sequence[Process]) -> Content:
    if not instances:
        return Content.styled(_("{name} (there is none)").format(name=for_screen(name)), _STYLES["error"])
    worst = min(instances, key=lambda each: list(PROCESS_STATES).index(each.state))
    sign, word = PROCESS_STATES[worst.state]
    count = f" ×{len(instances)}" if len(instances) > 1 else ""
    return Content(f"{sign} {for_screen(name)}{count} {_(word)}")


def _tree_lines(tree: Sequence[ProcessRow]) -> list[Content]:
    lines = [
        Content.assemble(
            (f"{each.pid:>7} ", MUTED), "  " * each.depth, f"{for_screen(each.name)}  ",
            (f"{memory_text(each.memory_bytes)}  {each.cpu_seconds:.1f} s CPU", MUTED),
        )
        for each in tree[:CHILDREN_SHOWN]
    ]  # fmt: skip
    if len(tree) > CHILDREN_SHOWN:
        lines.append(Content.styled(_("… and {count:,} more.").format(count=len(tree) - CHILDREN_SHOWN), MUTED))
    return lines


def _exit_line(event: Event) -> Content:
    after = event.after
    how = _("ended")
    if (signal := after.get("exit_signal")) is not None:
        how = _("ended by {signal}").format(signal=for_screen(str(signal)))
    elif (code := after.get("exit_code")) is not None:
        how = _("exited with {code}").format(code=code)
    why = after.get("reason") or event.reason
    tail = f"  {reason_text(str(why))}" if why else ""
    style = "" if after.get("exit_code") == 0 else _STYLES["warning"]
    return Content.assemble((f"{clock(event.at)}  ", MUTED), (how, style), (tail, MUTED))


def ends_of(events: Iterable[Event]) -> tuple[Event, ...]:
    """Of the events of a process those with which it ended."""
    return tuple(event for event in events if event.after.get("ended_at") is not None)


def _fact(name: str, value: str) -> Content:
    return Content.assemble((f"{name}  ", MUTED), value)


def _section(title: str, lines: Sequence[Content]) -> list[Content]:
    return [Content(""), Content.styled(title, "bold $text-primary"), *lines] if lines else []


def describe_group(title: str, members: Sequence[Seen]) -> Content:
    """What there is to a group: its members by state."""
    lines = [Content.styled(title, "bold $text-primary"), Content(_("What you do here is done to all of them."))]
    lines += [
        Content.assemble((f"  {state_word(seen)}  ", _STYLES[state_part(seen)]), for_screen(seen.process.name))
        for seen in members
    ]
    return Content("\n").join(lines)
