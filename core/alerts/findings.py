"""What rules find, and what an alert says of it: a sentence and what to do, with gaps for what differs. Light.

An alert keeps the name of its text and what fills the gaps beside the English that they make: the command line, JSON
and searches have the English; a screen says the text in its own language. Alerts of older versions have the English
alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from string import Formatter
from typing import Final

from storage import AlertSeverity


@dataclass(frozen=True, slots=True)
class AlertText:
    """What is said of one kind of finding.

    Gaps stand for words, names and numbers as they are to be read; `{span}` stands for seconds, and reads `5 min`;
    `{since}` stands for a time.
    """

    rule: str
    message: str
    hint: str

    @property
    def gaps(self) -> frozenset[str]:
        """What has to be told to say it."""
        parts = (*Formatter().parse(self.message), *Formatter().parse(self.hint))
        return frozenset(gap for _literal, gap, _format, _conversion in parts if gap is not None)


_MOMENT: Final = "%Y-%m-%d %H:%M:%S UTC"
_RESTART_IT: Final = "See `wzp logs {name}`, then `wzp start {name}`."
_SHOW: Final = "See `wzp queue show {number}`."

TEXTS: Final[Mapping[str, AlertText]] = {
    "process_failed": AlertText("process_failed", "{name} has failed: {reason}.", _RESTART_IT),
    "process_stuck": AlertText(
        "process_failed", "{name} could not be ended, not even killed.",
        "See what its processes wait for: `ps -o pid,stat,wchan`.",
    ),
    "worker_lost_again": AlertText(
        "process_failed", "#{number} was cut off: {name} died under it; it is tried again.", _SHOW
    ),
    "worker_lost_cut_off": AlertText(
        "process_failed",
        "#{number} was cut off: {name} died under it; the task is blocked, since it was cut off and is not marked as"
        " idempotent.",
        _SHOW,
    ),
    "worker_lost_blocked": AlertText(
        "process_failed",
        "#{number} was cut off: {name} died under it; the task is blocked, since it has no attempt left.", _SHOW,
    ),
    "keeper_lost_again": AlertText(
        "process_failed",
        "#{number} was cut off: the keeper that {name} had for it was killed; it is tried again.", _SHOW,
    ),
    "keeper_lost_cut_off": AlertText(
        "process_failed",
        "#{number} was cut off: the keeper that {name} had for it was killed; the task is blocked, since it was cut"
        " off and is not marked as idempotent.", _SHOW,
    ),
    "keeper_lost_blocked": AlertText(
        "process_failed",
        "#{number} was cut off: the keeper that {name} had for it was killed; the task is blocked, since it has no"
        " attempt left.", _SHOW,
    ),
    "quarantined": AlertText(
        "quarantined", "#{number} is quarantined: its runs have lost {count} workers.",
        "Look at its command and output, then queue it again with `wzp queue retry {number}`.",
    ),
    "run_stuck": AlertText(
        "run_stuck",
        "#{number} cannot go on: attempt {attempt} (run {run}) on {name} is killed, and its processes ({pids}) have not"
        " gone since {since}.",
        "The next attempt begins once they are gone. See what they wait for, a disk or a network file system mostly:"
        " `ps -o pid,stat,wchan,args -p {pids}`. If that does not come back, only a restart of the machine ends them.",
    ),
    "restart_storm": AlertText(
        "restart_storm",
        "{name} was restarted {count} times within {span} and stays down; the last time: {reason}.", _RESTART_IT,
    ),
    "crash_loop": AlertText(
        "crash_loop", "{name} crashes again and again: {count} or more restarts within {span}.",
        "See why: `wzp logs {name}`.",
    ),
    "cpu_high": AlertText(
        "cpu_high", "{name} has kept {percent} % of the processor busy for {span}.",
        "See `wzp top`; restart it, or raise `cpu_high` in config.yaml.",
    ),
    "memory_high": AlertText(
        "memory_high", "{name} holds {percent} % of the memory or more, for {span}.",
        "See `wzp top`; restart it, or raise `memory_high` in config.yaml.",
    ),
    "disk_full": AlertText(
        "disk_full",
        "The disk of {disk} is nearly full: {percent} % or more are used, or fewer than {free} MB are free.",
        "Free some space; a full disk stops every change.",
    ),
    "queue_old": AlertText(
        "queue_old", "Runs have waited in the queue for {span} or longer.",
        "See `wzp queue list`; start a worker, or more of them.",
    ),
    "handoff_overdue": AlertText(
        "handoff_overdue", "Nobody has acknowledged the handoff of {task} within {span}.",
        "See `wzp handoff list`; take it, or redirect it.",
    ),
    "agent_waiting": AlertText(
        "agent_waiting", "{agent} has waited for an answer for {span}.", "Answer it where it runs."
    ),
    "agent_asks": AlertText(
        "agent_waiting", "{agent} has waited for an answer for {span}: {question}", "Answer it where it runs."
    ),
    "backup_old": AlertText(
        "backup_old", "The newest backup is {span} old or older.", "Make one with `wzp backup create`."
    ),
    "backup_none": AlertText(
        "backup_old", "There is no backup; the room is {span} old or older.", "Make one with `wzp backup create`."
    ),
    "log_pattern": AlertText(
        "log_pattern", "{name} printed what '{pattern}' names: {line}", "See `wzp logs {name}`."
    ),
    "error_burst": AlertText(
        "error_burst", "{name} tells of many errors: {count} lines or more within {span}.",
        "See `wzp logs {name} --grep error`.",
    ),
    "own_error_burst": AlertText(
        "error_burst", "This program tells of many errors: {count} records or more within {span}.",
        "See `wzp logs app --level error`.",
    ),
    "service_failed": AlertText(
        "service_failed", "The service {service} has failed.",
        "It is started again by itself; see why with `wzp logs app --level error`.",
    ),
    "room_yaml_broken": AlertText("room_yaml", "room.yaml cannot be used: {error}", "{todo}"),
    "room_yaml_broken_since": AlertText(
        "room_yaml", "room.yaml cannot be used, so what runs goes on as it was approved last: {error}", "{todo}"
    ),
    "room_yaml_new": AlertText(
        "room_yaml", "{file} is not approved.", "Look at it and approve it with `wzp room trust`."
    ),
    "room_yaml_changed": AlertText(
        "room_yaml", "{file} has changed since it was approved; what runs goes on as before.",
        "Look at it and approve it with `wzp room trust`.",
    ),
}  # fmt: skip
"""All that alerts say, by the names of the texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a person should see to, or, with `is_over`, that is right again.

    `text` names what is said of it in `TEXTS`, and `details` fills its gaps; `message` and `hint` are that in English.
    """

    rule: str
    subject: str = ""
    message: str = ""
    hint: str = ""
    text: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    severity: AlertSeverity = AlertSeverity.WARNING
    is_over: bool = False


def found(
    text: str, subject: str = "", *, severity: AlertSeverity = AlertSeverity.WARNING, **details: object
) -> Finding:
    """A finding that says one of `TEXTS`.

    Args:
        subject: the id or name of what it is about; empty for the room as a whole.
        details: what fills the gaps.
    """
    said = TEXTS[text]
    told = {name: str(value) for name, value in details.items()}
    if told.keys() != said.gaps:
        raise ValueError(f"The text {text!r} has the gaps {sorted(said.gaps)}, and {sorted(told)} was told.")
    return Finding(
        rule=said.rule, subject=subject, message=filled(said.message, told, span), hint=filled(said.hint, told, span),
        text=text, details=told, severity=severity,
    )  # fmt: skip


def filled(sentence: str, details: Mapping[str, str], span: Callable[[int], str]) -> str:
    """A sentence, in whatever language, with its gaps filled; `span` reads out seconds.

    Raises:
        KeyError, ValueError: a gap is not told, or its value is none that it can hold.
    """
    return sentence.format_map({**details, **({"span": span(int(details["span"]))} if "span" in details else {})})


def over(rule: str, subject: str = "") -> Finding:
    """What says that a matter is right again."""
    return Finding(rule=rule, subject=subject, is_over=True)


def moment(time: datetime) -> str:
    """A time as it stands in a text's `{since}`, in UTC; a screen shows it as its own."""
    return time.astimezone(UTC).strftime(_MOMENT)


def moment_of(text: str) -> datetime:
    """The time that `moment` has written.

    Raises:
        ValueError: it is none.
    """
    return datetime.strptime(text, _MOMENT).replace(tzinfo=UTC)


def span(seconds: int) -> str:
    """`90 s`, `5 min`, `2 h`, `7 d`."""
    return " ".join(span_parts(seconds))


def span_parts(seconds: int) -> tuple[str, str]:
    """The number and the unit in which seconds read best."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length or seconds == length:
            return f"{seconds / length:.3g}", unit
    return str(seconds), "s"
