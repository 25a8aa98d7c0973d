"""Who acts in this process: the agent that `WZP_AGENT` names, the agent client whose child we are, or the person.

These names attribute and bound what an agent does; they are no wall against the user whose processes they all are.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from core.agents.sessions import session_of_token
from core.errors import InvalidData
from core.text import NAME_LIMIT, RESERVED_NAMES, clean_name
from core.work import Actor
from storage import Agent, AgentKind, Door, Reader, Role, Room

AGENT_VARIABLE: Final = "WZP_AGENT"
"""Names the agent for which a process acts; its role is the one stored in the room, `agent` if it is new there."""

ROOM_VARIABLE: Final = "WZP_ROOM"
"""Names the room in which a process acts, wherever it stands."""

TOKEN_VARIABLE: Final = "WZP_SESSION_TOKEN"  # noqa: S105  the variable's name
"""Proves a session that was made for the process; whoever has it acts as the session's agent."""

_CLIENTS: Final = (
    ("CLAUDECODE", "claude"),
    ("CLAUDE_CODE_ENTRYPOINT", "claude"),
    ("CURSOR_AGENT", "cursor"),
    ("CODEX_SANDBOX", "codex"),
    ("CODEX_SANDBOX_NETWORK_DISABLED", "codex"),
    ("CODEX_THREAD_ID", "codex"),
    ("CODEX_SESSION_ID", "codex"),
    ("CODEX_CI", "codex"),
    ("GEMINI_CLI", "gemini"),
    ("QWEN_CODE", "qwen"),
    ("OPENCODE", "opencode"),
    ("COPILOT_AGENT", "copilot"),
    ("COPILOT_CLI", "copilot"),
    ("AUGMENT_AGENT", "augment"),
    ("CLINE_ACTIVE", "cline"),
    ("GOOSE_TERMINAL", "goose"),
    ("AMP_CURRENT_THREAD_ID", "amp"),
)
"""What agent clients set in the shells that they open, and the name we give them. Variables with which a person only
configures a client (`CODEX_HOME`, keys, `CLAUDE_CONFIG_DIR`) are not among them: they stand in people's profiles."""

_SELF_NAMING: Final = ("AI_AGENT", "AGENT")
"""Variables in which some clients put their own name."""

_OFF: Final = frozenset({"", "0", "false", "no"})


def client_of(environment: Mapping[str, str]) -> str | None:
    """The agent client that runs this process, as the environment shows it; None for a person's shell."""
    for variable, name in _CLIENTS:
        if environment.get(variable, "").lower() not in _OFF:
            return name
    for variable in _SELF_NAMING:
        value = environment.get(variable, "")
        if value.lower() not in _OFF:
            word = value.split("/")[0].split("@")[0].strip()
            return word if word.replace("-", "").replace("_", "").isalnum() and not word.isdigit() else "agent"
    return None


def without_agent(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which nothing tells of an agent: for what we start for the home, not for our caller."""
    telling = {AGENT_VARIABLE, ROOM_VARIABLE, TOKEN_VARIABLE, *_SELF_NAMING, *(variable for variable, _ in _CLIENTS)}
    return {name: value for name, value in environment.items() if name not in telling}


def token_of(environment: Mapping[str, str]) -> str | None:
    """The token of the session in which this process acts, where one was given."""
    return environment.get(TOKEN_VARIABLE, "").strip() or None


def actor_of(environment: Mapping[str, str], door: Door) -> Actor:
    """Who acts, before any room has been asked what role it gives them, and before any session has been looked up.

    Raises:
        InvalidData: the variable that names the agent holds no name.
    """
    if name := environment.get(AGENT_VARIABLE, "").strip():
        name = clean_name(name, f"agent name in {AGENT_VARIABLE}", NAME_LIMIT)
        if name.casefold() in RESERVED_NAMES:
            raise InvalidData(f"{AGENT_VARIABLE} is {name!r}, a word of ours.", "Choose another name.")
        return Actor(name, Role.AGENT, door, AgentKind.AI)
    client = client_of(environment)
    if client or token_of(environment):
        return Actor(client or "agent", Role.AGENT, door, AgentKind.AI)
    return Actor(_user_name(environment), Role.OWNER, door, AgentKind.PERSON)


def in_room(actor: Actor, rows: Reader, room: Room) -> Actor:
    """An agent with the role and kind that the room has stored for it; the person stays the owner."""
    if actor.role is Role.OWNER:
        return actor
    known = rows.agent_by_name(room.id, actor.name) or rows.get(Agent, actor.name)
    if known is None or known.room_id != room.id:
        return actor
    return replace(actor, name=known.name, role=known.role, kind=known.kind)


def present_actor(door: Door, rows: Reader | None = None, room: Room | None = None) -> Actor:
    """The actor of this process, with the role that `room` gives it where one is named.

    Raises:
        SessionOver: the environment holds a token that proves no session.
    """
    actor = actor_of(os.environ, door)
    if rows is not None and (token := token_of(os.environ)):
        return replace(actor, session_id=session_of_token(rows, token).id)
    return in_room(actor, rows, room) if rows is not None and room is not None else actor


def _user_name(environment: Mapping[str, str]) -> str:
    # the account, not $USER: `sudo -u` and containers leave that one wrong or empty
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return environment.get("USER") or environment.get("LOGNAME") or f"user-{os.getuid()}"
