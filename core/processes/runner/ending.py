"""How a process and all that it has started comes to its end: signal, grace, then kill until nothing is left."""

from __future__ import annotations

import os
import time

from . import tree
from .light import signals

KILL_FIRST_S = 0.005
KILL_LONGEST_S = 1.0
"""Between two passes of killing; doubled from the first to the longest, since some wait for a disk before they die."""

DIES_S = 2.0
"""Whoever was killed so long ago and lives is told of; the others are on their way, and a large one takes a while."""

LOOK_S = 0.1
"""How often the rest is looked for once the leader is dead."""


class Ending:
    """The end of one tree of processes. The leader stays unreaped all the while, so that its group's number is ours;
    where a system cannot keep it so (`is_reaped`), its group is not signalled once it is dead.

    Args:
        runner: the name under which descendants are marked in their environments.
        is_subreaper: whether orphans come to us, so that no descendant can leave the tree.
    """

    def __init__(self, leader: int, runner: str, is_subreaper: bool) -> None:
        self._leader = leader
        self._runner = runner
        self._is_subreaper = is_subreaper
        self._signal = 0
        self._told: set[int] = set()
        self._held: set[int] = set()
        self._killed: dict[int, float] = {}
        self._kill_pause_s = KILL_FIRST_S
        self.is_reaped = False
        self.deadline = 0.0
        """When (monotonic) killing begins."""
        self.survivors: list[int] = []
        """Who has been killed and does not die."""

    def begin(self, number: int, grace_s: float) -> None:
        """Signal the leader's group; the rest is signalled when the leader is dead. Again: only a nearer deadline."""
        deadline = time.monotonic() + max(grace_s, 0.0)
        if self._signal:
            self.deadline = min(self.deadline, deadline)
            return
        self._signal = number
        self.deadline = deadline
        if grace_s > 0:
            self._told = {row.pid for row in tree.table().values() if row.group == self._leader}
            self.signal_group(number)
            self.signal_group(signals.SIGCONT)  # whoever is stopped could not obey

    def signal_group(self, number: int) -> None:
        """Signal the leader's group."""
        if self.is_reaped:
            return
        try:
            os.killpg(self._leader, number)
        except OSError:  # nobody is in it any more but the dead leader
            return

    def advance(self, is_leader_dead: bool) -> float | None:
        """Do what is due; gives when (monotonic) to come again, or None once nothing is left."""
        if is_leader_dead and self._only_leader_is_left():
            return None
        now = time.monotonic()
        if now < self.deadline:
            if not is_leader_dead:
                return self.deadline
            rest = self.rest()
            if not rest:
                return None
            for row in rest:
                if row.pid not in self._told:
                    self._told.add(row.pid)
                    tree.send(row, self._signal)
                    tree.send(row, signals.SIGCONT)
            return min(self.deadline, now + LOOK_S)
        tree.kill_all(self._held_rest)
        rest = self.rest()
        known, self._killed = self._killed, {row.pid: self._killed.get(row.pid, now) for row in rest}
        self.survivors = [pid for pid, killed_at in self._killed.items() if now - killed_at >= DIES_S]
        if not rest and is_leader_dead:
            return None
        has_new = not self._killed.keys() <= known.keys()
        self._kill_pause_s = KILL_FIRST_S if has_new else min(self._kill_pause_s * 2, KILL_LONGEST_S)
        return now + self._kill_pause_s

    def _only_leader_is_left(self) -> bool:
        """Whether it is certain without a look at the whole machine: orphans would be our children by now."""
        return self._is_subreaper and tree.own_children() == [self._leader]

    def _held_rest(self) -> list[tree.Row]:
        """As `rest`; but first our own children are stopped, again and again until no new one has come.

        Whoever forks and exits faster than the machine can be looked through comes to us with each step, and a list of
        our children is quickly read. Their numbers are safe until we reap them.
        """
        deadline = time.monotonic() + tree.PASS_S
        while time.monotonic() < deadline and (children := tree.own_children()):
            new = self._held.symmetric_difference(children).intersection(children)
            self._held = set(children)
            for pid in new:
                if not tree.is_detached(pid):
                    try:
                        os.kill(pid, signals.SIGSTOP)
                    except OSError:  # it runs as another user
                        continue
            if not new:
                break
        return self.rest()

    def rest(self) -> list[tree.Row]:
        """Whoever of the tree still lives."""
        rows = tree.table()
        found = {row.pid: row for row in tree.descendants(rows, (os.getpid(),)) if row.lives}
        if not self._is_subreaper:
            ours = tree.marked(rows, self._runner)
            if not self.is_reaped:
                ours += [row for row in rows.values() if row.group == self._leader and row.lives]
            for row in (*ours, *tree.descendants(rows, [each.pid for each in ours])):
                if row.lives:
                    found[row.pid] = row
        found.pop(os.getpid(), None)
        return list(found.values())
