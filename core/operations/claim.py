"""Claims: take the next task to work on, and end the work with a result."""

from dataclasses import dataclass, replace

from core.agents import handoffs
from core.agents.presence import CLIENT_LEASE_SECONDS
from core.board import claims, dependencies, review, transitions, wip
from core.errors import InvalidData, OpenDependencies, WipLimit
from core.operation import Line, Text, operation
from core.text import TITLE_LIMIT, clean_line, clean_lines, clean_text
from core.work import Work
from storage import (
    Ending,
    Finish,
    Handoff,
    Result,
    Role,
    Status,
    Task,
    TaskId,
    WipMode,
)  # fmt: skip

OUTPUT_LIMIT = 20_000
"""Characters of output that a result keeps: the last ones, since they tell how it ended."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that was claimed, and the handoffs that came with it; or why there is none.

    The task's `claim` fences the claim: name it when you finish. It holds as long as the session shows signs of life,
    which its MCP server does by itself, at most `lease_seconds` apart.
    """

    task: Task | None
    handoffs: tuple[Handoff, ...]
    lease_seconds: int | None
    why: str | None


@operation(
    role=Role.AGENT, changes=True, undoable=True, command="claim next",
    tool="Take the best ready task, or the one you name: assigned to you, in progress, nobody else's. "
    "Before you begin any work.",
)  # fmt: skip
def claim_next(
    work: Work, task: TaskId | None = None, *, labels: tuple[Line, ...] = (), expected_version: int | None = None
) -> Claim:
    """Claim the best task that is ready: yours before anybody's, then by priority, due date, skills and order.

    Ready is what stands in todo, waits for no other task, is assigned to you or nobody, is not being handed to
    another, and asks for none of the skills that only others have; an agent without skills takes on anything.

    Args:
        task: claim this one instead, wherever it stands.
        labels: only tasks with one of these labels.
        expected_version: refuse if the task that is named has changed since this version.

    Raises:
        ClaimHeld: another agent has the task that was named, or it is being handed to another.
        ReviewRequired: it is another's work and waits in review.
        OpenDependencies: the task that was named waits for others.
        WipLimit: in_progress is full and the room refuses.
    """
    if task is not None:
        return _claimed(work, _named(work, task, expected_version))
    if _is_full(work):
        return Claim(None, (), None, "in_progress is full, and the room refuses more. Finish something first.")
    skills = {skill for agent in work.rows.agents(work.room.id) for skill in agent.skills}
    ready = work.rows.ready_tasks(work.room.id, work.agent.id)
    found = next((each for each in ready if _suits(work, each, labels, skills)), None)
    if found is None:
        return Claim(None, (), None, _why_none(work, labels))
    return _claimed(work, work.tasks.get(found.id))


@operation(
    role=Role.AGENT, changes=True, undoable=True, command="claim finish",
    tool="End your work on a task: complete it, fail it (it becomes blocked), or give it back to the queue. "
    "Always when you stop working on it.",
)  # fmt: skip
def finish_task(
    work: Work,
    task: TaskId,
    finish: Finish,
    summary: Text,
    *,
    files: tuple[Line, ...] = (),
    branch: Line | None = None,
    output: Text | None = None,
    claim: int | None = None,
    expected_version: int | None = None,
) -> Task:
    """End the work on a task that you have claimed, and attach what came of it.

    Complete leads to review, or to done where the room has no review gate; fail to blocked, with the summary as the
    reason; give_back to the head of the queue, for anybody.

    Args:
        summary: what was done and how to check it, or why not.
        files: the files that were changed.
        branch: where the work lies.
        output: what the tests or the command printed, its end.
        claim: the number of your claim, as claim_next gave it; refused where another has claimed it since.
        expected_version: refuse if the task has changed since this version.

    Raises:
        ClaimHeld: you do not have the task, or no longer.
        OpenDependencies: complete, through the review gate too, while it waits for others.
    """
    current = work.tasks.get(task, expected_version)
    claims.require_held(work, current, claim)
    told = Text(clean_text(summary, "summary"))
    if not told.strip():
        raise InvalidData("The summary is empty.", "Say in a sentence what was done, or why not.")
    result = Result(
        ending=_ENDINGS[finish], summary=told, files=clean_lines(files, "file"),
        branch=clean_line(branch, "branch", TITLE_LIMIT) if branch else None,
        output=clean_text(output, "output")[-OUTPUT_LIMIT:] if output else None, agent=work.agent.id, at=work.now,
    )  # fmt: skip
    ended = replace(current, result=result)
    if finish is Finish.GIVE_BACK:
        transitions.check(current, Status.TODO, reason=None)
        from core.agents.sessions import queued_again

        return work.save(queued_again(work, ended), event="given_back")
    to = Status.BLOCKED if finish is Finish.FAIL else review.gated(work, ended, Status.DONE)
    transitions.check(current, to, reason=told)
    if finish is Finish.COMPLETE:
        dependencies.require_closed(work, current, despite=False)
    if to is not current.status:
        wip.check(work, to)
    ended = replace(
        ended, status=to, rank=work.tasks.rank_before(None, to, moving=current), claimed_by=None,
        blocked_reason=told.strip().partition("\n")[0][:TITLE_LIMIT] if to is Status.BLOCKED else None,
    )  # fmt: skip
    stored = work.save(ended, event="failed" if finish is Finish.FAIL else "finished")
    if finish is Finish.COMPLETE:
        handoffs.close(work, stored)
    return stored


