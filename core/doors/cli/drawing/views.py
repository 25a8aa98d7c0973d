"""One thing in full."""

from core.doors.cli.drawing.lists import event_line, handoff_list, task_list, task_row
from core.doors.cli.drawing.values import (
    ENDING_STYLES,
    HANDOFF_STYLES,
    PRIORITY_STYLES,
    STATUS_STYLES,
    Wire,
    addressee_of,
    age_of,
    bullets,
    facts,
    indented,
    labels_of,
    local_time,
    needs_of,
    section,
    short_id,
    standing_of,
)  # fmt: skip
from core.doors.cli.table import BOLD, DIM, RED, styled, table
from core.text import block_for_screen, for_screen
from storage import COLUMNS


def task_view(task: Wire) -> str:
    """A task with its result, comments, handoffs and history."""
    place = f", place {task['position'] + 1}" if task.get("position") is not None else ""
    named = {
        "status": styled(task["status"], STATUS_STYLES.get(task["status"], "")) + place,
        "blocked": for_screen(task["blocked_reason"] or ""),
        "priority": styled(task["priority"], PRIORITY_STYLES.get(task["priority"], "")),
        "assignee": for_screen(task["assignee_name"] or "nobody"),
        "claimed": f"by session {task['claimed_by']} (claim {task['claim']})" if task["claimed_by"] else "",
        "labels": labels_of(task),
        "waits for": needs_of(task) + (f" ({task['waiting_on']} open)" if task["waiting_on"] else ""),
        "blocks": ", ".join(f"#{number}" for number in task["dependant_numbers"]),
        "part of": f"#{task['parent_number']}" if task["parent_number"] else "",
        "estimate": f"{task['estimate_minutes']} min" if task["estimate_minutes"] else "",
        "due": task["due"] or "",
        "command": for_screen(task["command"] or "") + ("" if task["command_approved"] else " (waits for approval)"),
        "runs": _how_it_runs(task) if task["command"] else "",
        "created": local_time(task["created_at"]),
        "updated": f"{local_time(task['updated_at'])} (version {task['version']})",
        "id": task["id"],
    }
    parts = [styled(f"#{task['number']} {for_screen(task['title'])}", BOLD), facts(named)]
    if task["description"]:
        parts.append(block_for_screen(task["description"]))
    if task["result"]:
        parts.append(result_view(task["result"]))
    if task["handoffs"]:
        parts.append(section("Handoffs", handoff_list(task["handoffs"])))
    if task["comments"]:
        remarks = [
            f"{styled(for_screen(each['author_name'] or each['author']), BOLD)} {local_time(each['created_at'])}\n"
            + indented(each["body"])
            for each in task["comments"]
        ]
        parts.append(section("Comments", *remarks))
    parts.append(section("History", *(event_line(each) for each in task["history"])))
    return "\n\n".join(parts)


def _how_it_runs(task: Wire) -> str:
    """What bounds the runs of a command, where it is not as usual."""
    told = {
        f"{task['attempts']} attempts": task["attempts"] > 1,
        "again if its worker is lost": task["idempotent"],
        f"at most {task['time_limit_seconds']} s": task["time_limit_seconds"] is not None,
        "lists changed files": task["collects_files"],
    }
    return ", ".join(text for text, is_so in told.items() if is_so)


def result_view(result: Wire) -> str:
    """What an agent has left of its work on a task."""
    ending = styled(result["ending"].replace("_", " "), ENDING_STYLES.get(result["ending"], ""))
    named = {
        "branch": for_screen(result["branch"] or ""),
        "files": ", ".join(for_screen(each) for each in result["files"]),
    }
    who = for_screen(result["agent_name"] or result["agent"])
    parts = [f"{ending} by {who}, {local_time(result['at'])}", indented(result["summary"])]
    if any(named.values()):
        parts.append(facts(named))
    if result["output"]:
        parts.append(f"{styled('output', DIM)}\n{indented(result['output'])}")
    return section("Result", *parts)


