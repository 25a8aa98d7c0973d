"""What config.yaml says of alerts: each rule with its thresholds, whether it is on, and how bad it is. Light."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from storage import AlertSeverity


def _given(default: Any, help: str, least: float = 0, most: float = 1_000_000) -> Any:
    return field(default=default, metadata={"help": help, "range": (least, most)})


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Without a severity its alerts are as bad as what has found them says."""

    on: bool = _given(True, "Whether it raises alerts.")
    severity: AlertSeverity | None = _given(None, "info, warning or critical; its own if left out.")


@dataclass(frozen=True, slots=True)
class CpuRule(Rule):
    """How much of the processor is much, and for how long."""

    percent: float = _given(90.0, "Of all cores together.", 1, 100)
    seconds: int = _given(120, "For so long without a break.", 1, 86_400)


@dataclass(frozen=True, slots=True)
class MemoryRule(Rule):
    """How much memory is much, and for how long."""

    percent: float = _given(50.0, "Of the machine's memory.", 1, 100)
    seconds: int = _given(60, "For so long without a break.", 1, 86_400)


@dataclass(frozen=True, slots=True)
class DiskRule(Rule):
    """How full a disk may become."""

    percent: float = _given(97.0, "Of the disk is used.", 1, 100)
    free_mb: int = _given(500, "Or fewer megabytes are free.")


@dataclass(frozen=True, slots=True)
class MinutesRule(Rule):
    """After how many minutes it is too long."""

    minutes: float = _given(30.0, "It has lasted so long.", 0, 525_600)


@dataclass(frozen=True, slots=True)
class WaitingRule(MinutesRule):
    """An agent's patience."""

    minutes: float = _given(10.0, "The agent has waited so long.", 0, 525_600)


@dataclass(frozen=True, slots=True)
class BackupRule(Rule):
    """How old the newest backup may become."""

    hours: float = _given(168.0, "The newest is older.", 1, 87_600)


@dataclass(frozen=True, slots=True)
class CrashLoopRule(Rule):
    """How many restarts within how long."""

    restarts: int = _given(3, "Restarts.", 1, 1000)
    seconds: int = _given(300, "Within so long.", 1, 86_400)


@dataclass(frozen=True, slots=True)
class BurstRule(Rule):
    """How many lines with errors within how long."""

    lines: int = _given(50, "Lines that tell of errors.", 1, 1_000_000)
    seconds: int = _given(60, "Within so long.", 1, 86_400)


def _rule(default: Rule, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True)
class AlertRules:
    """Every rule, by the word that config.yaml and the alerts have for it."""

    process_failed: Rule = _rule(Rule(), "A process has failed and stays down, or a worker died under a task.")
    restart_storm: Rule = _rule(Rule(), "A process was restarted more often than its declaration allows.")
    crash_loop: CrashLoopRule = _rule(CrashLoopRule(), "A process crashes again and again.")
    cpu_high: CpuRule = _rule(CpuRule(), "A process with its children keeps the processor busy.")
    memory_high: MemoryRule = _rule(MemoryRule(), "A process with its children holds much memory.")
    disk_full: DiskRule = _rule(DiskRule(), "The disk of the home or of the room is nearly full.")
    queue_old: MinutesRule = _rule(MinutesRule(), "A run that could begin has waited too long.")
    handoff_overdue: Rule = _rule(Rule(), "Nobody has acknowledged a handoff in the room's time.")
    agent_waiting: WaitingRule = _rule(WaitingRule(), "An agent waits for an answer.")
    backup_old: BackupRule = _rule(BackupRule(), "The newest backup is too old, or there is none.")
    log_pattern: Rule = _rule(Rule(), "A process has printed a line that its `alert_on` names.")
    error_burst: BurstRule = _rule(BurstRule(), "A process or this program tells of many errors at once.")
    room_yaml: Rule = _rule(Rule(), "room.yaml is broken, or has changed and is not approved.")
    service_failed: Rule = _rule(Rule(), "A service of this program has failed.")
    run_stuck: Rule = _rule(Rule(), "A run's processes are killed and do not go, so its task has to wait.")
    quarantined: Rule = _rule(Rule(), "A task that kills its workers is kept from running.")


DEFAULT_RULES: Final = AlertRules()
RULES: Final = tuple(each.name for each in fields(AlertRules))
"""The words of the rules."""


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """What is wrong with what is said of the rules, and where: the keys that lead there."""

    path: tuple[str, ...]
    message: str
    hint: str


def read_rules(value: Any) -> tuple[AlertRules, tuple[RuleProblem, ...]]:
    """The rules as a mapping from config.yaml has them: `cpu_high: {percent: 80}`, `backup_old: off`. What cannot be
    understood stands at its default."""
    if value is None:
        return DEFAULT_RULES, ()
    if not isinstance(value, Mapping):
        return DEFAULT_RULES, (RuleProblem((), "alerts: no mapping of rules.", "Write `cpu_high: {percent: 80}`."),)
    found: dict[str, Any] = {}
    problems: list[RuleProblem] = []
    for name, wanted in value.items():
        if name not in RULES:
            problems.append(RuleProblem((name,), f"There is no rule {name!r}.", _near(name, RULES)))
            continue
        rule: Rule = getattr(DEFAULT_RULES, name)
        if (switched := _switch(wanted)) is not None:
            found[name] = replace(rule, on=switched)
            continue
        if not isinstance(wanted, Mapping):
            hint = f"Write `{name}: off`, or `{name}: {{severity: info}}`."
            problems.append(RuleProblem((name,), f"{name}: {wanted!r} says nothing of a rule.", hint))
            continue
        for key, given in wanted.items():
            try:
                rule = replace(rule, **{key: _value(rule, key, given)})
            except ValueError as error:
                problems.append(RuleProblem((name, key), f"{name}: {error.args[0]}", error.args[1]))
        found[name] = rule
    return replace(DEFAULT_RULES, **found), tuple(problems)


def _value(rule: Rule, key: str, given: Any) -> Any:
    known = {each.name: each for each in fields(rule)}
    if key not in known:
        raise ValueError(f"there is no {key!r} in it.", _near(key, tuple(known)))
    hint = str(known[key].metadata["help"])
    if key == "on":
        if (switched := _switch(given)) is None:
            raise ValueError(f"on: {given!r} is neither on nor off.", hint)
        return switched
    if key == "severity":
        try:
            return None if given is None else AlertSeverity(str(given))
        except ValueError:
            raise ValueError(f"severity: {given!r} is none.", hint) from None
    wants_whole = isinstance(getattr(rule, key), int)
    least, most = known[key].metadata["range"]
    if isinstance(given, bool) or not isinstance(given, int if wants_whole else (int, float)):
        raise ValueError(f"{key}: {given!r} is no {'whole ' if wants_whole else ''}number.", hint)
    if not least <= given <= most:
        raise ValueError(f"{key}: {given:g} is out of range.", f"Give {least:g} to {most:g}.")
    return given if wants_whole else float(given)


def _switch(given: Any) -> bool | None:
    """`on` and `off`, which are words in YAML 1.2 and truth values in 1.1."""
    if isinstance(given, bool):
        return given
    return {"on": True, "off": False}.get(given) if isinstance(given, str) else None


def _near(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