_ENDINGS = {
    Finish.COMPLETE: Ending.COMPLETED,
    Finish.FAIL: Ending.FAILED,
    Finish.GIVE_BACK: Ending.GIVEN_BACK,
}


def _named(work: Work, task: TaskId, expected_version: int | None) -> Task:
    current = work.tasks.get(task, expected_version)
    claims.require_unassigned(work, current)
    claims.require_not_handed(work, current)
    review.gated(work, current, Status.IN_PROGRESS)
    if current.waiting_on and current.status is not Status.IN_PROGRESS:
        raise OpenDependencies(
            f"#{current.number} waits for {current.waiting_on} other task{'s' if current.waiting_on > 1 else ''}.",
            "Claim one of those, or whatever is free with claim_next.",
        )
    transitions.check(current, Status.IN_PROGRESS, reason=None)
    if current.status is not Status.IN_PROGRESS and _is_full(work):
        raise WipLimit("in_progress is full, and the room refuses more.", "Finish something first.")
    return current


def _claimed(work: Work, task: Task) -> Claim:
    wip.check(work, Status.IN_PROGRESS, arriving=int(task.status is not Status.IN_PROGRESS))
    taken = claims.taken(work, task)
    if task.status is not Status.IN_PROGRESS:
        taken = replace(taken, rank=work.tasks.rank_before(None, Status.IN_PROGRESS))
    stored = work.save(taken, event="claimed")
    handed = work.rows.handoffs(work.room.id, task=task.id, status=handoffs.OPEN)
    return Claim(stored, tuple(handed), _lease(work) if stored.claimed_by else None, None)


def _lease(work: Work) -> int:
    """How long the claiming session may be silent, in seconds."""
    session = work.actor.session_id
    known = work.rows.presence(session) if session is not None else None
    return known.lease_seconds if known is not None else max(work.room.lease_seconds, CLIENT_LEASE_SECONDS)


def _is_full(work: Work) -> bool:
    limit = work.room.wip_limits.get(Status.IN_PROGRESS)
    is_refused = work.room.wip_mode is WipMode.REFUSE
    return is_refused and limit is not None and work.rows.column_count(work.room.id, Status.IN_PROGRESS) >= limit


def _suits(work: Work, task: Task, labels: tuple[Line, ...], skills: set[str]) -> bool:
    """Whether a ready task fits the labels that were asked for and, of the room's `skills`, those of the agent."""
    if labels and not set(labels) & set(task.labels):
        return False
    asked = skills & set(task.labels)
    is_own = task.assignee == work.agent.id
    return is_own or not work.agent.skills or not asked or bool(asked & set(work.agent.skills))


def _why_none(work: Work, labels: tuple[Line, ...]) -> str:
    rows, room = work.rows, work.room.id
    queue = rows.tasks(room, [Status.TODO])
    waiting = sum(task.waiting_on > 0 for task in queue)
    others = sum(task.assignee not in (None, work.agent.id) for task in queue)
    parts = [
        f"{len(queue)} in todo" if queue else "todo is empty",
        f"{waiting} of them wait for other tasks" if waiting else "",
        f"{others} are assigned to others" if others else "",
        f"none has a label of {', '.join(labels)}" if labels and queue else "",
        f"{backlog} in backlog, which a person plans" if (backlog := rows.column_count(room, Status.BACKLOG)) else "",
    ]
    return f"Nothing is ready for you: {'; '.join(part for part in parts if part)}."
