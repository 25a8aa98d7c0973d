"""The prompts: what to know at the start of a session, and what to leave behind at its end."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from core.doors.mcp.wire import INVALID_PARAMS, RpcError
from core.doors.mcp.wording import told
from core.operations import find
from storage import ParallelError

if TYPE_CHECKING:
    from core.doors.mcp.tools import Tools

Wire = dict[str, Any]

START: Final = "session_start"
END: Final = "session_end"

_DEFINITIONS: Final[Sequence[Wire]] = (
    {
        "name": START,
        "title": "Start a session",
        "description": "Who you are, what was handed to you, your tasks, and what the others are doing.",
        "arguments": [{"name": "agent", "description": "The name under which to work; your own if omitted."}],
    },
    {
        "name": END,
        "title": "End a session",
        "description": "What to leave behind before you stop: results, handoffs, remarks.",
    },
)

_FAREWELL: Final = """\
# End of session

Before you stop, leave nothing that only you know.

1. **Every task that you have** (below): `finish_task` with `complete` if it is done, `fail` if it cannot be done, \
`give_back` if somebody else should take it. Say in `summary` what was done; name the `files` and the `branch`.
2. **What somebody else goes on with**: `create_handoff` to that agent or role, with `summary`, `next_steps` in order, \
`warnings` about what one could trip over, and `failed_approaches`, so that nobody tries them again.
3. **Handoffs that you took on**: `acknowledge_handoff` with `complete` when their work is done.
4. **What you learnt about a task** and that stands nowhere else: `comment_task`.
5. **New work that you found**: `create_task`, with what it depends on.
"""


class Prompts:
    """The prompts of one connection."""

    def __init__(self, tools: "Tools") -> None:
        self._tools = tools

    def definitions(self) -> Sequence[Wire]:
        """The prompts on the wire."""
        return _DEFINITIONS

    def get(self, name: str, arguments: Mapping[str, Any]) -> Wire:
        """A prompt, as one message of the person's.

        Raises:
            RpcError: there is no such prompt, it takes no such argument, or the board refuses.
        """
        known = next((each for each in _DEFINITIONS if each["name"] == name), None)
        if known is None:
            raise RpcError(INVALID_PARAMS, f"Unknown prompt: {name[:80]}. There are: {START}, {END}.")
        takes = [each["name"] for each in known.get("arguments", ())]
        if unknown := [each for each in arguments if each not in takes]:
            raise RpcError(INVALID_PARAMS, f"{name} takes no argument {unknown[0][:60]!r}.")
        try:
            briefing = self._tools.ask(find(START), {each: value for each, value in arguments.items() if value})
        except ParallelError as error:
            raise RpcError(INVALID_PARAMS, told(error), {"code": error.code}) from None
        text = welcome(briefing) if name == START else farewell(briefing)
        return {
            "description": known["description"],
            "messages": [{"role": "user", "content": {"type": "text", "text": text}}],
        }


def welcome(briefing: Mapping[str, Any]) -> str:
    """A briefing as Markdown, as the agent's client puts it before the agent."""
    me = briefing["agent"]
    facts = {
        "Name": me["name"], "What you are for": me.get("description"), "Skills": ", ".join(me.get("skills", ())),
        "Role": me["role"],
    }  # fmt: skip
    tasks = briefing.get("tasks", ())
    waiting = [each for each in briefing.get("handoffs", ()) if each["status"] == "pending"]
    taken = [each for each in briefing.get("handoffs", ()) if each["status"] != "pending"]
    parts = [
        "# Session start",
        _section("Who you are", [f"- {what}: {value}" for what, value in facts.items() if value]),
        _section(f"Unacknowledged handoffs ({len(waiting)})", [handoff_block(each) for each in waiting]),
        _section("Handoffs that you have taken on", [handoff_block(each) for each in taken]),
        _section(f"Your tasks ({len(tasks)})", [task_line(each) for each in tasks]),
        _section("What the others are doing", [_other(each) for each in briefing.get("others", ())]),
        _section("What happened to your tasks lately", [f"- {each}" for each in briefing.get("recent", ())]),
        _section("How to go on", _advice(briefing, waiting)),
    ]  # fmt: skip
    return "\n\n".join(filter(None, parts))


def farewell(briefing: Mapping[str, Any]) -> str:
    """What to leave behind, with the tasks and handoffs that the agent still has."""
    tasks = [task_line(each) for each in briefing.get("tasks", ())]
    open_handoffs = [handoff_block(each) for each in briefing.get("handoffs", ())]
    parts = [_FAREWELL.rstrip(), _section("Tasks that you have", tasks or ["None."])]
    return "\n\n".join(filter(None, [*parts, _section("Handoffs that are open", open_handoffs)]))


def task_line(task: Mapping[str, Any]) -> str:
    """A task as an item of a list."""
    facts = [task["status"], task.get("priority"), task.get("assignee") and f"@{task['assignee']}"]
    facts += [f"due {task['due']}" if task.get("due") else None]
    facts += [f"waits for {task['waiting_on']}" if task.get("waiting_on") else None]
    facts += [f"blocked: {task['blocked_reason']}" if task.get("blocked_reason") else None]
    facts += [" ".join(f"[{label}]" for label in task.get("labels", ())), f"v{task['version']}"]
    return f"- #{task['number']} {task['title']} ({', '.join(filter(None, facts))})"


def handoff_block(handoff: Mapping[str, Any]) -> str:
    """A handoff as an item of a list, whole."""
    lines = [f"- From {handoff['from_agent']}, task #{handoff['task']}, {handoff['status']}, `{handoff['id']}`:"]
    lines += [f"  > {line}" for line in handoff["summary"].splitlines()]
    for field, title in (
        ("next_steps", "Next steps"), ("warnings", "Warnings"), ("failed_approaches", "Tried without success"),
        ("files", "Files"),
    ):  # fmt: skip
        if handoff.get(field):
            lines += [f"  {title}:", *(f"  - {each}" for each in handoff[field])]
    if handoff.get("branch"):
        lines.append(f"  Branch: {handoff['branch']}")
    return "\n".join(lines)


def _other(report: Mapping[str, Any]) -> str:
    doing = report.get("task")
    said = f": {report['message']}" if report.get("message") else ""
    return f"- {report['agent']}, {report['state']}{f' on {doing}' if doing else ''}{said}"


def _advice(briefing: Mapping[str, Any], waiting: Sequence[Any]) -> list[str]:
    first = "Answer the handoffs: `acknowledge_handoff`." if waiting else "Take work: `claim_next`."
    gate = " What you complete waits in `review` for approval." if briefing.get("review_gate") else ""
    return [f"{first} Touch no file of a task that another agent has. End each task with `finish_task`.{gate}"]


def _section(title: str, lines: Sequence[str]) -> str:
    return f"## {title}\n" + "\n".join(lines) if lines else ""
