"""Processes: listed, looked at, and what became of what was asked of them."""

from collections.abc import Sequence
from typing import Final

from core.doors.cli.drawing.lists import event_line
from core.doors.cli.drawing.values import Wire, age_of, facts, local_time, section
from core.doors.cli.table import BOLD, CYAN, DIM, GREEN, MAGENTA, RED, YELLOW, Cell, styled, table
from core.operation import Operation
from core.text import for_screen

PROCESS_STYLES: Final = {
    "pending": YELLOW, "starting": YELLOW, "running": CYAN, "ready": GREEN, "unhealthy": RED, "stopping": YELLOW,
    "stopped": DIM, "exited": DIM, "failed": RED, "unknown": MAGENTA,
}  # fmt: skip
LIVING: Final = ("running", "ready", "unhealthy", "stopping")


def process_list(processes: Sequence[Wire]) -> str:
    """Processes, a row each."""
    headers = ("NAME", "STATE", "PID", "UPTIME", "RESTARTS", "BACKEND", "LABELS", "WHY")
    rows = [
        [
            Cell(for_screen(each["name"]), BOLD), Cell(_state(each), PROCESS_STYLES.get(each["state"], "")),
            Cell(str(each["pid"]) if each["pid"] and each["state"] in LIVING else "", DIM), Cell(uptime_of(each)),
            Cell(str(each["restarts"] or ""), YELLOW), Cell(each["backend"], DIM),
            Cell(for_screen(" ".join(each["spec"]["labels"])), DIM), Cell(for_screen(why_of(each)), DIM),
        ]
        for each in processes
    ]  # fmt: skip
    return table(headers, rows, flexible=7)


def uptime_of(process: Wire) -> str:
    """For how long a living process has run."""
    return age_of(process["started_at"]) if process["started_at"] and process["state"] in LIVING else ""


def why_of(process: Wire) -> str:
    """Why a process is in its state: in the host's words, else how it has ended."""
    if process["reason"]:
        return str(process["reason"])
    if process["state"] in ("exited", "failed", "stopped"):
        if process["exit_signal"]:
            return f"ended by {process['exit_signal']}"
        if process["exit_code"] is not None:
            return f"exit code {process['exit_code']}"
    return ""


def process_view(process: Wire) -> str:
    """A process with its declaration and its history."""
    spec = process["spec"]
    command = spec["shell"] if spec["shell"] is not None else " ".join(_quoted(each) for each in spec["command"])
    named = {
        "state": styled(process["state"], PROCESS_STYLES.get(process["state"], "")), "why": for_screen(why_of(process)),
        "wanted": process["desired"], "pid": str(process["pid"] or ""), "uptime": uptime_of(process),
        "started": local_time(process["started_at"]) if process["started_at"] else "",
        "ended": local_time(process["ended_at"]) if process["ended_at"] else "",
        "restarts": str(process["restarts"] or ""), "room": for_screen(process["room_name"]),
        "kind": spec["kind"], "agent": for_screen(spec["agent"] or ""), "command": for_screen(command),
        "runs in": for_screen(spec["cwd"]), "backend": process["backend"],
        "variables": for_screen(", ".join(f"{name}={value}" for name, value in spec["env"].items())),
        "secrets": ", ".join(f"{name}=•••" for name in spec["secret_env"]),
        "env file": for_screen(spec["env_file"] or ""),
        "by itself": "" if spec["autostart"] else "does not start",
        "agents": "may restart it" if spec["is_restartable"] else "",
        "restart": _restart(spec["restart"]), "stop": f"{spec['stop_signal']}, {spec['stop_grace_seconds']:g} s",
        "needs": ", ".join(f"{name} ({condition})" for name, condition in spec["depends_on"].items()),
        "needed by": ", ".join(process["needed_by"]),
        "ready when": for_screen(_probe(spec["readiness"])), "alive while": for_screen(_probe(spec["liveness"])),
        "capacity": str(spec["capacity"]) if spec["kind"] != "service" else "",
        "labels": for_screen(", ".join(spec["labels"])), "alerts on": for_screen(", ".join(spec["log"]["alert_on"])),
        "declared": "in room.yaml" if process["is_declared"] else "by command",
        "id": process["id"],
    }  # fmt: skip
    parts = [f"{styled(for_screen(process['name']), BOLD)}\n{facts(named)}"]
    if process["recent"]:
        parts.append(section("Lately", *(event_line(each) for each in process["recent"][:10])))
    return "\n\n".join(parts)


def processes_changed(_operation: Operation, processes: Sequence[Wire]) -> str:
    """Where each process stands after what was asked."""
    return "\n".join(_line(each) for each in processes) or "Nothing to do."


def room_trusted(_operation: Operation, approvals: Sequence[Wire]) -> str:
    """An approval, and where the processes stand now."""
    approval = approvals[0]
    groups = ((len(approval[name]), name) for name in ("added", "changed", "removed"))
    counts = ", ".join(f"{count} {name}" for count, name in groups if count) or "nothing has changed"
    head = f"Approved room.yaml ({approval['hash'][:12]}): {counts}."
    return "\n".join([head, *(_line(each) for each in approval["processes"])])


def _line(process: Wire) -> str:
    name = styled(for_screen(process["name"]), BOLD)
    is_settled = process["observed_generation"] >= process["generation"] or (
        process["desired"] != "running" and process["state"] in ("stopped", "exited", "failed")
    )
    if not is_settled:
        return f"{name}: will be {'removed' if process['removed'] else process['desired']} ({process['state']} now)"
    told = styled(process["state"], PROCESS_STYLES.get(process["state"], ""))
    if process["pid"] and process["state"] in LIVING:
        told += f", pid {process['pid']}"
    why = f" ({for_screen(why)})" if (why := why_of(process)) else ""
    return f"{name}: {told}{why}" + (", removed" if process["removed"] else "")


def _state(process: Wire) -> str:
    return str(process["state"])


def _restart(restart: Wire) -> str:
    if restart["policy"] == "never":
        return "never"
    return (
        f"{restart['policy']}, after {restart['first_delay_seconds']:g} to {restart['longest_delay_seconds']:g} s, "
        f"at most {restart['limit']} in {restart['window_seconds']:g} s"
    )


def _probe(probe: Wire | None) -> str:
    if probe is None:
        return ""
    asked = next(
        f"{kind.replace('_', ' ')} {' '.join(map(_quoted, value)) if isinstance(value, list) else value}"
        for kind, value in ((kind, probe[kind]) for kind in ("exec", "http", "tcp", "log_line"))
        if value
    )
    if probe["log_line"]:
        return asked
    patience = f", bad after {probe['failures']} in a row" if probe["failures"] > 1 else ""
    return f"{asked}, every {probe['interval_seconds']:g} s{patience}"


def _quoted(word: str) -> str:
    from shlex import quote

    return quote(word)
