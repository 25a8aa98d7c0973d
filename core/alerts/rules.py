"""The rules that time and measure decide: what is wrong in a room at a moment. Pure, but for what it remembers.

A message tells what does not change while the matter lasts: thresholds, not measures, so that a repetition says nothing
new and makes no event.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from core.agents import AgentReport
from core.agents.handoffs import is_overdue
from core.alerts.configuration import AlertRules
from core.alerts.findings import Finding, found
from core.dispatch.ready import why_not_ready
from core.text import for_screen, shortened
from storage import (
    AgentState,
    Alert,
    AlertSeverity,
    Handoff,
    Process,
    ProcessId,
    ProcessSample,
    ProcessState,
    Room,
    Run,
    RunId,
    Task,
    TaskId,
)  # fmt: skip

JUDGED: Final = (
    "crash_loop", "cpu_high", "memory_high", "disk_full", "queue_old", "handoff_overdue", "agent_waiting", "backup_old",
)  # fmt: skip
"""The rules that are decided here: their alerts are over as soon as they are found no more."""

STALE: Final = timedelta(seconds=10)
"""A measure older than this says nothing of now."""
EASED: Final = 0.9
"""What was too much is over below so much of the threshold, so that it does not flicker about it."""

Key = tuple[str, str]
"""A rule and its subject."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk: whose, its size and what is free, in bytes."""

    name: str
    total: int
    free: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a room at a moment. `backed_up_at` is the newest backup's time; None where there is none."""

    now: datetime
    room: Room
    processes: Sequence[Process] = ()
    samples: Mapping[ProcessId, ProcessSample] = field(default_factory=dict)
    cores: int = 1
    memory_bytes: int = 0
    disks: Sequence[Disk] = ()
    runs: Sequence[Run] = ()
    handoffs: Sequence[Handoff] = ()
    tasks: Mapping[TaskId, Task] = field(default_factory=dict)
    """Those of the runs and handoffs."""
    reports: Sequence[AgentReport] = ()
    backed_up_at: datetime | None = None


