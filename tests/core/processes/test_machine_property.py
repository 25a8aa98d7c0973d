"""The machine's promises, whatever comes in whatever order: one turn at a time, no clock, timers fired by the test.

The test plays the world: each process has a script (it never answers, comes up, ends well or badly, cannot be started,
outlives its stop), runners answer late or never, are lost and cleared, and people want something else meanwhile. After
every single event the invariants are looked at.
"""

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)  # fmt: skip

from core.processes import happenings as h
from core.processes.machine import Machine
from core.processes.unit import ACTIVE, Cause, Outcome, Phase, Unit
from storage import (
    Condition,
    Desired,
    Probe,
    Process,
    ProcessId,
    ProcessSpec,
    ProcessState,
    Restart,
    RestartPolicy,
    RoomId,
    utc_now,
)  # fmt: skip

NAMES = ("a", "b", "c", "d")
NOW = utc_now()
OUTLIVING = (Condition.STARTED, Condition.HEALTHY)
MOST = 8
QUIT_BUDGET = 60
"""Timers that may have to fire until eight processes are down, if nothing answers: three each, with room to spare."""

reached: Counter[str] = Counter()
"""What the worlds have come through, so that a test can say whether they went deep enough."""

specs = st.builds(
    ProcessSpec,
    command=st.sampled_from([("one",), ("two",)]),
    restart=st.builds(
        Restart, policy=st.sampled_from(list(RestartPolicy)), limit=st.integers(0, 4),
        window_seconds=st.sampled_from([5.0, 60.0]), steady_seconds=st.sampled_from([1.0, 10.0]),
    ),
    readiness=st.sampled_from([None, Probe(tcp="localhost:1", failures=2)]),
    liveness=st.sampled_from([None, Probe(tcp="localhost:1", failures=1)]),
)  # fmt: skip
conditions = st.sampled_from([*(each.value for each in OUTLIVING), *(each.value for each in Condition)])
wishes = st.sampled_from([*[Desired.RUNNING] * 4, Desired.STOPPED, Desired.STOPPED, Desired.KILLED])
picks = st.integers(0, 1_000_000)
mostly = st.sampled_from([True, True, True, False])
nearly_always = st.sampled_from([True] * 9 + [False])


@dataclass
class Runner:
    """A runner as the test plays it. `alive` while something of its process may run."""

    process: ProcessId
    alive: bool = True
    told: h.RunnerState | None = None
    clearing: bool = False


