"""The alerts' service: judges all rooms by the rules, watches the logs, and records what has become different.

Only what begins, ends or is found anew is written, and of what lasts a sign a minute that it still does.
"""

import json
import logging
import os
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from core.agents.report import reports
from core.alerts.configuration import AlertRules
from core.alerts.findings import Finding, over
from core.alerts.log_watch import LogWatch
from core.alerts.rules import JUDGED, Disk, Facts, Judge, Key
from core.alerts.wanted import alert_rules, config_problems, rule_of
from core.execute import Call, execute
from core.operations import find
from core.services.lease import HostLease
from core.services.own_thread import in_own_thread
from storage import (
    Alert,
    Database,
    HandoffStatus,
    MetricsReader,
    Process,
    ProcessId,
    ProcessSample,
    Reader,
    Room,
    RoomId,
    RunState,
    list_backups,
    utc_now,
    write_atomically,
)  # fmt: skip

LOOK_S: Final = 2.0
"""Between two looks at the logs."""
JUDGE_S: Final = 5.0
"""Between two judgements of the rooms, and of their disks."""
BACKUPS_S: Final = 60.0
"""Between two looks at the manifests of the backups."""
STILL: Final = timedelta(minutes=1)
"""What lasts is counted as seen so often."""
DISMISSED: Final = "dismissed.json"
"""In `logs/`: what was resolved by hand and lasts, so that a new host does not raise it again."""

logger = logging.getLogger(__name__)


