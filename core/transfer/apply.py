"""Carrying out the plan of an import: all of it in the open transaction, as one change."""

from dataclasses import replace

from core.board import order, wip
from core.errors import InvalidData
from core.transfer.board import ImportedAgent, ImportedBoard, ImportedTask, ImportSummary
from core.transfer.plan import plan_import
from core.work import Work
from storage import Agent, AgentId, Comment, Role, Room, Status, Task, TaskId, new_agent_id, new_comment_id, new_task_id


def apply_board(work: Work, board: ImportedBoard) -> ImportSummary:
    """Add everything of a board to the work's room.

    Raises:
        InvalidData: there is nothing to import.
        WipLimit: a column would be too full and the room refuses.

    No command of a file runs before somebody has approved it: who imports a board has not read its every line.
    """
    plan = plan_import(work.rows, work.room, board)
    if not plan.tasks:
        raise InvalidData(f"There is no task to import in {board.source}.", "See what it holds with --dry-run.")
    by_status: dict[Status, list[ImportedTask]] = {}
    for task in plan.tasks:
        by_status.setdefault(task.status, []).append(task)
    for status, tasks in by_status.items():
        if status is not Status.ARCHIVED:
            wip.check(work, status, arriving=len(tasks))
    importer = work.agent.id
    for newcomer in plan.new_agents:
        _add_agent(work, newcomer)
    agents = {agent.name: agent.id for agent in work.rows.agents(work.room.id)}
    ranks: dict[str, str] = {}
    for status, tasks in by_status.items():
        last = work.rows.last_rank(work.room.id, status, ())
        keys = (task.key for task in tasks)
        ranks.update(zip(keys, order.ranks_between(last, None, len(tasks)), strict=True))
    by_key = {task.key: task for task in plan.tasks}
    ids = {task.key: new_task_id() for task in plan.tasks}
    for key in plan.order:
        _add_task(work, by_key[key], ids, ranks[key], agents, importer)
    for task in plan.tasks:  # once all are there
        if task.parent is not None:
            work.save(replace(work.tasks.get(ids[task.key]), parent=ids[task.parent]), event="edited")
    for task in plan.tasks:
        for comment in task.comments:
            work.add(
                Comment(
                    id=new_comment_id(), room_id=work.room.id, task_id=ids[task.key], author=agents[comment.author],
                    body=comment.body, created_at=work.now, updated_at=work.now,
                )
            )  # fmt: skip
    if board.wip_limits and not work.room.wip_limits:
        room = work.get(Room, work.room.id)
        work.save(replace(room, wip_limits=board.wip_limits, wip_mode=board.wip_mode), event="edited")
    return plan.summary


def _add_agent(work: Work, newcomer: ImportedAgent) -> None:
    highest = min(work.actor.role, Role.OWNER)  # nobody makes an agent that may do more than they
    work.add(
        Agent(
            id=new_agent_id(), room_id=work.room.id, name=newcomer.name, kind=newcomer.kind,
            role=min(newcomer.role, highest), description=newcomer.description,
            created_at=work.now, updated_at=work.now,
        ),
        undoable=False,  # an agent stays when the tasks are archived again
    )  # fmt: skip


def _add_task(
    work: Work, task: ImportedTask, ids: dict[str, TaskId], rank: str, agents: dict[str, AgentId], importer: AgentId
) -> None:
    assert task.number is not None
    work.add(
        Task(
            id=ids[task.key], room_id=work.room.id, number=task.number, title=task.title, description=task.description,
            status=task.status, priority=task.priority, rank=rank, labels=task.labels,
            dependencies=tuple(ids[need] for need in task.needs),
            assignee=agents[task.assignee] if task.assignee else None, estimate_minutes=task.estimate_minutes,
            due=task.due, command=task.command, command_approved=task.command is None, attempts=task.attempts,
            idempotent=task.idempotent, time_limit_seconds=task.time_limit_seconds,
            collects_files=task.collects_files, blocked_reason=task.blocked_reason,
            archived_from=task.archived_from, created_by=importer, created_at=work.now, updated_at=work.now,
        )
    )  # fmt: skip
