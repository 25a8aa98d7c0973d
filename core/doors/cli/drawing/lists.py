"""Lists as tables, a row a record, and events as lines."""

from collections.abc import Sequence

from core.doors.cli.drawing.values import (
    HANDOFF_STYLES,
    PRIORITY_STYLES,
    STATE_STYLES,
    STATUS_STYLES,
    Wire,
    addressee_of,
    age_of,
    doing_of,
    is_abandoned,
    labels_of,
    local_time,
    needs_of,
    short,
    short_id,
    standing_of,
    state_of,
    value_of,
)  # fmt: skip
from core.doors.cli.table import BOLD, DIM, RED, YELLOW, Cell, table
from core.text import for_screen

_UNTOLD = frozenset(
    {"rank", "archived_from", "claimed_by", "answered_at", "ended_at", "end_reason"}
    | {"generation", "observed_generation", "state_at", "pid_started", "boot_id", "runner", "started_at"}
    | {"lease", "process_id", "output", "not_before", "interrupted", "lost_worker"}
)
"""Fields that tell a person nothing beside the others that change with them."""


def task_list(tasks: Sequence[Wire]) -> str:
    """Tasks, a row each."""
    headers = ("#", "STATUS", "PRIORITY", "TITLE", "ASSIGNEE", "LABELS", "WAITS FOR", "DUE", "AGE")
    return table(headers, [task_row(each) for each in tasks], flexible=3)


def task_row(task: Wire) -> list[Cell]:
    """The cells of a task; its status is the second."""
    priority, name = task["priority"], for_screen(task["assignee_name"] or "")
    return [
        Cell(f"#{task['number']}", BOLD),
        Cell(task["status"], STATUS_STYLES.get(task["status"], "")),
        Cell(priority if priority != "normal" else "", PRIORITY_STYLES.get(priority, "")),
        Cell(for_screen(task["title"])),
        Cell(f"{name} · abandoned", YELLOW) if is_abandoned(task) else Cell(name),
        Cell(labels_of(task), DIM),
        Cell(needs_of(task) if task["waiting_on"] else "", RED),
        Cell(task["due"] or ""),
        Cell(age_of(task["status_changed_at"] or task["created_at"]), DIM),
    ]


def room_list(rooms: Sequence[Wire]) -> str:
    """Rooms, a row each."""
    rows = [[Cell(for_screen(each["name"]), BOLD), Cell(for_screen(each["root"]))] for each in rooms]
    return table(("NAME", "ROOT"), rows, flexible=1)


def agent_list(reports: Sequence[Wire]) -> str:
    """Agents and what they are doing, in 80 columns for names of up to 20 characters."""
    rows = [
        [
            Cell(for_screen(each["name"]), BOLD), Cell(each["role"], DIM),
            Cell(state_of(each), STATE_STYLES.get(each["state"], "")), Cell(doing_of(each)),
            Cell(str(each["unread_handoffs"] or ""), YELLOW),
        ]
        for each in reports
    ]  # fmt: skip
    return table(("NAME", "ROLE", "STATE", "DOING", "UNREAD"), rows, flexible=3)


def session_list(sessions: Sequence[Wire]) -> str:
    """Sessions, a row each."""
    rows = [
        [
            Cell(each["id"], DIM), Cell(for_screen(each["agent_name"] or each["agent_id"]), BOLD), Cell(each["state"]),
            Cell(age_of(each["created_at"]), DIM),
            Cell(for_screen(f"{each['client_name']} {each['client_version']}".strip())),
            Cell(for_screen(each["end_reason"] or "")),
        ]
        for each in sessions
    ]  # fmt: skip
    return table(("SESSION", "AGENT", "STATE", "AGE", "CLIENT", "WHY"), rows, flexible=5)