def room_view(room: Wire) -> str:
    """A room and its settings."""
    limits = ", ".join(f"{status} {limit}" for status, limit in room["wip_limits"].items())
    named = {
        "root": for_screen(room["root"]),
        "WIP limits": f"{limits} ({room['wip_mode']})" if limits else "none",
        "review gate": "on" if room["review_gate"] else "off",
        "lease": f"{room['lease_seconds']} s of silence end a session",
        "lost claims": "go back to the queue" if room["lost_claims"] == "return" else "stay with their agent",
        "handoff alert": f"after {room['handoff_alert_minutes']} min",
        "created": local_time(room["created_at"]),
        "version": str(room["version"]),
        "id": room["id"],
    }
    return f"{styled(for_screen(room['name']), BOLD)}\n\n{facts(named)}"


def agent_view(agent: Wire) -> str:
    """An agent and its open tasks."""
    named = {
        "kind": agent["kind"], "role": agent["role"], "description": for_screen(agent["description"]),
        "skills": for_screen(", ".join(agent["skills"])), "since": local_time(agent["created_at"]), "id": agent["id"],
    }  # fmt: skip
    tasks = task_list(agent["tasks"]) if agent["tasks"] else "No open tasks."
    return "\n\n".join([styled(for_screen(agent["name"]), BOLD), facts(named), tasks])


def session_view(session: Wire) -> str:
    """A session."""
    why = f": {for_screen(session['end_reason'])}" if session["end_reason"] else ""
    named = {
        "agent": for_screen(session["agent_name"] or session["agent_id"]),
        "state": session["state"],
        "client": for_screen(f"{session['client_name']} {session['client_version']}".strip()),
        "process": str(session["pid"] or ""),
        "started": f"{local_time(session['created_at'])} ({age_of(session['created_at'])} ago)",
        "ended": f"{local_time(session['ended_at'])}{why}" if session["ended_at"] else "",
    }
    return f"{styled(session['id'], BOLD)}\n\n{facts(named)}"


def handoff_view(handoff: Wire) -> str:
    """A handoff, all that it says; with its task's title where the shape brings the task."""
    task = handoff.get("task")
    title = f" {for_screen(task['title'])}" if task else ""
    named = {
        "status": styled(standing_of(handoff), RED if handoff["overdue"] else HANDOFF_STYLES[handoff["status"]]),
        "from": for_screen(handoff["from_agent_name"] or handoff["from_agent"]),
        "to": addressee_of(handoff),
        "answered": for_screen(handoff["taken_by_name"] or ""),
        "answer": for_screen(handoff["answer"] or ""),
        "branch": for_screen(handoff["branch"] or ""),
        "files": ", ".join(for_screen(each) for each in handoff["files"]),
        "created": local_time(handoff["created_at"]),
        "id": handoff["id"],
    }
    head = styled(f"Handoff {short_id(handoff)} of #{handoff['task_number']}{title}", BOLD)
    parts = [f"{head}\n{facts(named)}", block_for_screen(handoff["summary"])]
    for name in ("next_steps", "warnings", "failed_approaches"):
        if handoff[name]:
            heading = name.replace("_", " ").capitalize()
            parts.append(section(heading, *bullets(handoff[name], are_numbered=name == "next_steps")))
    return "\n\n".join(parts)


def board_view(board: Wire) -> str:
    """The board, column below column."""
    parts = [styled(f"After event {board['sequence']}", DIM)]
    for status in COLUMNS:
        tasks = [each for each in board["tasks"] if each["status"] == status]
        head = styled(f"{status.value} ({len(tasks)})", f"{BOLD};{STATUS_STYLES[status]}")
        rows = [[each for index, each in enumerate(task_row(task)) if index != 1] for task in tasks]
        headers = ("", "PRIORITY", "TITLE", "ASSIGNEE", "LABELS", "WAITS FOR", "DUE", "AGE")
        body = table(headers, rows, flexible=2).partition("\n")[2] if rows else ""
        parts.append(f"{head}\n{body}".rstrip())
    return "\n\n".join(parts)
