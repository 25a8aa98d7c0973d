"""What is done to one process: each deed notes where it stands then, and asks for the actions that make it so."""

from collections.abc import Callable, Iterable
from typing import Final

from core.alerts.findings import found
from core.processes.happenings import (
    Action,
    CancelTimer,
    Clear,
    Kill,
    ProbeKind,
    Raise,
    Record,
    Release,
    Resolve,
    SetTimer,
    Start,
    StartProbe,
    Stop,
    StopProbe,
    Timer,
    TimerKind,
)  # fmt: skip
from core.processes.unit import Cause, Outcome, Phase, Unit, launch_digest, probe_of
from storage import AlertSeverity, Process

KILL_SLACK_S: Final = 5.0
"""A runner kills after the grace by itself; if it has told nothing so long after that, it is told to."""

GIVE_UP_S: Final = 10.0
"""What killing has not ended by then hangs in the kernel; nobody shall wait for it."""


class Deeds:
    """Gathers the actions of a turn.

    Args:
        new_runner: a short new name for a runner's folder.
    """

    def __init__(self, new_runner: Callable[[], str]) -> None:
        self._new_runner = new_runner
        self._last_timer = 0
        self._actions: list[Action] = []

    def taken(self) -> list[Action]:
        """What was asked for since this was called last."""
        actions, self._actions = self._actions, []
        return actions

    def ask(self, action: Action) -> None:
        """Ask for an action."""
        self._actions.append(action)

    # up and down

    def start(self, unit: Unit) -> None:
        """Let it begin, under a runner of its own."""
        unit.runner, unit.launched = self._new_runner(), launch_digest(unit.process.spec)
        unit.phase, unit.cause, unit.reason, unit.sight = Phase.STARTING, None, None, None
        unit.is_killed = unit.is_ready = unit.has_old_environment = False
        unit.complaints.clear()
        unit.streaks.clear()
        self.ask(Start(unit.process, unit.runner))

    def come_up(self, unit: Unit) -> None:
        """It runs: ask how it is, and see whether it lasts."""
        unit.phase = Phase.UP
        self._set(unit, TimerKind.STEADY, unit.process.spec.restart.steady_seconds)
        self._begin_probes(unit, ProbeKind)

    def stop(self, unit: Unit, cause: Cause, reason: str | None) -> None:
        """Let its runner end it, within its grace."""
        assert unit.runner is not None
        self.quiet(unit)
        unit.phase, unit.cause, unit.reason = Phase.STOPPING, cause, reason
        grace_s = unit.process.spec.stop_grace_seconds
        self.ask(Stop(unit.process.id, unit.runner, grace_s))
        self._set(unit, TimerKind.KILL, grace_s + KILL_SLACK_S)

    def kill(self, unit: Unit) -> None:
        """Let its runner end it at once."""
        assert unit.runner is not None
        self.quiet(unit)
        unit.is_killed = True
        self.ask(Kill(unit.process.id, unit.runner))
        self._set(unit, TimerKind.GIVE_UP, GIVE_UP_S)

    def clear(self, unit: Unit) -> None:
        """Its runner is gone: let what it has left be ended."""
        assert unit.runner is not None
        self.quiet(unit)
        unit.phase, unit.reason = Phase.CLEARING, "its runner was killed; what it left is being ended"
        self.ask(Clear(unit.process.id, unit.runner))

    def end(self, unit: Unit) -> None:
        """Nothing of it runs any more: its runner may go."""
        assert unit.runner is not None
        self.quiet(unit)
        self.ask(Release(unit.process.id, unit.runner))
        unit.phase, unit.cause, unit.reason = Phase.DOWN, None, None
        unit.complaints.clear()

    def back_off(self, unit: Unit, delay_s: float, how_it_ended: str) -> None:
        """Let it wait until it is started again."""
        unit.phase, unit.reason = Phase.BACK_OFF, f"{how_it_ended}; it restarts after {delay_s:.1f} s"
        self._set(unit, TimerKind.RESTART, delay_s)

    # alerts

    def fail(self, unit: Unit, how: str) -> None:
        """Let it stay down, and a person see to it."""
        unit.outcome, unit.reason = Outcome.FAILED, how
        self.complain(unit, "process_failed", reason=how.rstrip("."))

    def give_up(self, unit: Unit, how: str) -> None:
        """Let what was restarted as often as it may be stay down, and a person see to it."""
        limit, window_s = unit.process.spec.restart.limit, unit.process.spec.restart.window_seconds
        unit.outcome = Outcome.FAILED
        unit.reason = f"restarted {limit} times within {window_s:g} s; the last time: {how}"
        reason = how.rstrip(".")
        self.complain(
            unit, "restart_storm", AlertSeverity.CRITICAL, count=limit, span=max(1, round(window_s)), reason=reason
        )  # fmt: skip

    def complain(
        self, unit: Unit, text: str, severity: AlertSeverity = AlertSeverity.WARNING, **details: object
    ) -> None:
        """Let a person see to it; `text` is the name of what is said."""
        unit.has_alert = True
        self.ask(Raise(found(text, unit.process.id, severity=severity, name=unit.process.name, **details)))

    def settle_alert(self, unit: Unit) -> None:
        """There is nothing to see to any more."""
        if unit.has_alert:
            unit.has_alert = False
            self.ask(Resolve(unit.process.id))

    # timers, probes, records

    def quiet(self, unit: Unit) -> None:
        """No timer and no probe of it goes on."""
        for timer in unit.timers.values():
            self.ask(CancelTimer(timer))
        unit.timers.clear()
        if unit.phase is Phase.UP:
            for kind in ProbeKind:
                if probe_of(unit.process, kind) is not None:
                    self.ask(StopProbe(unit.process.id, kind))

    def probe_anew(self, unit: Unit, before: Process) -> None:
        """Its probes were declared otherwise while it runs."""
        changed = [kind for kind in ProbeKind if probe_of(before, kind) != probe_of(unit.process, kind)]
        for kind in changed:
            unit.streaks.pop(kind, None)
            unit.complaints.pop(kind, None)
            if probe_of(before, kind) is not None:
                self.ask(StopProbe(before.id, kind))
        if ProbeKind.READINESS in changed and unit.process.spec.readiness is None:
            unit.is_ready = False
        self._begin_probes(unit, changed)

    def record(self, unit: Unit) -> None:
        """Have it written down where it stands otherwise than was written down last."""
        if unit.is_unheard and unit.phase is Phase.STARTING:
            return
        observation = unit.observation()
        if observation != unit.recorded:
            unit.recorded = observation
            self.ask(Record(observation))

    def _set(self, unit: Unit, kind: TimerKind, delay_s: float) -> None:
        self._last_timer += 1
        unit.timers[kind] = timer = Timer(unit.process.id, kind, self._last_timer)
        self.ask(SetTimer(timer, delay_s))

    def _begin_probes(self, unit: Unit, kinds: Iterable[ProbeKind]) -> None:
        assert unit.runner is not None
        for kind in kinds:
            probe = probe_of(unit.process, kind)
            if probe is not None:
                self.ask(StartProbe(unit.process, unit.runner, kind, probe))