class AlertsService:
    """Raises and resolves alerts as long as this host has the lease."""

    name = "alerts"

    def __init__(self, database: Database, lease: HostLease) -> None:
        self._database = database
        self._lease = lease
        self._watch: LogWatch | None = None
        self._known: tuple[int, list[Room], list[Process]] | None = None
        """What was read as of a sequence number."""
        self._judges: dict[RoomId, Judge] = {}
        self._lasting: dict[RoomId, Collection[Key]] = {}
        self._dismissed: dict[RoomId, set[Key]] = {}
        self._metrics = MetricsReader(database.home)
        self._told: tuple[str, ...] = ()
        """What has been said of config.yaml."""
        self._judge_at = 0.0
        self._backups_at = 0.0
        self._backed_up_at: datetime | None = None
        self._began: datetime = utc_now()

    async def run(self) -> None:
        """Look until cancelled.

        Raises:
            ParallelError: the store cannot be read or written.
        """
        await in_own_thread("alerts", self._look_on)

    def _look_on(self, stopped: threading.Event) -> None:
        self._watch = LogWatch(self._database.home)
        self._began = utc_now()
        self._judges.clear()
        self._dismissed = _read_dismissed(self._database.home.logs / DISMISSED)
        self._lasting = dict(self._dismissed)
        self._judge_at = time.monotonic() + JUDGE_S  # by then the metrics' service measures as well
        try:
            while not stopped.is_set():
                self.look()
                stopped.wait(LOOK_S)
        finally:
            self._watch.save(now=True)
            self._watch.close()
            self._metrics.close()
            self._database.close_thread()

    def look(self) -> None:
        """Look at the logs, and, every few seconds, at everything else. Blocking."""
        watch = self._watch = self._watch or LogWatch(self._database.home)
        rules = alert_rules(self._database.home)
        self._tell_of_config()
        now = utc_now()
        rooms, processes = self._read()
        found: dict[RoomId, list[Finding]] = defaultdict(list)
        seen = watch.look(processes, rules)
        for room_id, finding in seen:
            for room in rooms if room_id is None else ():
                found[room.id].append(finding)
            if room_id is not None:
                found[room_id].append(finding)
        is_due = self._judge_at <= time.monotonic()
        if is_due:
            self._judge_at = time.monotonic() + JUDGE_S
            self._judge(rooms, processes, rules, now, found)
        for room_id, findings in found.items():
            self._record(room_id, findings)
        watch.save(now=bool(seen))

    def _tell_of_config(self) -> None:
        """Say in the log what is wrong in config.yaml: an app tells it on its screen, and there may be none."""
        problems = config_problems(self._database.home)
        for problem in problems:
            if problem not in self._told:
                logger.warning("%s", problem)
        self._told = problems

    def _read(self) -> tuple[list[Room], list[Process]]:
        """The rooms and their processes, read again where something has happened since."""
        with self._database.read() as rows:
            sequence = rows.last_sequence()
            if self._known is None or self._known[0] != sequence:
                self._known = sequence, rows.rooms(), rows.processes()
        return self._known[1], self._known[2]

    # judging

    def _judge(
        self, rooms: Iterable[Room], processes: Iterable[Process], rules: AlertRules, now: datetime,
        found: dict[RoomId, list[Finding]],
    ) -> None:  # fmt: skip
        samples = self._metrics.latest()
        backed_up_at = self._newest_backup()
        for room in rooms:
            with self._database.read() as rows:
                own = [each for each in processes if each.room_id == room.id]
                facts = self._facts(rows, room, own, samples, backed_up_at, now)
                opened = {(each.rule, each.subject): each for each in rows.alerts(room.id)}
            judge = self._judges.get(room.id)
            if judge is None:
                judge = self._judges[room.id] = Judge()
                judge.take_up(opened.values(), facts, rules)
            present = judge.judge(facts, rules)
            found[room.id] += self._differing(room, present, opened, own, rules, now)

    def _differing(
        self, room: Room, present: dict[Key, Finding], opened: dict[Key, Alert], processes: Iterable[Process],
        rules: AlertRules, now: datetime,
    ) -> list[Finding]:  # fmt: skip
        """What is to be written: what has begun, what is over, and what still lasts, a sign a minute."""
        lasting = self._lasting.get(room.id, ())
        findings = []
        dismissed = set()
        for key, finding in present.items():
            known = opened.get(key)
            if known is None and key in lasting:  # somebody has resolved it by hand: until it is over
                dismissed.add(key)
            elif known is None:
                findings.append(finding)
            elif known is not None and now - known.last_seen_at >= STILL:
                findings.append(_as_known(finding, known))
        self._lasting[room.id] = present.keys()
        self._remember_dismissed(room.id, dismissed)
        living = {each.id for each in processes}
        for (rule, subject), alert in opened.items():
            is_gone = subject.startswith("prc_") and subject not in living
            is_over = rule in JUDGED and (rule, subject) not in present
            is_quiet = rule == "error_burst" and self._is_quiet(alert, rules, now)
            if is_over or is_gone or is_quiet or not rule_of(self._database.home, rule).on:
                findings.append(over(rule, subject))
        return findings

    def _remember_dismissed(self, room: RoomId, dismissed: set[Key]) -> None:
        if dismissed == self._dismissed.get(room, set()):
            return
        self._dismissed[room] = dismissed
        told = {each: sorted(keys) for each, keys in self._dismissed.items() if keys}
        with suppress(OSError):  # a full disk has its own alert; at worst a new host raises them again
            write_atomically(self._database.home.logs / DISMISSED, json.dumps(told).encode())

    def _is_quiet(self, alert: Alert, rules: AlertRules, now: datetime) -> bool:
        """Whether a burst of another host's time is over: this one has seen nothing of it for its whole window."""
        assert self._watch is not None
        window = timedelta(seconds=rules.error_burst.seconds)
        return not self._watch.is_bursting(alert.subject) and now - max(self._began, alert.last_seen_at) >= window

    def _facts(
        self, rows: Reader, room: Room, processes: list[Process], samples: dict[ProcessId, ProcessSample],
        backed_up_at: datetime | None, now: datetime,
    ) -> Facts:  # fmt: skip
        handoffs = rows.handoffs(room.id, status=[HandoffStatus.PENDING])
        runs = rows.runs(room.id, states=[RunState.QUEUED])
        concerned = {each.task_id for each in handoffs} | {each.task_id for each in runs}
        tasks = rows.tasks_by_id(concerned) if concerned else []
        return Facts(
            now=now, room=room, processes=processes, samples=samples, cores=os.cpu_count() or 1,
            memory_bytes=_memory_bytes(), disks=self._disks(room), handoffs=handoffs,
            runs=runs, reports=reports(rows, room), tasks={each.id: each for each in tasks},
            backed_up_at=backed_up_at,
        )  # fmt: skip

    def _disks(self, room: Room) -> list[Disk]:
        """The disk of the home, and that of the room where it is another."""
        disks: dict[int, Disk] = {}
        for path in (self._database.home.path, Path(room.root)):
            with suppress(OSError):  # a room whose directory is gone has none
                usage = shutil.disk_usage(path)
                disks.setdefault(path.stat().st_dev, Disk(str(path), usage.total, usage.free))
        return list(disks.values())

    def _newest_backup(self) -> datetime | None:
        if time.monotonic() < self._backups_at:
            return self._backed_up_at
        self._backups_at = time.monotonic() + BACKUPS_S
        made = [each.created_at for each in list_backups(self._database.home) if not each.is_safety]
        self._backed_up_at = max(made, default=None)
        return self._backed_up_at

    # recording

    def _record(self, room: RoomId, findings: list[Finding]) -> None:
        if not (wanted := self._worth(room, findings)):
            return
        call = Call(
            operation=find("note_alerts"), arguments={"findings": tuple(wanted)}, actor=self._lease.actor, room=room
        )  # fmt: skip
        execute(self._database, call)

    def _worth(self, room: RoomId, findings: list[Finding]) -> list[Finding]:
        """What would change something; a line found again keeps the words of the alert that is open."""
        home = self._database.home
        with self._database.read() as rows:
            opened = {(each.rule, each.subject): each for each in rows.alerts(room)} if findings else {}
        worth = []
        for finding in findings:
            known = opened.get((finding.rule, finding.subject))
            if finding.is_over:
                worth += [finding] if known is not None else []
            elif rule_of(home, finding.rule).on:
                again = finding.rule == "log_pattern" and known is not None
                worth.append(_as_known(finding, known) if again and known else finding)
        return worth


def _as_known(finding: Finding, known: Alert) -> Finding:
    """What is found again, in the words of the alert that is open: a repetition says nothing new."""
    return replace(finding, message=known.message, hint=known.hint, text=known.text, details=known.details)


def _read_dismissed(path: Path) -> dict[RoomId, set[Key]]:
    try:
        told = json.loads(path.read_bytes())
        return {RoomId(room): {(rule, subject) for rule, subject in keys} for room, keys in told.items()}
    except (OSError, ValueError, AttributeError, TypeError):  # there is none, or somebody has written into it
        return {}


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
