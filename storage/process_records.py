"""The frozen records of what runs: processes with their declaration, runs of tasks' commands, alerts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from storage.vocabulary import (
    AgentId,
    AlertId,
    AlertSeverity,
    Backend,
    Desired,
    ProcessId,
    ProcessKind,
    ProcessState,
    RestartPolicy,
    RoomId,
    RunId,
    RunState,
    TaskId,
    derived,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question whether a process is well; exactly one of the first four says how it is asked.

    `exec` is an argument list that exits with 0; `http` a URL that answers with 2xx or 3xx; `tcp` a `host:port` that
    accepts; `log_line` a regular expression that a line of output has matched since the start (readiness only).
    """

    exec: tuple[str, ...] = ()
    http: str | None = None
    tcp: str | None = None
    log_line: str | None = None
    delay_seconds: float = 0.0
    interval_seconds: float = 5.0
    timeout_seconds: float = 2.0
    failures: int = 3
    successes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """When a process is started again, and how soon: the delay doubles from the first to the longest.

    After `steady_seconds` of running the delays begin anew. More than `limit` restarts within `window_seconds` are a
    failure. Exit codes of `success_codes` are no failure.
    """

    policy: RestartPolicy = RestartPolicy.ON_FAILURE
    first_delay_seconds: float = 0.1
    longest_delay_seconds: float = 30.0
    steady_seconds: float = 10.0
    limit: int = 5
    window_seconds: float = 60.0
    success_codes: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """How much of a process's output is kept, and which lines of it (regular expressions) raise an alert."""

    max_bytes: int = 10_000_000
    files: int = 5
    alert_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """What is declared of a process: one entry of `processes:` in a room's room.yaml, defaults filled in.

    Either `command`, an argument list, or `shell`, a line for `/bin/sh -c`, says what runs; a worker has neither.
    `cwd` is relative to the room's root. `secret_env` names variables of the declaration whose values look secret:
    those are read from the approved room.yaml when the process starts, and never stored. `depends_on` maps declared
    names to conditions. `capacity` is how many tasks a worker or an agent has at once; `agent` the name of the agent
    whose program this is. `is_restartable`: whether agents may restart it.
    """

    command: tuple[str, ...] = ()
    shell: str | None = None
    kind: ProcessKind = ProcessKind.SERVICE
    agent: str | None = None
    cwd: str = "."
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: tuple[str, ...] = ()
    env_file: str | None = None
    backend: Backend = Backend.LOCAL
    autostart: bool = True
    restart: Restart = Restart()
    stop_signal: str = "SIGTERM"
    stop_grace_seconds: float = 10.0
    depends_on: Mapping[str, str] = field(default_factory=dict)
    readiness: Probe | None = None
    liveness: Probe | None = None
    log: LogSettings = LogSettings()
    capacity: int = 1
    labels: tuple[str, ...] = ()
    is_restartable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A supervised program of a room; of several instances, one.

    `declared_name` is the name in room.yaml; `name` is unique in the room (`web`, or `web.2` of several instances).
    Desired: `desired`, and `generation`, which grows each time somebody asks to start, stop or restart it.
    Observed: `observed_generation`, the last one that was acted upon, and the rest. `pid`, `pid_started` (kernel
    ticks after boot) and `boot_id` name the leader for ever; `runner` is the folder of its present or last runner.
    A removed process stays stored and is not shown.
    """

    id: ProcessId
    room_id: RoomId
    name: str
    declared_name: str
    instance: int = 1
    is_declared: bool = True
    spec: ProcessSpec
    desired: Desired = Desired.STOPPED
    generation: int = 0
    removed: bool = False
    observed_generation: int = 0
    state: ProcessState = ProcessState.STOPPED
    state_at: datetime
    reason: str | None = None
    pid: int | None = None
    pid_started: int | None = None
    boot_id: str | None = None
    runner: str | None = None
    exit_code: int | None = None
    exit_signal: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    restarts: int = 0
    version: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One attempt at a task's command. `attempt` counts the task's runs and so fences a late answer of an earlier one.

    `process_id` is the worker that has it, and `lease` that worker's runner at the time: who no longer runs under it
    no longer has the run. `paused` and `cancelled_by` are what is asked for. `output` is the end of what was printed.
    `interrupted` says that it was cut off before its time: its worker was stopped, or, with `lost_worker`, the worker
    or the keeper that it had for this run was killed under it. A run is not begun before `not_before`. While it is
    `stuck_since` a time, its processes are killed in vain, so that the task's next attempt has to wait.
    """

    id: RunId
    room_id: RoomId
    task_id: TaskId
    attempt: int
    command: str
    state: RunState = RunState.QUEUED
    queued_by: AgentId
    not_before: datetime | None = None
    paused: bool = False
    cancelled_by: AgentId | None = None
    process_id: ProcessId | None = None
    lease: str | None = None
    started_at: datetime | None = None
    stuck_since: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    exit_signal: str | None = None
    reason: str | None = None
    interrupted: bool = False
    lost_worker: bool = False
    output: str | None = None
    files: tuple[str, ...] = ()
    version: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that a person should see to. One per room, `rule` and `subject` as long as it is not resolved.

    `rule` is what found it (`process_failed`, `disk_full`, …); `subject` the id or name of what it is about, or empty.
    `created_at` is when it was first seen. It tells nobody while `muted_until` is ahead. `message` and `hint` are
    English; `text` names what they say (see core/alerts/findings.py), and `details` are the words and numbers in it, so
    that a screen can say it in another language. An alert without `text` has the English alone.
    """

    id: AlertId
    room_id: RoomId
    rule: str
    subject: str = ""
    severity: AlertSeverity = AlertSeverity.WARNING
    message: str
    hint: str = ""
    text: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    acknowledged_by: AgentId | None = None
    acknowledged_at: datetime | None = None
    muted_until: datetime | None = None
    resolved_at: datetime | None = None
    version: int = 1
    created_at: datetime
    updated_at: datetime
    seen_count: int = derived(1)
    """How often it was seen."""
    last_seen_at: datetime = derived(None)
    """When it was last seen."""
