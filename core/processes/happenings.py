"""What the supervisor's machine is told and what it asks for: events in, actions out, timers, all of it plain data."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.alerts.findings import Finding
from storage import Probe, Process, ProcessId, ProcessState


class TimerKind(StrEnum):
    """What a timer of a process is for."""

    RESTART = "restart"
    """The back-off is over."""
    STEADY = "steady"
    """It has run so long that its next failure counts as the first."""
    KILL = "kill"
    """The runner should have ended it by now."""
    GIVE_UP = "give_up"
    """Not even killing has ended it."""


class ProbeKind(StrEnum):
    """Which question a probe asks."""

    READINESS = "readiness"
    LIVENESS = "liveness"


class RunnerState(StrEnum):
    """What a runner says of its process."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    EXITED = "exited"


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of a runner's process. `error` is why it does not end."""

    state: RunnerState
    pid: int | None = None
    pid_started: int | None = None
    boot_id: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    exit_signal: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Timer:
    """One timer; its number makes a late one known as such."""

    process: ProcessId
    kind: TimerKind
    number: int


# events


@dataclass(frozen=True, slots=True)
class Found:
    """A process as it was found when the host began.

    `runner` is the folder of a runner of it whose end has not been recorded, `launched` what that was launched with
    (`launch_digest`), and `generation` at whose wish.
    """

    process: Process
    runner: str | None = None
    launched: str | None = None
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Adopted:
    """All processes that there were when the host began. Of those with a runner Told or Lost follows."""

    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is declared and desired of some processes now; those that are `removed` go."""

    processes: tuple[Process, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A runner has told what its process does."""

    process: ProcessId
    runner: str
    sight: Sight


@dataclass(frozen=True, slots=True)
class Lost:
    """A runner is gone and has left no exit status."""

    process: ProcessId
    runner: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """What a lost runner left is proven gone. `anew` says that the machine was started anew since."""

    process: ProcessId
    runner: str
    anew: bool = False


@dataclass(frozen=True, slots=True)
class StartFailed:
    """A process could not be started; nothing of it runs. `final` says that trying again would not help."""

    process: ProcessId
    runner: str
    reason: str
    final: bool


@dataclass(frozen=True, slots=True)
class Probed:
    """A probe was answered; `complaint` says what was wrong, None that all was well."""

    process: ProcessId
    runner: str
    kind: ProbeKind
    complaint: str | None


@dataclass(frozen=True, slots=True)
class EnvironmentRead:
    """Its env_file was read again; whether it would be started with other variables than it was."""

    process: ProcessId
    runner: str
    is_other: bool


@dataclass(frozen=True, slots=True)
class Fired:
    """A timer's time has come."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class Quit:
    """The host ends. The runners live on."""


Event = Adopted | Wanted | Told | Lost | Cleared | StartFailed | Probed | EnvironmentRead | Fired | Quit


# actions


@dataclass(frozen=True, slots=True)
class Start:
    """Start a process under a new runner; answer with Told or StartFailed."""

    process: Process
    runner: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Let a runner stop its process, also where it has not begun yet; Told, StartFailed or Lost follows."""

    process: ProcessId
    runner: str
    grace_s: float


@dataclass(frozen=True, slots=True)
class Kill:
    """Let a runner kill all of its process, or kill it over the runner's head."""

    process: ProcessId
    runner: str


@dataclass(frozen=True, slots=True)
class Clear:
    """End what a lost runner has left; answer with Cleared once it is proven gone."""

    process: ProcessId
    runner: str


@dataclass(frozen=True, slots=True)
class Release:
    """The exit status is taken in: after it is stored, the runner and its folder may go."""

    process: ProcessId
    runner: str


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Fire a timer after so many seconds."""

    timer: Timer
    delay_s: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Do not fire a timer."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class StartProbe:
    """Begin to ask."""

    process: Process
    runner: str
    kind: ProbeKind
    probe: Probe


@dataclass(frozen=True, slots=True)
class StopProbe:
    """Ask no more."""

    process: ProcessId
    kind: ProbeKind


@dataclass(frozen=True, slots=True)
class Observation:
    """What is to be recorded of a process."""

    process: ProcessId
    state: ProcessState
    reason: str | None
    runner: str | None
    sight: Sight | None
    restarts: int
    generation: int


@dataclass(frozen=True, slots=True)
class Record:
    """Record what was observed; each one is to become an event, in this order."""

    observation: Observation


@dataclass(frozen=True, slots=True)
class Raise:
    """Raise an alert about a process."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class Resolve:
    """The alerts about a process are over."""

    process: ProcessId


@dataclass(frozen=True, slots=True)
class Forget:
    """A removed process is down; nothing more is known of it."""

    process: ProcessId


Action = (
    Start | Stop | Kill | Clear | Release | SetTimer | CancelTimer | StartProbe | StopProbe | Record | Raise | Resolve
    | Forget
)  # fmt: skip
