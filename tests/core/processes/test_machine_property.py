"""The machine's promises, whatever comes in whatever order: one turn at a time, no clock, timers fired by the test.

The test plays the world: each process has a script (it never answers, comes up, ends well or badly, cannot be started,
outlives its stop), runners answer late or never, are lost and cleared, and people want something else meanwhile. After
every single event the invariants are looked at.
"""

import itertools
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.processes import happenings as h
from core.processes.machine import Machine
from core.processes.unit import ACTIVE, Phase, Unit
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
QUIT_BUDGET = 60
"""Timers that may have to fire until eight processes are down, if nothing answers: three each, with room to spare."""

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
conditions = st.sampled_from([each.value for each in Condition])
picks = st.integers(0, 1_000_000)
mostly = st.sampled_from([True, True, True, False])


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
        self.quits = False
        self.left = False

    # the world

    @initialize(made=st.lists(st.tuples(specs, mostly), min_size=2, max_size=4), acyclic=mostly, data=st.data())
    def begin(self, made: list[tuple[ProcessSpec, bool]], acyclic: bool, data: st.DataObject) -> None:
        found = []
        for number, (spec, wanted) in enumerate(made):
            others = NAMES[:number] if acyclic else NAMES[: len(made)]
            needs = {name: data.draw(conditions) for name in others if data.draw(mostly)}
            found.append(self.new(NAMES[number], 1, replace(spec, depends_on=needs), wanted=wanted))
        self.step(h.Adopted(tuple(h.Found(each) for each in found)))

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
                assert not self.quits, "nothing starts while the host quits"
                wanted = self.processes[process.id]
                assert wanted.desired is Desired.RUNNING, "a manual stop beats whatever was to come"
                assert not wanted.removed
                assert process.spec == wanted.spec
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

    def pick(self, number: int, things: list[Any]) -> Any:
        return things[number % len(things)]

    # what people do

    @rule(number=picks, desired=st.sampled_from(list(Desired)), after_s=st.floats(0, 5))
    def somebody_wants(self, number: int, desired: Desired, after_s: float) -> None:
        known = [each for each in self.processes.values() if not each.removed]
        if known:
            process = self.pick(number, known)
            self.change(replace(process, desired=desired, generation=process.generation + 1))

    @rule(desired=st.sampled_from(list(Desired)))
    def somebody_wants_it_of_all(self, desired: Desired) -> None:
        known = [each for each in self.processes.values() if not each.removed]
        self.change(*(replace(each, desired=desired, generation=each.generation + 1) for each in known))

    @rule(number=picks, spec=specs, keeps=mostly, data=st.data())
    def somebody_declares_it_otherwise(self, number: int, spec: ProcessSpec, keeps: bool, data: st.DataObject) -> None:
        known = [each for each in self.processes.values() if not each.removed]
        if known:
            process = self.pick(number, known)
            needs = process.spec.depends_on if keeps else {data.draw(st.sampled_from(NAMES)): data.draw(conditions)}
            alike = [each for each in known if each.declared_name == process.declared_name]
            self.change(*(replace(each, spec=replace(spec, depends_on=needs)) for each in alike))

    @rule(number=picks)
    def somebody_scales_up(self, number: int) -> None:
        known = [each for each in self.processes.values() if not each.removed]
        if known and len(self.processes) < 8:
            like = self.pick(number, known)
            instance = 1 + max(each.instance for each in self.processes.values())
            new = self.new(like.declared_name, instance, like.spec, wanted=True)
            self.change(new)

    @rule(number=picks)
    def somebody_removes(self, number: int) -> None:
        known = [each for each in self.processes.values() if not each.removed]
        if known:
            process = self.pick(number, known)
            self.change(replace(process, removed=True, desired=Desired.STOPPED, generation=process.generation + 1))

    def change(self, *processes: Process) -> None:
        for each in processes:
            self.processes[each.id] = each
        self.step(h.Wanted(processes))

    # what the world does

    @rule(number=picks)
    def a_process_comes_up(self, number: int) -> None:
        fresh = [(name, each) for name, each in self.alive() if each.told is None and not each.clearing]
        if fresh:
            name, runner = self.pick(number, fresh)
            runner.told = h.RunnerState.RUNNING
            self.step(h.Told(runner.process, name, h.Sight(h.RunnerState.RUNNING, pid=7)))

    @rule()
    def all_come_up(self) -> None:
        for _ in NAMES:  # one after the other, as they depend on each other
            self.a_process_comes_up(0)

    @rule(number=picks, code=st.sampled_from([0, 1, None]))
    def a_process_ends(self, number: int, code: int | None) -> None:
        able = [(name, each) for name, each in self.alive() if not each.clearing]
        if able:
            name, runner = self.pick(number, able)
            runner.alive = False
            sight = h.Sight(
                h.RunnerState.EXITED, pid=7, exit_code=code, exit_signal=None if code is not None else "SIGKILL"
            )
            self.step(h.Told(runner.process, name, sight))

    @rule(number=picks, final=st.booleans())
    def a_start_fails(self, number: int, final: bool) -> None:
        fresh = [(name, each) for name, each in self.alive() if each.told is None and not each.clearing]
        if fresh:
            name, runner = self.pick(number, fresh)
            runner.alive = False
            self.step(h.StartFailed(runner.process, name, "no", final))

    @rule(number=picks)
    def a_runner_is_lost(self, number: int) -> None:
        able = [(name, each) for name, each in self.alive() if not each.clearing]
        if able:
            name, runner = self.pick(number, able)
            self.step(h.Lost(runner.process, name))

    @rule(number=picks, anew=st.booleans())
    def what_it_left_is_cleared(self, number: int, anew: bool) -> None:
        able = [(name, each) for name, each in self.alive() if each.clearing]
        if able:
            name, runner = self.pick(number, able)
            runner.alive = False
            self.step(h.Cleared(runner.process, name, anew))

    @rule(number=picks)
    def something_late_is_heard(self, number: int) -> None:
        past = sorted(name for name, each in self.runners.items() if not each.alive)
        if past:
            name = self.pick(number, past)
            before = {key: (unit.phase, unit.runner, unit.outcome) for key, unit in self.machine.units.items()}
            self.step(h.Told(self.runners[name].process, name, h.Sight(h.RunnerState.RUNNING)))
            self.step(h.Lost(self.runners[name].process, name))
            after = {key: (unit.phase, unit.runner, unit.outcome) for key, unit in self.machine.units.items()}
            assert before == after

    @rule(number=picks, complaint=st.sampled_from([None, "bad"]))
    def a_probe_is_answered(self, number: int, complaint: str | None) -> None:
        asked = sorted(self.probes)
        if asked:
            process, kind = self.pick(number, asked)
            runner = self.machine.units[process].runner
            assert runner is not None
            self.step(h.Probed(process, runner, kind, complaint))

    @rule(number=picks, after_s=st.floats(0, 30))
    def a_timer_fires(self, number: int, after_s: float) -> None:
        if self.timers:
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

    @rule(stops=st.booleans(), now=st.integers(0, 9))
    @precondition(lambda self: self.machine.units and not self.quits)
    def the_host_quits(self, stops: bool, now: int) -> None:
        if now != 5:
            return  # seldom, or little else would be seen
        if stops:
            self.quits = True
            self.step(h.Quit(stops=True))
        else:
            self.step(h.Quit(stops=False))
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
        if self.left or self.quits:
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

    def teardown(self) -> None:
        """Quitting always winds down: nothing answers any more, only timers fire."""
        if self.left:
            return
        if not self.quits:
            self.quits = True
            self.step(h.Quit(stops=True))
        for _ in range(QUIT_BUDGET):
            for name, runner in self.alive():
                if runner.clearing:
                    runner.alive = False
                    self.step(h.Cleared(runner.process, name))
            if self.machine.is_wound_down:
                break
            timer = min(self.timers, key=lambda each: each.number)
            self.timers.remove(timer)
            self.step(h.Fired(timer), 1.0)
            self.there_is_at_most_one_of_each()
        assert self.machine.is_wound_down, "quitting does not come to its end"


TestWorlds = Worlds.TestCase
TestWorlds.settings = settings(max_examples=200, stateful_step_count=80, deadline=None)