class Judge:
    """Judges one room again and again; remembers since when something has lasted."""

    def __init__(self) -> None:
        self._since: dict[Key, datetime] = {}
        self._restarts: dict[str, deque[tuple[datetime, int]]] = {}
        self._could_begin: dict[RunId, datetime] = {}
        """Since when a queued run could begin."""
        self._held: set[RunId] = set()
        """Those that could not when they were seen last: they wait for other tasks, for approval, for a person."""

    def take_up(self, opened: Iterable[Alert], facts: Facts, rules: AlertRules) -> None:
        """Go on where another host has left off: what is open has lasted long enough, until it is seen to be over."""
        restarts = {each.id: each.restarts for each in facts.processes}
        for alert in opened:
            if alert.rule in ("cpu_high", "memory_high"):
                seconds = getattr(rules, alert.rule).seconds
                self._since[alert.rule, alert.subject] = facts.now - timedelta(seconds=seconds)
            elif alert.rule == "crash_loop" and alert.subject in restarts:
                before = restarts[ProcessId(alert.subject)] - rules.crash_loop.restarts
                self._restarts[alert.subject] = deque([(facts.now, before)])

    def judge(self, facts: Facts, rules: AlertRules) -> dict[Key, Finding]:
        """All that is wrong now."""
        wrong = [
            *(_disks(facts, rules) if rules.disk_full.on else ()),
            *(self._queue(facts, rules) if rules.queue_old.on else ()),
            *(_handoffs(facts) if rules.handoff_overdue.on else ()),
            *(_agents(facts, rules) if rules.agent_waiting.on else ()),
            *(_backups(facts, rules) if rules.backup_old.on else ()),
            *self._processes(facts, rules),
        ]
        return {(each.rule, each.subject): each for each in wrong}

    def _processes(self, facts: Facts, rules: AlertRules) -> Iterator[Finding]:
        cpu, memory = rules.cpu_high, rules.memory_high
        living = {each.id for each in facts.processes}
        for known in [key for key in self._since if key[1] not in living]:
            del self._since[known]
        for gone in self._restarts.keys() - living:
            del self._restarts[gone]
        for process in facts.processes:
            name = for_screen(process.name)
            loop = rules.crash_loop
            if loop.on and self._is_looping(process, facts.now, rules):
                yield found("crash_loop", process.id, name=name, count=loop.restarts, span=loop.seconds)
            sample = facts.samples.get(process.id)
            fresh = sample if sample is not None and facts.now - sample.at < STALE else None
            share = fresh.cpu_percent / facts.cores if fresh is not None and fresh.cpu_percent is not None else 0.0
            if cpu.on and self._lasts(("cpu_high", process.id), share, cpu.percent, cpu.seconds, facts.now):
                yield found("cpu_high", process.id, name=name, percent=f"{cpu.percent:g}", span=cpu.seconds)
            held = 100 * fresh.memory_bytes / facts.memory_bytes if fresh is not None and facts.memory_bytes else 0.0
            if memory.on and self._lasts(("memory_high", process.id), held, memory.percent, memory.seconds, facts.now):
                yield found("memory_high", process.id, name=name, percent=f"{memory.percent:g}", span=memory.seconds)

    def _queue(self, facts: Facts, rules: AlertRules) -> Iterator[Finding]:
        longest = timedelta(minutes=rules.queue_old.minutes)
        could_begin = {}
        for run in facts.runs:
            task = facts.tasks.get(run.task_id)
            if task is not None and why_not_ready(run, task, facts.room, facts.now) is None:
                queued_at = max(run.created_at, run.not_before or run.created_at)
                could_begin[run.id] = self._could_begin.get(run.id, facts.now if run.id in self._held else queued_at)
        self._could_begin, self._held = could_begin, {each.id for each in facts.runs} - could_begin.keys()
        if any(facts.now - since >= longest for since in could_begin.values()):
            yield found("queue_old", span=int(longest.total_seconds()))

    def _lasts(self, key: Key, value: float, threshold: float, seconds: int, now: datetime) -> bool:
        """Whether a value has been at its threshold for so long, and has not eased since."""
        since = self._since.get(key)
        is_over = since is not None and now - since >= timedelta(seconds=seconds)
        if value >= (threshold * EASED if is_over else threshold):
            since = self._since.setdefault(key, now)
            return now - since >= timedelta(seconds=seconds)
        self._since.pop(key, None)
        return False

    def _is_looping(self, process: Process, now: datetime, rules: AlertRules) -> bool:
        """Whether a process has been restarted too often lately. One that has failed for good is another's alert."""
        seen = self._restarts.setdefault(process.id, deque())
        if seen and process.restarts < seen[-1][1]:
            seen.clear()  # a person has started it: the count begins anew
        if not seen or seen[-1][1] != process.restarts:
            seen.append((now, process.restarts))
        window = now - timedelta(seconds=rules.crash_loop.seconds)
        while len(seen) > 1 and seen[1][0] <= window:
            seen.popleft()
        if process.state in (ProcessState.FAILED, ProcessState.STOPPED):
            return False
        return process.restarts - seen[0][1] >= rules.crash_loop.restarts


def _disks(facts: Facts, rules: AlertRules) -> Iterator[Finding]:
    wanted = rules.disk_full
    for disk in facts.disks:
        used = 100 * (1 - disk.free / disk.total) if disk.total else 0.0
        if used >= wanted.percent or disk.free < wanted.free_mb * 1_000_000:
            yield found(
                "disk_full", disk.name, severity=AlertSeverity.CRITICAL, disk=for_screen(disk.name),
                percent=f"{wanted.percent:g}", free=f"{wanted.free_mb:,}",
            )  # fmt: skip


def _handoffs(facts: Facts) -> Iterator[Finding]:
    for handoff in facts.handoffs:
        if is_overdue(handoff, facts.room, facts.now):
            task = facts.tasks.get(handoff.task_id)
            number = f"#{task.number}" if task is not None else "#?"
            yield found("handoff_overdue", handoff.id, task=number, span=facts.room.handoff_alert_minutes * 60)


def _agents(facts: Facts, rules: AlertRules) -> Iterator[Finding]:
    longest = timedelta(minutes=rules.agent_waiting.minutes)
    for report in facts.reports:
        if report.state is AgentState.WAITING and report.since is not None and facts.now - report.since >= longest:
            agent, seconds = for_screen(report.agent.name), int(longest.total_seconds())
            if report.message:
                question = for_screen(shortened(report.message, 200))
                yield found("agent_asks", report.agent.id, agent=agent, span=seconds, question=question)
            else:
                yield found("agent_waiting", report.agent.id, agent=agent, span=seconds)


def _backups(facts: Facts, rules: AlertRules) -> Iterator[Finding]:
    longest = timedelta(hours=rules.backup_old.hours)
    if facts.now - (facts.backed_up_at or facts.room.created_at) >= longest:
        text = "backup_old" if facts.backed_up_at is not None else "backup_none"
        yield found(text, severity=AlertSeverity.INFO, span=int(longest.total_seconds()))