class Worlds(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        names = itertools.count(1)
        self.machine = Machine(random=Random(1).random, new_runner=lambda: f"r{next(names)}")
        self.now = 0.0
        self.processes: dict[ProcessId, Process] = {}
        self.runners: dict[str, Runner] = {}
        self.timers: set[h.Timer] = set()
        self.probes: set[tuple[ProcessId, h.ProbeKind]] = set()
        self.recorded: dict[ProcessId, h.Observation] = {}
        self.left = False

    # the world

    @initialize(
        made=st.lists(st.tuples(specs, nearly_always), min_size=3, max_size=4), acyclic=nearly_always,
        begins_well=mostly, data=st.data(),
    )  # fmt: skip
    def begin(
        self, made: list[tuple[ProcessSpec, bool]], acyclic: bool, begins_well: bool, data: st.DataObject
    ) -> None:
        found = []
        for number, (spec, wanted) in enumerate(made):
            others = NAMES[:number] if acyclic else NAMES[: len(made)]
            needs = {name: data.draw(conditions) for name in others if data.draw(st.booleans())}
            found.append(self.new(NAMES[number], 1, replace(spec, depends_on=needs), wanted=wanted))
        self.step(h.Adopted(tuple(h.Found(each) for each in found)))
        if begins_well:
            self.all_goes_well()

    def new(self, name: str, instance: int, spec: ProcessSpec, *, wanted: bool) -> Process:
        process = Process(
            id=ProcessId(f"prc_{name}{instance}"), room_id=RoomId("rom_1"), name=f"{name}.{instance}",
            declared_name=name, instance=instance, spec=spec, generation=1,
            desired=Desired.RUNNING if wanted else Desired.STOPPED, state_at=NOW, created_at=NOW, updated_at=NOW,
        )  # fmt: skip
        self.processes[process.id] = process
        return process

    def step(self, event: h.Event, after_s: float = 0.0) -> None:
        self.now += after_s
        before = {key: (unit.phase, unit.runner) for key, unit in self.machine.units.items()}
        for action in self.machine.step(event, self.now):
            self.play(action, before)

    def play(self, action: h.Action, before: dict[ProcessId, Any]) -> None:
        assert not self.left, "nothing is asked for once the host has left"
        match action:
            case h.Start(process, runner):
                assert not any(each.alive for each in self.runners.values() if each.process == process.id), "two"
                assert runner not in self.runners
                wanted = self.processes[process.id]
                assert wanted.desired is Desired.RUNNING, "a manual stop beats whatever was to come"
                assert not wanted.removed
                assert process.spec == wanted.spec
                self.has_what_it_needs(process)
                self.runners[runner] = Runner(process.id)
            case h.Stop(process, runner):
                assert self.runners[runner].process == process
                self.outlives_its_dependants(process)
            case h.Kill(process, runner) | h.Clear(process, runner):
                assert self.runners[runner].process == process
                if isinstance(action, h.Clear):
                    self.runners[runner].clearing = True
            case h.Release(_, runner):
                assert not self.runners[runner].alive, "released before its end was told"
            case h.SetTimer(timer, delay_s):
                assert delay_s >= 0
                self.timers.add(timer)
            case h.CancelTimer(timer):
                self.timers.remove(timer)
            case h.StartProbe(process, _, kind):
                assert (process.id, kind) not in self.probes
                self.probes.add((process.id, kind))
            case h.StopProbe(process, kind):
                self.probes.remove((process, kind))
            case h.Record(observation):
                self.recorded[observation.process] = observation
            case h.Forget(process):
                assert process not in self.machine.units

    def has_what_it_needs(self, process: Process) -> None:
        """Nothing of a cycle starts, nor anything before what it depends on is as it waits for it to be."""
        assert not self.is_cyclic(process.declared_name)
        for needed, condition in process.spec.depends_on.items():
            units = [each for each in self.machine.units.values() if each.process.declared_name == needed]
            assert units
            for unit in units:
                match Condition(condition):
                    case Condition.STARTED:
                        assert unit.phase is Phase.UP or unit.outcome is Outcome.EXITED
                    case Condition.HEALTHY:
                        assert unit.phase is Phase.UP
                        assert unit.is_ready or unit.process.spec.readiness is None
                    case Condition.COMPLETED:
                        assert unit.outcome is not None
                    case Condition.COMPLETED_SUCCESSFULLY:
                        assert unit.outcome is Outcome.EXITED

    def outlives_its_dependants(self, process: ProcessId) -> None:
        """A dependency is not stopped on purpose while a dependant is active, unless another instance stays up."""
        unit = self.machine.units[process]
        if unit.reason is not None and "liveness" in unit.reason:
            return  # that is no wish
        mine = unit.process.declared_name
        if any(
            each is not unit and each.process.declared_name == mine and not each.is_leaving
            for each in self.machine.units.values()
        ):
            return
        for each in self.machine.units.values():
            condition = self.needs_of(each.process.declared_name).get(mine)
            if condition in OUTLIVING and not self.is_cyclic(each.process.declared_name):
                assert each.phase not in ACTIVE, f"{mine} stops under {each.process.name}"

    def needs_of(self, name: str) -> dict[str, str]:
        found = [each.process for each in self.machine.units.values() if each.process.declared_name == name]
        return dict(found[-1].spec.depends_on) if found else {}

    def is_cyclic(self, name: str) -> bool:
        reached, ways = set(), list(self.needs_of(name))
        while ways:
            way = ways.pop()
            if way not in reached:
                reached.add(way)
                ways.extend(self.needs_of(way))
        return name in reached

    def alive(self) -> list[tuple[str, Runner]]:
        return sorted((name, each) for name, each in self.runners.items() if each.alive)

    def able(self) -> list[tuple[str, Runner]]:
        return [(name, each) for name, each in self.alive() if not each.clearing]

    def fresh(self) -> list[tuple[str, Runner]]:
        return [(name, each) for name, each in self.able() if each.told is None]

    def stopping(self) -> list[tuple[str, Runner]]:
        units = self.machine.units
        return [(name, each) for name, each in self.able() if units[each.process].phase is Phase.STOPPING]

    def lost(self) -> list[tuple[str, Runner]]:
        return [(name, each) for name, each in self.alive() if each.clearing]

    def present(self) -> list[Process]:
        return [each for each in self.processes.values() if not each.removed]

    def pick(self, number: int, things: list[Any]) -> Any:
        return things[number % len(things)]

    # what people do

    @rule(number=picks, desired=wishes)
    @precondition(lambda self: self.present())
    def somebody_wants(self, number: int, desired: Desired) -> None:
        process = self.pick(number, self.present())
        self.change(replace(process, desired=desired, generation=process.generation + 1))

    @rule(desired=wishes)
    @precondition(lambda self: self.present())
    def somebody_wants_it_of_all(self, desired: Desired) -> None:
        self.change(*(replace(each, desired=desired, generation=each.generation + 1) for each in self.present()))

    @rule(number=picks, spec=specs, keeps=nearly_always, data=st.data())
    @precondition(lambda self: self.present())
    def somebody_declares_it_otherwise(self, number: int, spec: ProcessSpec, keeps: bool, data: st.DataObject) -> None:
        process = self.pick(number, self.present())
        needs = process.spec.depends_on if keeps else {data.draw(st.sampled_from(NAMES)): data.draw(conditions)}
        alike = [each for each in self.present() if each.declared_name == process.declared_name]
        self.change(*(replace(each, spec=replace(spec, depends_on=needs)) for each in alike))

    @rule(number=picks)
    @precondition(lambda self: self.present() and len(self.processes) < MOST)
    def somebody_scales_up(self, number: int) -> None:
        like = self.pick(number, self.present())
        instance = 1 + max(each.instance for each in self.processes.values())
        self.change(self.new(like.declared_name, instance, like.spec, wanted=True))

    @rule(number=picks, seldom=st.integers(0, 2))
    @precondition(lambda self: len(self.present()) > 1)
    def somebody_removes(self, number: int, seldom: int) -> None:
        if not seldom:
            process = self.pick(number, self.present())
            self.change(replace(process, removed=True, desired=Desired.STOPPED, generation=process.generation + 1))

    def change(self, *processes: Process) -> None:
        for each in processes:
            self.processes[each.id] = each
        self.step(h.Wanted(processes))

    # what the world does

    @rule(number=picks)
    @precondition(lambda self: self.fresh())
    def a_process_comes_up(self, number: int) -> None:
        name, runner = self.pick(number, self.fresh())
        runner.told = h.RunnerState.RUNNING
        self.step(h.Told(runner.process, name, h.Sight(h.RunnerState.RUNNING, pid=7)))

    @rule()
    @precondition(lambda self: self.fresh())
    def all_goes_well(self) -> None:
        """All come up and are found well, one after the other, as they depend on each other."""
        for _ in NAMES:
            for name, runner in self.fresh():
                runner.told = h.RunnerState.RUNNING
                self.step(h.Told(runner.process, name, h.Sight(h.RunnerState.RUNNING, pid=7)))
            for process, kind in sorted(self.probes):
                if (process, kind) in self.probes:
                    self.answer(process, kind, None)

    @rule(number=picks, code=st.sampled_from([0, 1, None]))
    @precondition(lambda self: self.able())
    def a_process_ends(self, number: int, code: int | None) -> None:
        name, runner = self.pick(number, self.able())
        runner.alive = False
        signal = None if code is not None else "SIGKILL"
        sight = h.Sight(h.RunnerState.EXITED, pid=7, exit_code=code, exit_signal=signal)
        self.step(h.Told(runner.process, name, sight))

    @rule(number=picks, times=st.integers(2, 6))
    @precondition(lambda self: self.able())
    def a_process_crashes_again_and_again(self, number: int, times: int) -> None:
        process = self.pick(number, self.able())[1].process
        for _ in range(times):
            for name, runner in self.able():
                if runner.process == process:
                    runner.alive = False
                    self.step(h.Told(process, name, h.Sight(h.RunnerState.EXITED, pid=7, exit_code=1)), 0.1)
            for timer in [each for each in self.timers if each.kind is h.TimerKind.RESTART]:
                if timer.process == process:
                    self.timers.remove(timer)
                    self.step(h.Fired(timer), 0.1)

    @rule()
    @precondition(lambda self: self.stopping())
    def all_obey(self) -> None:
        """What is to stop ends, and then what waited for that."""
        for _ in NAMES:
            for name, runner in self.stopping():
                runner.alive = False
                self.step(h.Told(runner.process, name, h.Sight(h.RunnerState.EXITED, pid=7, exit_signal="SIGTERM")))

    @rule(number=picks, final=st.booleans())
    @precondition(lambda self: self.fresh())
    def a_start_fails(self, number: int, final: bool) -> None:
        name, runner = self.pick(number, self.fresh())
        runner.alive = False
        self.step(h.StartFailed(runner.process, name, "no", final))

    @rule(number=picks, seldom=st.integers(0, 2))
    @precondition(lambda self: self.able())
    def a_runner_is_lost(self, number: int, seldom: int) -> None:
        if not seldom:
            name, runner = self.pick(number, self.able())
            self.step(h.Lost(runner.process, name))

    @rule(number=picks, anew=st.booleans())
    @precondition(lambda self: self.lost())
    def what_it_left_is_cleared(self, number: int, anew: bool) -> None:
        name, runner = self.pick(number, self.lost())
        runner.alive = False
        self.step(h.Cleared(runner.process, name, anew))

    @rule(number=picks)
    @precondition(lambda self: any(not each.alive for each in self.runners.values()))
    def something_late_is_heard(self, number: int) -> None:
        name = self.pick(number, sorted(name for name, each in self.runners.items() if not each.alive))
        before = {key: (unit.phase, unit.runner, unit.outcome) for key, unit in self.machine.units.items()}
        self.step(h.Told(self.runners[name].process, name, h.Sight(h.RunnerState.RUNNING)))
        self.step(h.Lost(self.runners[name].process, name))
        after = {key: (unit.phase, unit.runner, unit.outcome) for key, unit in self.machine.units.items()}
        assert before == after

    @rule(number=picks, complaint=st.sampled_from([None, "bad"]), times=st.integers(1, 3))
    @precondition(lambda self: self.probes)
    def a_probe_is_answered(self, number: int, complaint: str | None, times: int) -> None:
        process, kind = self.pick(number, sorted(self.probes))
        for _ in range(times):
            if (process, kind) in self.probes:
                self.answer(process, kind, complaint)

    def answer(self, process: ProcessId, kind: h.ProbeKind, complaint: str | None) -> None:
        runner = self.machine.units[process].runner
        assert runner is not None
        self.step(h.Probed(process, runner, kind, complaint))

    @rule(number=picks, after_s=st.floats(0, 30))
    @precondition(lambda self: self.timers)
    def a_timer_fires(self, number: int, after_s: float) -> None:
        timer = self.pick(number, sorted(self.timers, key=lambda each: each.number))
        self.timers.remove(timer)
        self.step(h.Fired(timer), after_s)

    @rule(number=picks)
    def a_late_timer_fires(self, number: int) -> None:
        units = [each for each in self.machine.units.values() if each.phase is not Phase.BACK_OFF]
        if units:
            unit: Unit = self.pick(number, units)
            phase = unit.phase
            self.step(h.Fired(h.Timer(unit.process.id, h.TimerKind.RESTART, -1)))
            assert self.machine.units[unit.process.id].phase is phase

    @rule(now=st.integers(0, 19))
    @precondition(lambda self: self.machine.units)
    def the_host_leaves(self, now: int) -> None:
        if now != 5:
            return  # seldom, or little else would be seen
        self.step(h.Quit())
        self.left = True
        assert not self.timers
        assert not self.probes

    # what must hold after every event

    @invariant()
    def there_is_at_most_one_of_each(self) -> None:
        alive = [each.process for each in self.runners.values() if each.alive]
        assert len(alive) == len(set(alive))

    @invariant()
    def a_runner_is_known_as_long_as_it_may_live(self) -> None:
        if self.left:
            return
        for name, runner in self.runners.items():
            if runner.alive:
                unit = self.machine.units[runner.process]
                assert unit.runner == name
                assert unit.phase in ACTIVE or unit.phase is Phase.STUCK

    @invariant()
    def every_timer_belongs_to_a_living_matter(self) -> None:
        if self.left:
            return
        phases = {
            h.TimerKind.RESTART: Phase.BACK_OFF, h.TimerKind.STEADY: Phase.UP,
            h.TimerKind.KILL: Phase.STOPPING, h.TimerKind.GIVE_UP: Phase.STOPPING,
        }  # fmt: skip
        for timer in self.timers:
            unit = self.machine.units[timer.process]
            assert unit.timers[timer.kind] == timer
            assert unit.phase is phases[timer.kind]
        assert sum(len(unit.timers) for unit in self.machine.units.values()) == len(self.timers)
        for unit in self.machine.units.values():
            if unit.phase is Phase.BACK_OFF:
                assert h.TimerKind.RESTART in unit.timers
            if unit.phase is Phase.STOPPING:
                assert h.TimerKind.KILL in unit.timers or h.TimerKind.GIVE_UP in unit.timers

    @invariant()
    def probes_ask_only_what_is_up(self) -> None:
        if self.left:
            return
        expected = {
            (unit.process.id, kind)
            for unit in self.machine.units.values()
            for kind, probe in (
                (h.ProbeKind.READINESS, unit.process.spec.readiness),
                (h.ProbeKind.LIVENESS, unit.process.spec.liveness),
            )
            if unit.phase is Phase.UP and probe is not None
        }  # fmt: skip
        assert self.probes == expected

    @invariant()
    def what_is_recorded_is_what_is(self) -> None:
        for key, unit in self.machine.units.items():
            observation = unit.observation()
            assert self.recorded[key] == observation or self.left
            if observation.state in (ProcessState.STOPPED, ProcessState.EXITED, ProcessState.FAILED):
                assert not any(each.alive and each.process == key for each in self.runners.values())

    @invariant()
    def nothing_that_could_start_is_forgotten(self) -> None:
        """Level-triggered: what shall run and may is not down without a reason that still holds."""
        if self.left:
            return
        for unit in self.machine.units.values():
            wanted = self.processes[unit.process.id]
            if wanted.desired is not Desired.RUNNING or wanted.removed:
                assert unit.phase not in (Phase.WAITING, Phase.BACK_OFF)
                others = [each for key, each in self.machine.units.items() if key != unit.process.id]
                assert unit.phase not in (Phase.STARTING, Phase.UP) or any(each.phase in ACTIVE for each in others)
            elif unit.phase is Phase.DOWN:
                assert unit.outcome is not None
            elif unit.phase is Phase.WAITING:
                assert self.machine._order.obstacle(unit) is not None

    @invariant()
    def what_is_up_found_what_it_needs(self) -> None:
        for unit in self.machine.units.values():
            if unit.phase is Phase.WAITING and not unit.process.spec.depends_on:
                raise AssertionError(f"{unit.process.name} waits for nothing")

    @invariant()
    def how_deep_it_went_is_noted(self) -> None:
        if not self.left:
            reached.update(self.depths())

    def depths(self) -> set[str]:
        """Where the processes are, alone and beside each other."""
        units = list(self.machine.units.values())
        found: set[str] = {unit.phase for unit in units} | {str(unit.outcome) for unit in units if unit.outcome}
        found |= {observation.state for observation in (unit.observation() for unit in units)}
        names = {unit.process.declared_name for unit in units if unit.phase is Phase.UP}
        if any(self.chain(name, names) >= 3 for name in names):
            found.add("three are up, each on the next")
        for unit in units:
            is_wanted = unit.process.desired is Desired.RUNNING
            told = {
                "a cycle": self.is_cyclic(unit.process.declared_name),
                "stops after a dependant": (unit.reason or "").startswith("stops after"),
                "goes with its dependency": "goes down" in (unit.reason or ""),
                "wanted while stopping": unit.phase is Phase.STOPPING and is_wanted and unit.cause is Cause.WISH,
                "wanted while clearing": unit.phase is Phase.CLEARING and is_wanted,
                "stopped while clearing": unit.phase is Phase.CLEARING and not is_wanted,
                "removed while active": unit.phase in ACTIVE and unit.process.removed,
                "stopped for its health": unit.phase is Phase.STOPPING and unit.cause is Cause.SICK,
                "killed": unit.is_killed and unit.phase is Phase.STOPPING,
                "a storm": "times within" in (unit.reason or ""),
                "third restart": unit.restarts.count >= 3,
                "second instance up": unit.process.instance > 1 and unit.phase is Phase.UP,
                "waits for one that failed": "has failed" in (unit.reason or ""),
            }
            found |= {name for name, holds in told.items() if holds}
        return found

    def chain(self, name: str, up: set[str], seen: frozenset[str] = frozenset()) -> int:
        """How many names are up from one on, each depending on the next."""
        needs = [each for each in self.needs_of(name) if each in up and each not in seen]
        return 1 + max((self.chain(each, up, seen | {name}) for each in needs), default=0)

    @property
    def is_wound_down(self) -> bool:
        """Whether nothing is active or waits for its time."""
        return not any(unit.phase in ACTIVE or unit.phase is Phase.BACK_OFF for unit in self.machine.units.values())

    def teardown(self) -> None:
        """Stopping all always winds down: no process answers any more, only timers fire."""
        if self.left:
            return
        self.change(
            *(replace(each, desired=Desired.STOPPED, generation=each.generation + 1) for each in self.present())
        )
        for _ in range(QUIT_BUDGET):
            for name, runner in self.alive():
                if runner.clearing:
                    runner.alive = False
                    self.step(h.Cleared(runner.process, name))
            if self.is_wound_down:
                break
            timer = min(self.timers, key=lambda each: each.number)
            self.timers.remove(timer)
            self.step(h.Fired(timer), 1.0)
            self.there_is_at_most_one_of_each()
        assert self.is_wound_down, "stopping all does not come to its end"


DEPTHS = {
    *Phase, *Outcome, *ProcessState, "three are up, each on the next", "a cycle", "stops after a dependant",
    "goes with its dependency", "wanted while stopping", "wanted while clearing", "stopped while clearing",
    "removed while active", "stopped for its health", "killed", "a storm", "third restart", "second instance up",
    "waits for one that failed",
}  # fmt: skip
"""What the worlds are to have come through; less would be no proof."""


TestWorlds = Worlds.TestCase
TestWorlds.settings = settings(max_examples=200, stateful_step_count=80, deadline=None)


def test_the_worlds_go_deep():
    reached.clear()
    always_the_same = settings(max_examples=200, stateful_step_count=80, deadline=None, derandomize=True, database=None)
    run_state_machine_as_test(Worlds, settings=always_the_same)
    assert {depth for depth in DEPTHS if reached[depth] < 5} == set()
    assert reached["stops after a dependant"] > 50
    assert reached["ready"] > 500
