"""Whatever forks, burns, dies and is reaped between two tables: each hundredth of a second is counted exactly once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.metrics import proctable
from core.metrics.proctable import ProcessTable, parse_stat

RUNNER, LEADER = 10, 11
BLANK = parse_stat(b"1 (x) S 1 " + b" ".join(b"0" for _ in range(48)))
STEPS = st.lists(
    st.tuples(st.sampled_from(["burn", "fork", "die", "reap", "look"]), st.integers(0, 50), st.integers(1, 300)),
    max_size=80,
)  # fmt: skip


class Kernel:
    """A tree of processes below a runner, that keeps the accounts as the kernel does (wait(2), prctl(2))."""

    def __init__(self) -> None:
        self.entries = {
            RUNNER: BLANK._replace(parent=1, started=1),
            LEADER: BLANK._replace(parent=RUNNER, started=2),
        }
        self.dead: set[int] = set()
        self.burnt = 0
        self._next = 20

    def step(self, what: str, which: int, much: int) -> None:
        alive = [pid for pid in self.entries if pid not in self.dead and pid != RUNNER]
        if what == "reap":
            dead = [pid for pid in self.dead if pid != LEADER]
            if dead:
                self._reap(dead[which % len(dead)])
        elif alive:
            pid = alive[which % len(alive)]
            if what == "burn":
                self.entries[pid] = self.entries[pid]._replace(own=self.entries[pid].own + much / 100)
                self.burnt += much
            elif what == "fork":
                self.entries[self._next] = BLANK._replace(parent=pid, started=self._next)
                self._next += 1
            elif what == "die":
                self.dead.add(pid)
                for child, entry in self.entries.items():
                    if entry.parent == pid:  # the runner adopts it
                        self.entries[child] = entry._replace(parent=RUNNER)

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
                assert usage.processes == len(kernel.entries) - 1
                counted += usage.cpu_percent
                before = table
        assert counted == pytest.approx(kernel.burnt, abs=0.5)
