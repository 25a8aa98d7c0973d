"""What the machine knows of one process: what is wanted of it, where it stands, and how that is told."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from core.processes.happenings import Found, Observation, ProbeKind, RunnerState, Sight, Timer, TimerKind
from core.processes.restarting import Restarts
from storage import Desired, Probe, Process, ProcessSpec, ProcessState


class Phase(StrEnum):
    """Where a process stands for the machine."""

    DOWN = "down"
    WAITING = "waiting"
    """It shall run, and waits for what it depends on."""
    BACK_OFF = "back_off"
    STARTING = "starting"
    UP = "up"
    STOPPING = "stopping"
    CLEARING = "clearing"
    """Its runner is gone; what that left is being ended."""
    STUCK = "stuck"
    """Not even killing has ended it."""


ACTIVE = frozenset({Phase.STARTING, Phase.UP, Phase.STOPPING, Phase.CLEARING})
"""The phases in which something of the process may run and can be ended."""


class Cause(StrEnum):
    """Why a process is being stopped."""

    WISH = "wish"
    """Somebody wants it down, anew or otherwise, or what it depends on goes."""
    SICK = "sick"
    """Its liveness probe has failed: its policy decides what follows."""


class Outcome(StrEnum):
    """How a process that stays down by itself has ended."""

    EXITED = "exited"
    FAILED = "failed"


@dataclass(slots=True)
class Unit:
    """One process. `acted` is the generation that was acted upon; `launched` what the present or last start was of."""

    process: Process
    phase: Phase = Phase.DOWN
    runner: str | None = None
    sight: Sight | None = None
    launched: str | None = None
    acted: int = 0
    outcome: Outcome | None = None
    cause: Cause | None = None
    reason: str | None = None
    is_killed: bool = False
    is_ready: bool = False
    has_old_environment: bool = False
    """Whether its env_file has changed since it was started."""
    complaints: dict[ProbeKind, str] = field(default_factory=dict)
    """What a probe has found wrong often enough to count."""
    streaks: dict[ProbeKind, int] = field(default_factory=dict)
    """How often in a row a probe went well (above 0) or not (below)."""
    restarts: Restarts = field(default_factory=Restarts)
    timers: dict[TimerKind, Timer] = field(default_factory=dict)
    is_leaving: bool = False
    """Whether it is going down, or should, on purpose: what depends on it has to go first."""
    has_alert: bool = False
    is_unheard: bool = False
    """Whether its runner was found and has not been heard yet: until then what is stored of it stands."""
    recorded: Observation | None = None
    shown: tuple[object, ...] = ()
    """What of it those around it saw last."""

    @classmethod
    def found(cls, found: Found) -> "Unit":
        """A process as it stands in the store, with the runner that was found of it, if any."""
        process, runner = found.process, found.runner
        acted = max(process.observed_generation, found.generation)
        unit = cls(process, acted=acted, restarts=Restarts(process.restarts), launched=found.launched, has_alert=True)
        unit.sight = _sight_in(process)
        unit.reason = process.reason
        if runner is not None:
            unit.phase, unit.runner, unit.is_unheard = Phase.STARTING, runner, process.state in _LIVING
            unit.is_ready = process.state is ProcessState.READY
            return unit
        unit.runner = process.runner
        if process.state in _LIVING and process.runner is not None:
            unit.phase = Phase.CLEARING
        elif process.state in (ProcessState.EXITED, ProcessState.FAILED):
            unit.outcome = Outcome(process.state.value)
        return unit

    @property
    def is_wanted(self) -> bool:
        """Whether it shall run, as far as only its own wishes go."""
        return self.process.desired is Desired.RUNNING and not self.process.removed

    @property
    def has_new_wish(self) -> bool:
        """Whether somebody has asked for something that has not been acted upon."""
        return self.process.generation > self.acted

    @property
    def is_outdated(self) -> bool:
        """Whether what runs is not what is wanted now: a restart was asked for, or the declaration changed."""
        return self.has_new_wish or (self.launched is not None and self.launched != launch_digest(self.process.spec))

    @property
    def has_succeeded(self) -> bool:
        """Whether its last end was none to complain of."""
        sight = self.sight
        codes = self.process.spec.restart.success_codes
        return sight is not None and sight.exit_code is not None and sight.exit_code in codes

    def weigh(self, kind: ProbeKind, complaint: str | None) -> bool:
        """Take in a probe's answer; whether the process has just been found sick by it: it lives no more as it should.

        One wrong answer says that what never was ready is not ready yet; else only so many in a row count, and of a
        line that was printed once none: it may have been rotated away.
        """
        probe = probe_of(self.process, kind)
        if probe is None:
            return False
        streak = self.streaks.get(kind, 0)
        self.streaks[kind] = streak = max(streak, 0) + 1 if complaint is None else min(streak, 0) - 1
        if streak >= probe.successes:
            self.complaints.pop(kind, None)
            self.is_ready = self.is_ready or kind is ProbeKind.READINESS
        elif complaint is not None and kind is ProbeKind.READINESS and not self.is_ready:
            self.complaints[kind] = f"not ready yet: {complaint}"
        elif complaint is not None and probe.log_line is None and -streak >= probe.failures:
            self.complaints[kind] = f"{kind.value} probe: {complaint}"
            return kind is ProbeKind.LIVENESS
        return False

    def observation(self) -> Observation:
        """What is to be recorded of it now."""
        state = self._state()
        restarts, generation = self.restarts.count, min(self.acted, self.process.generation)
        return Observation(self.process.id, state, self._told_reason(), self.runner, self.sight, restarts, generation)

    def _state(self) -> ProcessState:
        match self.phase:
            case Phase.DOWN:
                return ProcessState(self.outcome) if self.outcome else ProcessState.STOPPED
            case Phase.WAITING | Phase.BACK_OFF:
                return ProcessState.PENDING
            case Phase.STARTING:
                return ProcessState.STARTING
            case Phase.STOPPING:
                return ProcessState.STOPPING
            case Phase.CLEARING | Phase.STUCK:
                return ProcessState.UNKNOWN
        if ProbeKind.LIVENESS in self.complaints or (self.is_ready and ProbeKind.READINESS in self.complaints):
            return ProcessState.UNHEALTHY
        return ProcessState.READY if self.is_ready else ProcessState.RUNNING

    def _told_reason(self) -> str | None:
        if self.phase is Phase.UP and self.complaints:
            return next(self.complaints[kind] for kind in reversed(ProbeKind) if kind in self.complaints)
        if self.phase is Phase.UP and self.reason is None and self.has_old_environment:
            return f"{self.process.spec.env_file} has changed: `wzp restart {self.process.name}` takes it in"
        return self.reason

    def how_it_ended(self) -> str:
        """`exit code 3`, or `killed by SIGKILL`."""
        sight = self.sight
        if sight is None or sight.state is not RunnerState.EXITED:
            return "its end was not seen"
        return f"killed by {sight.exit_signal}" if sight.exit_signal else f"exit code {sight.exit_code}"


_LIVING = frozenset({
    ProcessState.STARTING, ProcessState.RUNNING, ProcessState.READY, ProcessState.UNHEALTHY, ProcessState.STOPPING,
    ProcessState.UNKNOWN,
})  # fmt: skip


def _sight_in(process: Process) -> Sight | None:
    if process.pid is None and process.ended_at is None and process.exit_code is None:
        return None
    state = RunnerState.RUNNING if process.state in _LIVING else RunnerState.EXITED
    return Sight(
        state, process.pid, process.pid_started, process.boot_id, process.started_at, process.ended_at,
        process.exit_code, process.exit_signal,
    )  # fmt: skip


def probe_of(process: Process, kind: ProbeKind) -> Probe | None:
    """How a process is asked a question, if it is."""
    return process.spec.readiness if kind is ProbeKind.READINESS else process.spec.liveness


def launch_digest(spec: ProcessSpec) -> str:
    """What of a declaration has effect only at a start, in short: where it differs, what runs must be started anew."""
    parts = (
        spec.command, spec.shell, spec.kind.value, spec.agent, spec.cwd, sorted(spec.env.items()), spec.secret_env,
        spec.env_file, spec.backend.value, spec.stop_signal, spec.log.max_bytes, spec.log.files,
    )  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
