"""Agents: add, look, edit."""

from dataclasses import dataclass, replace

from core.agents import AgentReport, reports
from core.errors import InvalidData, PermissionDenied
from core.operation import UNSET, Line, OrUnset, operation
from core.text import NAME_LIMIT, RESERVED_NAMES, clean_labels, clean_line, clean_name
from core.work import Work, like_another
from storage import COLUMNS, Agent, AgentId, AgentKind, Role, Status, Task, new_agent_id


@dataclass(frozen=True, slots=True)
class AgentDetail:
    """An agent with the tasks that are assigned to it and not closed."""

    agent: Agent
    tasks: tuple[Task, ...]


@operation(role=Role.OPERATOR, changes=True, command="agent add")
def create_agent(
    work: Work,
    name: Line,
    *,
    kind: AgentKind = AgentKind.AI,
    role: Role = Role.AGENT,
    description: Line | None = None,
    skills: tuple[Line, ...] = (),
) -> Agent:
    """Add an agent to the room.

    Args:
        name: unique in the room.
        kind: a person, an AI agent, or a worker process.
        role: what it may do.
        description: what it is for, in a sentence.
        skills: what it can do, in the words of labels; `review` lets it approve what others did.
    """
    _check_role(work, role)
    return work.add(
        Agent(
            id=new_agent_id(), room_id=work.room.id, name=check_name(work, name), kind=kind, role=role,
            description=_clean_description(description), skills=clean_labels(skills, "skill"),
            created_at=work.now, updated_at=work.now,
        )
    )  # fmt: skip


@operation(role=Role.VIEWER, changes=False)
def list_agents(work: Work) -> tuple[AgentReport, ...]:
    """List the agents of the room, each with what it is doing, who says so and since when."""
    return reports(work.rows, work.room)


@operation(role=Role.VIEWER, changes=False, command="agent show")
def get_agent(work: Work, agent: AgentId) -> AgentDetail:
    """Show an agent and its open tasks."""
    found = work.get(Agent, agent)
    open_columns = [status for status in COLUMNS if status is not Status.DONE]
    tasks = (task for task in work.rows.tasks(work.room.id, open_columns) if task.assignee == agent)
    return AgentDetail(found, tuple(tasks))


@operation(role=Role.OPERATOR, changes=True, undoable=True, command="agent edit")
def update_agent(
    work: Work,
    agent: AgentId,
    *,
    name: Line | OrUnset = UNSET,
    role: Role | OrUnset = UNSET,
    description: Line | OrUnset = UNSET,
    skills: tuple[Line, ...] | OrUnset = UNSET,
    expected_version: int | None = None,
) -> Agent:
    """Edit an agent. What is omitted stays as it is.

    Args:
        skills: what it can do, in the words of labels; `review` lets it approve what others did.
        expected_version: refuse if the agent has changed since this version.
    """
    current = work.get(Agent, agent, expected_version)
    if current.role > work.actor.role:
        raise PermissionDenied(f"{current.name} is {current.role}; you are {work.actor.role}.", "Ask the owner.")
    if role is not UNSET:
        _check_role(work, role)
    return work.save(
        replace(
            current,
            name=current.name if name is UNSET else check_name(work, name, agent),
            role=current.role if role is UNSET else role,
            description=current.description if description is UNSET else _clean_description(description),
            skills=current.skills if skills is UNSET else clean_labels(skills, "skill"),
        ),
        event="edited",
    )


def _clean_description(description: Line | None) -> str:
    return clean_line(description, "description", 500) if description else ""


def check_name(work: Work, name: str, agent: AgentId | None = None) -> str:
    """A name that an agent of the room may have.

    Raises:
        InvalidData: it is taken, or reads like one that is, or is a word of ours.
    """
    name = clean_name(name, "agent name", NAME_LIMIT)
    if name.casefold() in RESERVED_NAMES or name.startswith("agt_"):
        raise InvalidData(f"{name!r} is a word of ours.", "Choose another name.")
    taken = work.rows.agent_by_name(work.room.id, name)
    if taken is not None and taken.id != agent:
        raise InvalidData(f"There is an agent {name!r} in room {work.room.name} already.", "Choose another name.")
    like = work.agent_like(name)
    if like is not None and like.id != agent:
        raise like_another(name, like, work.room)
    return name


def _check_role(work: Work, role: Role) -> None:
    if role > work.actor.role or role is Role.SYSTEM:
        raise PermissionDenied(f"You are {work.actor.role}; you cannot make an agent {role}.", "Ask the owner.")
