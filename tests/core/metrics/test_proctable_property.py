"""Whatever forks, burns, dies and is reaped between two tables: each hundredth of a second is counted exactly once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.metrics import proctable
from core.metrics.proctable import ProcessTable, parse_stat

RUNNER, LEADER = 10, 11
INIT, SHELL = 1, 2
"""Of no tree of ours: who adopts what is orphaned there, and who lives there."""
BLANK = parse_stat(b"1 (x) S 1 " + b" ".join(b"0" for _ in range(48)))
STEPS = st.lists(
    st.tuples(st.sampled_from(["burn", "fork", "die", "reap", "look"]), st.integers(0, 50), st.integers(1, 300)),
    max_size=80,
)  # fmt: skip


class Kernel:
    """A tree of processes below a runner, that keeps the accounts as the kernel does (wait(2), prctl(2))."""

    def __init__(self) -> None:
        self.entries = {
            INIT: BLANK._replace(parent=0, started=0),
            SHELL: BLANK._replace(parent=INIT, started=0),
            RUNNER: BLANK._replace(parent=INIT, started=1),
            LEADER: BLANK._replace(parent=RUNNER, started=2),
        }
        self.dead: set[int] = set()
        self.burnt = 0
        self._next = 20

    def step(self, what: str, which: int, much: int) -> None:
        alive = [pid for pid in self.entries if pid not in self.dead and pid not in (INIT, RUNNER)]
        if what == "reap":
            dead = [pid for pid in self.dead if pid != LEADER]
            if dead:
                self._reap(dead[which % len(dead)])
        elif alive:
            pid = alive[which % len(alive)]
            if what == "burn":
                self.entries[pid] = self.entries[pid]._replace(own=self.entries[pid].own + much / 100)
                self.burnt += much * self.is_ours(pid)
            elif what == "fork":
                self.entries[self._next] = BLANK._replace(parent=pid, started=self._next)
                self._next += 1
            elif what == "die":
                self.dead.add(pid)
                heir = RUNNER if self.is_ours(pid) else INIT
                for child, entry in self.entries.items():
                    if entry.parent == pid:
                        self.entries[child] = entry._replace(parent=heir)

    def is_ours(self, pid: int) -> bool:
        """Whether it is below the runner."""
        while pid not in (INIT, RUNNER):
            pid = self.entries[pid].parent
        return pid == RUNNER

    @property
    def below(self) -> int:
        """How many are."""
        return sum(self.is_ours(pid) for pid in self.entries) - 1

    def _reap(self, pid: int) -> None:
        gone = self.entries.pop(pid)
        self.dead.discard(pid)
        parent = self.entries[gone.parent]
        self.entries[gone.parent] = parent._replace(reaped=parent.reaped + gone.own + gone.reaped)


@settings(max_examples=200)
@given(steps=STEPS)
def test_each_moment_of_work_counts_once(steps: list[tuple[str, int, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proctable, "_is_runner", lambda pid, _: pid == RUNNER)
        patch.setattr(proctable, "_is_detached", lambda *_: False)
        kernel, clock, counted = Kernel(), 0.0, 0.0
        before = ProcessTable(clock, dict(kernel.entries))
        for what, which, much in [*steps, ("look", 0, 0)]:
            kernel.step(what, which, much)
            if what == "look":
                clock += 1.0
                table = ProcessTable(clock, dict(kernel.entries))
                usage = table.usage(LEADER, 2, before)
                assert usage is not None
                assert usage.cpu_percent is not None
                assert usage.cpu_percent >= 0
                assert usage.processes == kernel.below
                counted += usage.cpu_percent
                before = table
        assert counted == pytest.approx(kernel.burnt, abs=0.5)


@settings(max_examples=200)
@given(steps=STEPS)
def test_a_table_that_is_renewed_tells_of_our_trees_what_one_read_anew_tells(steps: list[tuple[str, int, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proctable, "_is_runner", lambda pid, _: pid == RUNNER)
        patch.setattr(proctable, "_is_detached", lambda *_: False)
        patch.setattr(proctable.sys, "platform", "linux")
        kernel = Kernel()
        reads: list[int] = []

        def read(pid: int) -> proctable._Entry:
            reads.append(pid)
            return kernel.entries[pid]

        patch.setattr(
            proctable, "_read_proc", lambda known, wanted: proctable.renewed(set(kernel.entries), known, wanted, read)
        )
        renewed = anew = ProcessTable(0.0, dict(kernel.entries))
        for what, which, much in [*steps, ("look", 0, 0)]:
            kernel.step(what, which, much)
            if what == "look":
                reads.clear()
                before, was = renewed, anew
                renewed, anew = renewed.again([(LEADER, 2)]), ProcessTable(0.0, dict(kernel.entries))
                assert set(renewed.tree_of(LEADER, 2)) == set(anew.tree_of(LEADER, 2))
                renewed.at, before.at, anew.at, was.at = 2.0, 1.0, 2.0, 1.0
                assert renewed.usage(LEADER, 2, before) == anew.usage(LEADER, 2, was)
                strangers = {pid for pid in reads if not kernel.is_ours(pid) and pid != RUNNER}
                assert not strangers & {INIT, SHELL}, "who was there and stays is not read again"


def test_what_a_process_uses_is_not_told_where_it_was_not_read_before() -> None:
    entries = {INIT: BLANK._replace(parent=0), LEADER: BLANK._replace(parent=INIT, started=2, own=5.0)}
    before = ProcessTable(1.0, entries, {LEADER})
    usage = ProcessTable(2.0, entries).usage(LEADER, 2, before)
    assert usage is not None
    assert usage.cpu_percent is None


def test_who_has_lost_his_parent_is_read_again() -> None:
    entries = {INIT: BLANK._replace(parent=0), 5: BLANK._replace(parent=4), 6: BLANK._replace(parent=INIT)}
    now, kept = proctable.renewed([INIT, 5, 6, 7], entries, (), lambda pid: BLANK._replace(parent=RUNNER, started=pid))
    assert kept == {INIT, 6}
    assert (now[5].parent, now[7].parent) == (RUNNER, RUNNER)