def handoff_list(handoffs: Sequence[Wire]) -> str:
    """Handoffs, a row each."""
    rows = [
        [
            Cell(short_id(each), BOLD), Cell(f"#{each['task_number']}"),
            Cell(f"{for_screen(each['from_agent_name'] or '')} → {addressee_of(each)}"),
            Cell(standing_of(each), RED if each["overdue"] else HANDOFF_STYLES.get(each["status"], "")),
            Cell(for_screen(each["summary"])),
        ]
        for each in handoffs
    ]  # fmt: skip
    return table(("HANDOFF", "TASK", "FROM → TO", "STATUS", "SUMMARY"), rows, flexible=4)


def event_list(events: Sequence[Wire]) -> str:
    """Events, a row each."""
    rows = [
        [
            Cell(str(event["sequence"]), DIM), Cell(local_time(event["at"])),
            Cell(for_screen(event["agent_name"] or event["agent_id"])), Cell(event["door"], DIM),
            Cell(_happening(event)), Cell(event["change"] if event["undoable"] else "", DIM),
        ]
        for event in events
    ]  # fmt: skip
    return table(("EVENT", "WHEN", "WHO", "DOOR", "WHAT", "CHANGE"), rows, flexible=4)


def event_line(event: Wire) -> str:
    """One event as one line."""
    who = for_screen(event["agent_name"] or event["agent_id"])
    return f"{event['sequence']:>6}  {local_time(event['at'])}  {who}: {_happening(event)}"


_ASKED = {
    "start_asked": "start of {name} asked for", "stop_asked": "stop of {name} asked for",
    "kill_asked": "end of {name} by force asked for", "restart_asked": "restart of {name} asked for",
    "created": "process {name} added", "removed": "process {name} removed", "returned": "process {name} is back",
}  # fmt: skip


def _process_happening(event: Wire) -> str:
    """What became of a process: `web is running, pid 1234`, `crash failed: exit code 3`."""
    name, after = for_screen(event["names"].get(event["entity_id"], "a process")), event["after"]
    if event["type"] in _ASKED:
        return _ASKED[event["type"]].format(name=name)
    if event["type"] == "edited":
        return f"process {name} edited"
    reason = event["reason"] or after.get("reason")
    why = f": {short(reason)}" if reason else ""
    state = after.get("state")
    if state is None:
        return f"{name}{why or ' is looked after'}"
    if not why and state in ("exited", "failed", "stopped") and (after.get("exit_signal") or "exit_code" in after):
        signal, code = after.get("exit_signal"), after.get("exit_code")
        why = f": ended by {signal}" if signal else f": exit code {code}" if code is not None else ""
    pid = f", pid {after['pid']}" if after.get("pid") and state in ("running", "ready") else ""
    return f"{name} {'' if state in ('failed', 'exited') else 'is '}{state}{pid}{why}"


def _alert_happening(event: Wire) -> str:
    """What became of an alert: `alert raised: web failed`, `alert muted until 2026-11-21 16:00:00: web failed`."""
    message = event["after"].get("message") or event["names"].get(event["entity_id"], "")
    until = event["after"].get("muted_until")
    when = f" until {local_time(until)}" if event["type"] == "muted" and until else ""
    return f"alert {event['type']}{when}" + (f": {short(message)}" if message else "")


def _happening(event: Wire) -> str:
    if event["entity"] == "process":
        return _process_happening(event)
    if event["entity"] == "alert":
        return _alert_happening(event)
    what = f"#{event['task_number']}" if event.get("task_number") else event["entity"]
    if what != event["entity"] and event["entity"] != "task":
        what += f" {event['entity']}"
    reason = f" ({short(event['reason'])})" if event["reason"] else ""
    return f"{what} {event['type'].replace('_', ' ')}{_differences(event)}{reason}"


def _differences(event: Wire) -> str:
    before, after, names = event["before"], event["after"], event["names"]
    if before is None:
        name = next((after[field] for field in ("title", "name", "body", "summary") if after.get(field)), "")
        return f": {short(name)}" if name else ""
    told = [
        f"{field.replace('_', ' ')} {value_of(before.get(field), names)} → {value_of(after[field], names)}"
        for field in after
        if field not in _UNTOLD
    ]
    return f": {'; '.join(told)}" if told else ""
