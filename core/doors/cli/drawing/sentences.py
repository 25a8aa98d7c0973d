"""What a change has done, in a sentence; more where somebody has to read on."""

from collections.abc import Sequence

from core.doors.cli.drawing.lists import agent_list, event_line, task_list
from core.doors.cli.drawing.values import Wire, addressee_of, numbers_of, section, short, short_id
from core.doors.cli.drawing.views import handoff_view
from core.operation import Operation, bare_type
from core.text import block_for_screen, for_screen
from storage import Status


def tasks_changed(operation: Operation, tasks: Sequence[Wire]) -> str:
    """One or several tasks."""
    if not tasks:
        return "Nothing to do."
    moves = any(each.is_positional and bare_type(each.annotation) is Status for each in operation.parameters)
    status = tasks[0]["status"]
    where = f" to {status}" if moves else "" if status == "archived" else f" in {status}"
    if len(tasks) == 1:
        return f"{_past(operation)} #{tasks[0]['number']}{where}: {for_screen(tasks[0]['title'])}"
    return f"{_past(operation)} {len(tasks)} tasks{where if moves else ''}: {numbers_of(tasks)}."


def room_changed(operation: Operation, rooms: Sequence[Wire]) -> str:
    """A room."""
    room = rooms[0]
    if operation.command.startswith("queue "):
        return f"{_past(operation)} the queue of room {for_screen(room['name'])}."
    return f"{_past(operation)} room {for_screen(room['name'])} for {for_screen(room['root'])}."


def agent_changed(operation: Operation, agents: Sequence[Wire]) -> str:
    """An agent."""
    agent = agents[0]
    return f"{_past(operation)} agent {for_screen(agent['name'])} ({agent['kind']}, role {agent['role']})."


def commented(_operation: Operation, comments: Sequence[Wire]) -> str:
    """A comment."""
    first = comments[0]["body"].strip().partition("\n")[0]
    return f"Commented: {short(first)}"


def undone(operation: Operation, results: Sequence[Wire]) -> str:
    """A change that was undone or redone."""
    reversed_one = results[0]
    numbers = numbers_of(reversed_one["tasks"])
    what = "" if reversed_one["operation"] == "undo" else reversed_one["operation"].replace("_", " ")
    return f"{_past(operation)}: {' of '.join(each for each in (what, numbers) if each) or 'the change'}."


def claimed(_operation: Operation, claims: Sequence[Wire]) -> str:
    """The task that was claimed, with what one needs to begin; or why there is none."""
    claim = claims[0]
    if "number" not in claim:
        return for_screen(claim["why"])
    lease = f", a lease of {claim['lease_seconds']} s" if claim["lease_seconds"] else ""
    parts = [f"Claimed #{claim['number']} (claim {claim['claim']}{lease}): {for_screen(claim['title'])}"]
    if claim["description"]:
        parts.append(block_for_screen(claim["description"]))
    return "\n\n".join([*parts, *(handoff_view(each) for each in claim["handoffs"])])


def handed_over(operation: Operation, handoffs: Sequence[Wire]) -> str:
    """A handoff that was made or addressed anew."""
    handoff = handoffs[0]
    return f"{_past(operation)} handoff {short_id(handoff)} of #{handoff['task_number']} to {addressee_of(handoff)}."


def handoff_answered(_operation: Operation, details: Sequence[Wire]) -> str:
    """The answer to a handoff, and where its task is now."""
    detail = details[0]
    task = detail["task"]
    holder = f" with {for_screen(task['assignee_name'])}" if task["assignee_name"] else ""
    return (
        f"{detail['status'].capitalize()} handoff {short_id(detail)} of #{task['number']} ({task['status']}{holder}): "
        f"{for_screen(task['title'])}"
    )


def session_changed(operation: Operation, sessions: Sequence[Wire]) -> str:
    """A session that was ended."""
    session = sessions[0]
    return f"{_past(operation)} session {session['id']} of {for_screen(session['agent_name'] or '')}."


def session_created(operation: Operation, made: Sequence[Wire]) -> str:
    """A session that was made, and its token in the form in which an environment takes it."""
    return "\n".join([session_changed(operation, made), *_token_lines(made[0])])


def briefed(_operation: Operation, briefings: Sequence[Wire]) -> str:
    """All that an agent must know to begin."""
    brief = briefings[0]
    skills = f"; skills: {for_screen(', '.join(brief['skills']))}" if brief["skills"] else ""
    who = f"You are {for_screen(brief['name'])} ({brief['kind']}, role {brief['role']}{skills})."
    parts = ["\n".join([who, f"Session {brief['session']['id']}.", *_token_lines(brief)])]
    parts += [handoff_view(each) for each in brief["handoffs"]] or ["No handoffs wait for you."]
    parts.append(section("Your tasks", task_list(brief["tasks"])) if brief["tasks"] else "You have no tasks.")
    if brief["others"]:
        parts.append(section("The others", agent_list(brief["others"])))
    if brief["recent"]:
        parts.append(section("What others did to your tasks", *(event_line(each) for each in brief["recent"])))
    if brief["review_gate"]:
        parts.append("What you finish waits in review until it is approved.")
    return "\n\n".join(parts)


def _token_lines(wire: Wire) -> list[str]:
    """The token, where this answer is the one that shows it."""
    return [f"WZP_SESSION_TOKEN={wire['token']}"] if wire["token"] else []


def _past(operation: Operation) -> str:
    verb = operation.command.split()[-1].partition("-")[0]
    irregular = {"undo": "Undone", "redo": "Redone", "depend": "Changed what it waits for:", "send": "Sent back"}
    if verb in irregular:
        return irregular[verb]
    return f"{verb}{'d' if verb.endswith('e') else 'ed'}".capitalize()
