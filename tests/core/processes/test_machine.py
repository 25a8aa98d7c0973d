"""The machine's moves, one by one: order, restarts, probes, adoption."""

import itertools
from dataclasses import replace
from typing import Any

from core.processes import happenings as h
from core.processes.machine import Machine
from core.processes.unit import Phase
from storage import (
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

NOW = utc_now()
ALWAYS = Restart(policy=RestartPolicy.ALWAYS, first_delay_seconds=1, longest_delay_seconds=8, limit=5)


class Rig:
    """A machine whose actions are kept, and a world that does what it is told to."""

    def __init__(self, *processes: Process) -> None:
        names = itertools.count(1)
        self.machine = Machine(random=lambda: 0.0, new_runner=lambda: f"r{next(names)}")
        self.processes = {each.name: each for each in processes}
        self.actions: list[h.Action] = []
        self.now = 0.0
        self.step(h.Adopted(tuple(h.Found(each) for each in processes)))

    def step(self, event: h.Event) -> list[h.Action]:
        self.actions = self.machine.step(event, self.now)
        return self.actions

    def did(self, kind: type) -> list[Any]:
        return [each for each in self.actions if isinstance(each, kind)]

    def unit(self, name: str) -> Any:
        return self.machine.units[ProcessId(f"prc_{name}")]

    def state(self, name: str) -> tuple[str, str | None]:
        seen = self.unit(name).observation()
        return seen.state.value, seen.reason

    def up(self, name: str) -> None:
        unit = self.unit(name)
        self.step(h.Told(unit.process.id, unit.runner, h.Sight(h.RunnerState.RUNNING, pid=1)))

    def down(self, name: str, code: int | None = 0, signal: str | None = None) -> None:
        unit = self.unit(name)
        sight = h.Sight(h.RunnerState.EXITED, pid=1, exit_code=code, exit_signal=signal)
        self.step(h.Told(unit.process.id, unit.runner, sight))

    def probe(self, name: str, kind: h.ProbeKind, complaint: str | None = None) -> None:
        unit = self.unit(name)
        self.step(h.Probed(unit.process.id, unit.runner, kind, complaint))

    def fire(self, name: str, kind: h.TimerKind) -> None:
        self.step(h.Fired(self.unit(name).timers[kind]))

    def want(self, desired: Desired, *names: str, **fields: Any) -> None:
        for name in names:
            process = self.processes[name]
            self.processes[name] = replace(process, desired=desired, generation=process.generation + 1, **fields)
        self.step(h.Wanted(tuple(self.processes[name] for name in names)))

    def declare(self, name: str, **spec: Any) -> None:
        process = self.processes[name]
        self.processes[name] = replace(process, spec=replace(process.spec, **spec))
        self.step(h.Wanted((self.processes[name],)))


def process(name: str, *, wanted: bool = True, **spec: Any) -> Process:
    return Process(
        id=ProcessId(f"prc_{name}"), room_id=RoomId("rom_1"), name=name, declared_name=name.partition(".")[0],
        spec=ProcessSpec(command=("x",), **spec), desired=Desired.RUNNING if wanted else Desired.STOPPED, generation=1,
        state_at=NOW, created_at=NOW, updated_at=NOW,
    )  # fmt: skip


def test_a_dependant_starts_after_its_dependency_and_stops_before_it():
    rig = Rig(process("web", depends_on={"db": "started"}), process("db"))
    assert [each.process.name for each in rig.did(h.Start)] == ["db"]
    assert rig.state("web") == ("pending", "waits for db")
    rig.up("db")
    assert [each.process.name for each in rig.did(h.Start)] == ["web"]
    rig.up("web")
    rig.want(Desired.STOPPED, "db", "web")
    assert [each.process for each in rig.did(h.Stop)] == ["prc_web"]
    assert rig.state("db") == ("running", "stops after web")
    rig.down("web")
    assert [each.process for each in rig.did(h.Stop)] == ["prc_db"]
    rig.down("db")
    assert {rig.state(name)[0] for name in ("db", "web")} == {"stopped"}


def test_who_depends_on_what_is_stopped_waits_for_its_return():
    rig = Rig(process("web", depends_on={"db": "started"}), process("db"))
    rig.up("db")
    rig.up("web")
    rig.want(Desired.STOPPED, "db")
    assert rig.state("web") == ("stopping", "db, on which it depends, goes down")
    rig.down("web")
    assert rig.state("web") == ("pending", "waits for db, which is stopped")
    rig.down("db")
    rig.want(Desired.RUNNING, "db")
    rig.up("db")
    assert [each.process.name for each in rig.did(h.Start)] == ["web"]


def test_a_crash_of_a_dependency_leaves_its_dependants():
    rig = Rig(process("web", depends_on={"db": "started"}), process("db", restart=ALWAYS))
    rig.up("db")
    rig.up("web")
    rig.down("db", code=1)
    assert rig.state("web") == ("running", None)
    assert rig.state("db") == ("pending", "exit code 1; it restarts after 1.0 s")


def test_healthy_waits_for_readiness():
    probe = Probe(tcp="localhost:1")
    rig = Rig(process("web", depends_on={"db": "healthy"}), process("db", readiness=probe))
    rig.up("db")
    assert not rig.did(h.Start)
    rig.probe("db", h.ProbeKind.READINESS, "refused")
    assert rig.state("db") == ("running", "not ready yet: refused")
    rig.probe("db", h.ProbeKind.READINESS)
    assert rig.state("db") == ("ready", None)
    assert [each.process.name for each in rig.did(h.Start)] == ["web"]


def test_completed_successfully_waits_for_a_good_end():
    never = Restart(policy=RestartPolicy.NEVER)
    rig = Rig(process("web", depends_on={"job": "completed_successfully"}), process("job", restart=never))
    rig.up("job")
    rig.down("job", code=1)
    assert rig.state("job") == ("failed", "exit code 1")
    assert rig.state("web") == ("pending", "waits for job, which has failed")
    rig.want(Desired.RUNNING, "job")
    rig.up("job")
    rig.down("job", code=0)
    assert rig.state("job") == ("exited", "exit code 0")
    assert [each.process.name for each in rig.did(h.Start)] == ["web"]


def test_delays_grow_to_the_longest_and_begin_anew_after_steady_running():
    rig = Rig(process("web", restart=replace(ALWAYS, limit=100)))
    delays = []
    for _ in range(5):
        rig.up("web")
        rig.down("web", code=1)
        delays += [each.delay_s for each in rig.did(h.SetTimer)]
        rig.fire("web", h.TimerKind.RESTART)
    assert delays == [1, 2, 4, 8, 8]
    rig.up("web")
    rig.fire("web", h.TimerKind.STEADY)
    rig.down("web", code=1)
    assert [each.delay_s for each in rig.did(h.SetTimer)] == [1]
    assert rig.unit("web").observation().restarts == 6


def test_more_restarts_in_the_window_than_the_limit_are_a_storm():
    rig = Rig(process("web", restart=replace(ALWAYS, limit=2, window_seconds=60)))
    for _ in range(2):
        rig.up("web")
        rig.down("web", code=9)
        rig.fire("web", h.TimerKind.RESTART)
    rig.up("web")
    rig.down("web", code=9)
    assert rig.state("web") == ("failed", "restarted 2 times within 60 s; the last time: exit code 9")
    assert [each.finding.rule for each in rig.did(h.Raise)] == ["restart_storm"]
    rig.want(Desired.RUNNING, "web")
    assert rig.did(h.Start)
    assert rig.did(h.Resolve)


def test_restarts_that_lie_further_apart_than_the_window_are_none():
    rig = Rig(process("web", restart=replace(ALWAYS, limit=1, window_seconds=60)))
    for _ in range(4):
        rig.up("web")
        rig.now += 61
        rig.down("web", code=1)
        assert rig.state("web")[0] == "pending"
        rig.fire("web", h.TimerKind.RESTART)


def test_a_manual_stop_beats_a_pending_restart():
    rig = Rig(process("web", restart=ALWAYS))
    rig.up("web")
    rig.down("web", code=1)
    timer = rig.unit("web").timers[h.TimerKind.RESTART]
    rig.want(Desired.STOPPED, "web")
    assert rig.state("web") == ("stopped", None)
    rig.step(h.Fired(timer))
    assert not rig.actions


def test_a_stop_during_the_start_ends_it_and_a_start_after_it_begins_anew():
    rig = Rig(process("web"))
    rig.want(Desired.STOPPED, "web")
    assert rig.did(h.Stop)
    rig.want(Desired.RUNNING, "web")
    assert not rig.did(h.Start), "never two"
    rig.up("web")
    assert rig.state("web")[0] == "stopping"
    rig.down("web", code=None, signal="SIGTERM")
    assert len(rig.did(h.Start)) == 1


def test_on_failure_leaves_a_good_end():
    rig = Rig(process("job", restart=replace(ALWAYS, policy=RestartPolicy.ON_FAILURE, success_codes=(0, 3))))
    rig.up("job")
    rig.down("job", code=3)
    assert rig.state("job") == ("exited", "exit code 3")


def test_a_declaration_restarts_only_what_it_changes():
    rig = Rig(process("web"), process("db"))
    rig.up("web")
    rig.up("db")
    rig.declare("web", labels=("front",), capacity=3, restart=ALWAYS, stop_grace_seconds=1)
    assert not rig.did(h.Stop)
    rig.declare("web", env={"A": "1"})
    assert [each.process for each in rig.did(h.Stop)] == ["prc_web"]
    rig.down("web")
    assert [each.process.name for each in rig.did(h.Start)] == ["web"]
    assert rig.unit("db").phase is Phase.UP


def test_a_restart_is_asked_for_by_a_new_generation():
    rig = Rig(process("web"))
    rig.up("web")
    rig.want(Desired.RUNNING, "web")
    assert rig.did(h.Stop)
    assert rig.unit("web").observation().generation == 2
    rig.down("web")
    assert rig.did(h.Start)


def test_a_failing_liveness_is_unhealthy_then_restarted():
    rig = Rig(process("web", liveness=Probe(tcp="localhost:1", failures=2), restart=ALWAYS))
    rig.up("web")
    rig.probe("web", h.ProbeKind.LIVENESS, "refused")
    assert rig.state("web")[0] == "running"
    rig.probe("web", h.ProbeKind.LIVENESS, "refused")
    assert [each.observation.state for each in rig.did(h.Record)] == [ProcessState.UNHEALTHY, ProcessState.STOPPING]
    rig.down("web", code=0)
    assert rig.state("web") == ("pending", "liveness probe: refused; it restarts after 1.0 s")


def test_a_lost_readiness_is_unhealthy_until_it_returns():
    rig = Rig(process("web", readiness=Probe(tcp="localhost:1", failures=1)))
    rig.up("web")
    rig.probe("web", h.ProbeKind.READINESS)
    rig.probe("web", h.ProbeKind.READINESS, "refused")
    assert rig.state("web") == ("unhealthy", "readiness probe: refused")
    rig.probe("web", h.ProbeKind.READINESS)
    assert rig.state("web") == ("ready", None)


def test_a_lost_runner_is_cleared_before_anything_starts():
    rig = Rig(process("web", restart=ALWAYS))
    rig.up("web")
    runner = rig.unit("web").runner
    rig.step(h.Lost(ProcessId("prc_web"), runner))
    assert rig.did(h.Clear)
    assert rig.state("web")[0] == "unknown"
    rig.want(Desired.RUNNING, "web")
    assert not rig.did(h.Start)
    rig.step(h.Cleared(ProcessId("prc_web"), runner))
    assert rig.did(h.Start)


def test_what_cannot_be_killed_is_given_up_and_told():
    rig = Rig(process("web"))
    rig.up("web")
    rig.want(Desired.STOPPED, "web")
    rig.fire("web", h.TimerKind.KILL)
    assert rig.did(h.Kill)
    rig.fire("web", h.TimerKind.GIVE_UP)
    assert rig.state("web")[0] == "unknown"
    assert rig.did(h.Raise)
    assert not rig.unit("web").timers, "nobody waits for it any longer"
    rig.want(Desired.RUNNING, "web")
    assert not rig.did(h.Start), "never two"


def test_killing_does_not_wait_for_dependants():
    rig = Rig(process("web", depends_on={"db": "started"}), process("db"))
    rig.up("db")
    rig.up("web")
    rig.want(Desired.KILLED, "db")
    assert [each.process for each in rig.did(h.Kill)] == ["prc_db"]
    assert [each.process for each in rig.did(h.Stop)] == ["prc_web"]


def test_one_of_several_instances_goes_without_its_dependants():
    rig = Rig(process("web", depends_on={"db": "started"}), process("db.1"), process("db.2"))
    for name in ("db.1", "db.2", "web"):
        rig.up(name)
    rig.want(Desired.STOPPED, "db.2", removed=True)
    assert [each.process for each in rig.did(h.Stop)] == ["prc_db.2"]
    assert rig.unit("web").phase is Phase.UP
    rig.down("db.2")
    assert rig.did(h.Forget)


def test_all_instances_that_go_with_what_they_need_wait_for_who_needs_them():
    needs_db = {"depends_on": {"db": "started"}}
    rig = Rig(
        process("db"), process("web.1", **needs_db), process("web.2", **needs_db),
        process("tests", depends_on={"web": "started"}),
    )  # fmt: skip
    for name in ("db", "web.1", "web.2", "tests"):
        rig.up(name)
    rig.want(Desired.STOPPED, "db")
    assert [each.process for each in rig.did(h.Stop)] == ["prc_tests"]
    rig.down("tests")
    assert {each.process for each in rig.did(h.Stop)} == {"prc_web.1", "prc_web.2"}


def test_who_runs_with_another_env_file_than_there_is_says_so_until_it_is_started_anew():
    rig = Rig(process("web", env_file=".env"))
    rig.up("web")
    runner = rig.unit("web").runner
    rig.step(h.EnvironmentRead(ProcessId("prc_web"), runner, is_other=True))
    assert rig.state("web") == ("running", ".env has changed: `wzp restart web` takes it in")
    assert not rig.did(h.Stop), "whoever touches the file restarts nothing"
    rig.want(Desired.RUNNING, "web")
    rig.down("web")
    rig.up("web")
    assert rig.state("web") == ("running", None)


def test_the_reason_is_what_a_probe_has_said_last():
    rig = Rig(process("web", readiness=Probe(http="http://localhost:1/", failures=1)))
    rig.up("web")
    for complaint in ("connection refused", "no answer within 2 s"):
        rig.probe("web", h.ProbeKind.READINESS, complaint)
        assert rig.state("web") == ("running", f"not ready yet: {complaint}")
    rig.probe("web", h.ProbeKind.READINESS)
    for complaint in ("HTTP status 500", "connection refused"):
        rig.probe("web", h.ProbeKind.READINESS, complaint)
        assert rig.state("web") == ("unhealthy", f"readiness probe: {complaint}")


def test_a_cycle_starts_nothing_and_says_so_and_does_not_hinder_the_end():
    rig = Rig(process("a", depends_on={"b": "started"}), process("b"))
    rig.up("b")
    rig.up("a")
    rig.declare("b", depends_on={"a": "started"})
    rig.want(Desired.RUNNING, "a")
    rig.down("a")
    assert rig.state("a") == ("pending", "depends on itself: a → b → a")
    rig.want(Desired.STOPPED, "a", "b")
    assert [each.process for each in rig.did(h.Stop)] == ["prc_b"]
    assert rig.state("a") == ("stopped", None)


def test_a_host_that_leaves_stops_nothing_and_does_nothing_more():
    rig = Rig(process("web", liveness=Probe(tcp="localhost:1")))
    rig.up("web")
    rig.step(h.Quit())
    assert {type(each) for each in rig.actions} == {h.CancelTimer, h.StopProbe}
    rig.want(Desired.STOPPED, "web")
    assert not rig.actions


def test_an_adopted_process_stays_ready_and_has_its_restarts():
    known = replace(
        process("web", readiness=Probe(tcp="localhost:1")), state=ProcessState.READY, runner="old", restarts=4,
        observed_generation=1, pid=1,
    )  # fmt: skip
    machine = Machine(random=lambda: 0.0, new_runner=lambda: "new")
    assert not machine.step(h.Adopted((h.Found(known, "old"),)), 0.0), "what is stored stands until it is heard"
    machine.step(h.Told(known.id, "old", h.Sight(h.RunnerState.RUNNING, pid=1)), 0.0)
    seen = machine.units[known.id].observation()
    assert (seen.state, seen.restarts, seen.runner) == (ProcessState.READY, 4, "old")


def test_what_was_launched_of_another_declaration_is_restarted_at_adoption():
    known = replace(process("web"), state=ProcessState.RUNNING, runner="old", observed_generation=1, pid=1)
    machine = Machine(random=lambda: 0.0, new_runner=lambda: "new")
    actions = machine.step(h.Adopted((h.Found(known, "old", "another digest", 1),)), 0.0)
    assert [each for each in actions if isinstance(each, h.Stop)]


def test_a_start_that_fails_after_all_hope_was_given_up_is_heard():
    rig = Rig(process("web"))
    runner = rig.unit("web").runner
    rig.want(Desired.STOPPED, "web")
    rig.fire("web", h.TimerKind.KILL)
    rig.fire("web", h.TimerKind.GIVE_UP)
    rig.step(h.StartFailed(ProcessId("prc_web"), runner, "it has not come up", final=False))
    assert rig.state("web") == ("stopped", None)


def test_who_depends_on_something_no_more_does_not_hold_it_up():
    rig = Rig(process("web", depends_on={"db": "started"}), process("db"))
    rig.up("db")
    rig.up("web")
    rig.want(Desired.STOPPED, "db")
    assert rig.state("web")[0] == "stopping"
    assert rig.state("db") == ("running", "stops after web")
    rig.declare("web", depends_on={})
    assert [each.process for each in rig.did(h.Stop)] == ["prc_db"]
