"""What an import would do to a room: numbers, agents, dependencies, and what has to be left out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from core.board import commands
from core.errors import InvalidData
from core.text import LABEL_LIMIT, NAME_LIMIT, RESERVED_NAMES, TITLE_LIMIT, clean_line, clean_name, clean_text
from core.transfer.board import ImportedAgent, ImportedBoard, ImportedComment, ImportedTask, ImportSummary
from core.transfer.words import Gaps
from storage import Reader, Room, Status


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """The tasks as they will be, with numbers that are free, in an order in which none comes before what it needs."""

    summary: ImportSummary
    tasks: tuple[ImportedTask, ...]
    new_agents: tuple[ImportedAgent, ...]
    order: tuple[str, ...]


def plan_import(rows: Reader, room: Room, board: ImportedBoard) -> ImportPlan:
    """The plan of importing a board into a room, as both stand now."""
    gaps = Gaps()
    cleaned = [each for task in _distinct(board.tasks, gaps) if (each := _cleaned(task, gaps)) is not None]
    cleaned = _with_known_parents(cleaned, gaps)
    tasks, order = _without_cycles(_with_known_needs(cleaned, gaps), gaps)
    tasks, numbers = _numbered(rows, room, tasks)
    newcomers = _newcomers(rows, room, board.agents, tasks, gaps)
    tasks = [_with_known_agents(task, gaps) for task in tasks]
    if board.wip_limits and room.wip_limits and (board.wip_limits, board.wip_mode) != (room.wip_limits, room.wip_mode):
        gaps.add("the room", "wip_limits", _limits_of(board), f"room {room.name} has limits of its own and keeps them")
    columns = {str(status): sum(task.status is status for task in tasks) for status in Status}
    summary = ImportSummary(
        source=board.source,
        format=board.format,
        tasks=len(tasks),
        comments=sum(len(task.comments) for task in tasks),
        columns={status: count for status, count in columns.items() if count},
        new_agents=tuple(agent.name for agent in newcomers),
        numbers=numbers,
        unmapped=(*board.unmapped, *gaps.found),
    )
    return ImportPlan(summary, tuple(tasks), tuple(newcomers), order)


def _limits_of(board: ImportedBoard) -> str:
    limits = ", ".join(f"{column}={limit}" for column, limit in board.wip_limits.items())
    return f"{limits} ({board.wip_mode})"


def _distinct(tasks: Sequence[ImportedTask], gaps: Gaps) -> Iterator[ImportedTask]:
    """The tasks, each with a key of its own; of two with one key, the first is the one that others wait for."""
    seen: set[str] = set()
    for index, task in enumerate(tasks):
        if task.key in seen:
            gaps.add(task.key, "id", task.title, "another task has it; it gets a number of its own")
            task = replace(task, key=f"{task.key} ({index + 1})", number=None)
        seen.add(task.key)
        yield task


def _cleaned(task: ImportedTask, gaps: Gaps) -> ImportedTask | None:
    """The task with texts as an operation would let them in; None where nothing is left of its title."""
    try:
        title = clean_line(task.title, "title", TITLE_LIMIT)
    except InvalidData as error:
        gaps.add(task.key, "title", task.title, f"{error.message} The task is left out.")
        return None

    def line(field: str, value: str, limit: int) -> str | None:
        return _kept(gaps, task.key, field, value, lambda text: clean_line(text, field, limit))

    def label(value: str) -> str | None:
        return _kept(gaps, task.key, "label", value, lambda text: clean_name(text, "label", LABEL_LIMIT))

    labels = [cleaned for each in task.labels if (cleaned := label(each))]
    comments = []
    for each in task.comments:
        body = _kept(gaps, task.key, "comment", each.body, lambda text: clean_text(text, "comment"))
        if body:
            comments.append(ImportedComment(author=each.author, body=body))
    reason = line("blocked_reason", task.blocked_reason, TITLE_LIMIT) if task.blocked_reason else None
    if task.status is Status.BLOCKED and reason is None:
        reason = "blocked where it was imported from"
    estimate = task.estimate_minutes
    if estimate is not None and not 0 < estimate <= 1_000_000:
        gaps.add(task.key, "estimate", estimate, "no sensible duration")
        estimate = None
    attempts, limit = task.attempts, task.time_limit_seconds
    if not 1 <= attempts <= commands.MOST_ATTEMPTS:
        gaps.add(task.key, "attempts", attempts, "no sensible number")
        attempts = 1
    if limit is not None and not 1 <= limit <= commands.LONGEST_LIMIT_S:
        gaps.add(task.key, "time_limit_seconds", limit, "no sensible duration")
        limit = None
    return replace(
        task,
        attempts=attempts,
        time_limit_seconds=limit,
        title=title,
        description=_kept(gaps, task.key, "description", task.description, lambda text: clean_text(text, "text")) or "",
        labels=tuple(dict.fromkeys(labels)),
        comments=tuple(comments),
        command=line("command", task.command, TITLE_LIMIT) if task.command else None,
        blocked_reason=reason,
        estimate_minutes=estimate,
    )


def _kept(gaps: Gaps, item: str, field: str, value: str, clean: Callable[[str], str]) -> str | None:
    try:
        return clean(value)
    except InvalidData as error:
        gaps.add(item, field, value[:200].encode("utf-8", "backslashreplace").decode(), error.message)
        return None


def _with_known_needs(tasks: list[ImportedTask], gaps: Gaps) -> list[ImportedTask]:
    known = {task.key for task in tasks}
    result = []
    for task in tasks:
        for need in task.needs:
            if need not in known:
                gaps.add(task.key, "dependencies", need, "there is no such task in what is imported")
        needs = tuple(need for need in dict.fromkeys(task.needs) if need in known)
        result.append(task if needs == task.needs else replace(task, needs=needs))
    return result


def _with_known_parents(tasks: list[ImportedTask], gaps: Gaps) -> list[ImportedTask]:
    """The tasks without parents that are not there, or that would be a part of themselves."""
    parents = {task.key: task.parent for task in tasks}
    for task in tasks:
        if task.parent is not None and task.parent not in parents:
            gaps.add(task.key, "parent", task.parent, "there is no such task in what is imported")
            parents[task.key] = None
    for task in tasks:
        above, seen = parents[task.key], {task.key}
        while above is not None and above not in seen:
            seen.add(above)
            above = parents[above]
        if above is not None:
            gaps.add(task.key, "parent", parents[task.key] or "", "it would be a part of itself")
            parents[task.key] = None
    return [task if task.parent == parents[task.key] else replace(task, parent=parents[task.key]) for task in tasks]


def _without_cycles(tasks: list[ImportedTask], gaps: Gaps) -> tuple[list[ImportedTask], tuple[str, ...]]:
    """The tasks without the dependencies that close a circle, and their keys with every need before its dependant."""
    needs = {task.key: list(task.needs) for task in tasks}
    on_path: dict[str, None] = {}
    order: dict[str, None] = {}
    closing: set[tuple[str, str]] = set()
    for start in needs:
        stack = [(start, iter(needs[start]))] if start not in order else []
        on_path.update((key, None) for key, _ in stack)
        while stack:
            key, rest = stack[-1]
            need = next(rest, None)
            if need is None:
                stack.pop()
                del on_path[key]
                order[key] = None
            elif need in on_path:
                path = list(on_path)
                circle = " → ".join([*path[path.index(need) :], need])
                gaps.add(key, "dependencies", need, f"it would close a circle: {circle}")
                closing.add((key, need))
            elif need not in order:
                on_path[need] = None
                stack.append((need, iter(needs[need])))
    open_tasks = [
        replace(task, needs=tuple(need for need in task.needs if (task.key, need) not in closing)) for task in tasks
    ]
    return open_tasks, tuple(order)


def _numbered(rows: Reader, room: Room, tasks: list[ImportedTask]) -> tuple[list[ImportedTask], dict[str, int]]:
    """The tasks with free numbers, their own where it is free; and from key to number where the two differ."""
    taken = {task.number for task in rows.tasks(room.id)}
    kept: dict[str, int] = {}
    for task in sorted(tasks, key=lambda task: task.status is Status.ARCHIVED):  # what is on the board chooses first
        if task.number is not None and task.number not in taken:
            taken.add(task.number)
            kept[task.key] = task.number
    following = max([rows.next_task_number(room.id) - 1, *kept.values()])
    numbered = []
    moved: dict[str, int] = {}
    for task in tasks:
        number = kept.get(task.key)
        if number is None:
            following = number = following + 1
            moved[task.key] = number
        numbered.append(replace(task, number=number))
    return numbered, moved


def _newcomers(
    rows: Reader, room: Room, described: Sequence[ImportedAgent], tasks: Sequence[ImportedTask], gaps: Gaps
) -> list[ImportedAgent]:
    """The agents that the room does not have yet: those that the file describes, and all whom a task names."""
    known = {agent.name for agent in rows.agents(room.id)}
    wanted = {agent.name: agent for agent in described}
    for task in tasks:
        for name in (task.assignee, *(comment.author for comment in task.comments)):
            if name is not None:
                wanted.setdefault(name, ImportedAgent(name=name))
    newcomers: dict[str, ImportedAgent] = {}
    for agent in wanted.values():
        name = agent_name(agent.name)
        if name is None:
            gaps.add(agent.name or "an agent", "name", agent.name, "no name for an agent; nobody stands for it")
        elif name not in known:
            about = _described(agent, gaps)
            newcomers.setdefault(name, replace(agent, name=name, description=about or ""))
    return list(newcomers.values())


def _with_known_agents(task: ImportedTask, gaps: Gaps) -> ImportedTask:
    comments = []
    for comment in task.comments:
        if (author := agent_name(comment.author)) is None:
            gaps.add(task.key, "comment", comment.body, "its author has no name that an agent may have")
        else:
            comments.append(replace(comment, author=author))
    return replace(task, assignee=agent_name(task.assignee or ""), comments=tuple(comments))


def agent_name(name: str) -> str | None:
    """The name as the room writes it; None for what no agent may be called."""
    try:
        cleaned = clean_name(name, "agent name", NAME_LIMIT)
    except InvalidData:
        return None
    return None if cleaned.casefold() in RESERVED_NAMES or cleaned.startswith("agt_") else cleaned


def _described(agent: ImportedAgent, gaps: Gaps) -> str | None:
    if not agent.description.strip():
        return None
    return _kept(gaps, agent.name, "description", agent.description, lambda text: clean_line(text, "description", 500))
