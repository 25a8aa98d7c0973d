"""What the board asks before it changes cards: each function asks in a dialog, then sends the change.

All run in workers, so they may wait for dialogs. They work on the selection where there is one.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from core.board import allowed_from
from core.execute import Outcome
from core.text import for_screen
from storage import COLUMNS, Agent, Priority, Status, Task, TaskId
from tui import changing, handing, reviewing, running
from tui.dialogs import AskLine, Choice, Pick
from tui.drafts import keep_title
from tui.messages import Severity
from tui.submit import submit, submit_many
from tui.translation import _, ngettext
from tui.widgets.card import PRIORITY_MARKS
from tui.wording import priority_name, status_name

if TYPE_CHECKING:
    from tui.screens.board import BoardScreen

NOBODY: Final = "nobody"
ME: Final = "me"


async def create(board: "BoardScreen", title: str, status: Status, before: TaskId | None) -> None:
    """Add a card before another one, and put the cursor on it."""
    reason = None
    if status is Status.BLOCKED:
        reason = await board.app.push_screen_wait(AskLine(_("Why is it blocked?"), placeholder=_("what it waits for")))
        if not reason:
            board.parallel.drafts.keep_title(title)
            return
    app = board.parallel
    outcome: Outcome | None = await app.attempt(
        board.desk.call("create_task", title=title, status=status, before=before, reason=reason)
    )
    if outcome is not None:
        for warning in outcome.warnings:
            app.tell(warning, severity=Severity.WARNING)
        board.await_card(outcome.value.id)
    else:
        keep_title(app, title)


async def edit(board: "BoardScreen") -> None:
    """Edit all fields of the card at the cursor."""
    if (task := board.at_cursor) is not None:
        await changing.edit(
            board.parallel, task, through=lambda sending: _send(board, [task], lambda on: sending(on[0]))
        )  # fmt: skip


async def assign(board: "BoardScreen") -> None:
    """Give cards to an agent, to oneself or to nobody."""
    tasks = board.targets()
    if not tasks:
        return
    person = board.desk.actor.name
    agents = sorted(board.state.agents.values(), key=lambda agent: (agent.name != person, agent.name.casefold()))
    choices = [Choice(ME, _("me"), person), Choice(NOBODY, _("nobody"), _("take it back"))]
    choices += [Choice(agent.id, agent.name, _kind(agent)) for agent in agents if agent.name != person]
    present = tasks[0].assignee
    chosen = NOBODY if present is None else ME if present == board.table.me else present
    question = Pick(_("Give {tasks} to").format(tasks=_names(tasks)), choices, selected=(chosen,))
    picked = await board.app.push_screen_wait(question)
    if not picked:
        return
    if len(tasks) == 1:
        await _send(board, tasks, lambda on: submit(board.parallel, "assign_task", on[0], to=picked[0]))
    else:
        await _send(board, tasks, lambda on: submit_many(board.parallel, "update_tasks", on, assignee=picked[0]))


async def prioritise(board: "BoardScreen") -> None:
    """Say how urgent cards are."""
    tasks = board.targets()
    if not tasks:
        return
    choices = [Choice(each, priority_name(each), PRIORITY_MARKS[each]) for each in reversed(Priority)]
    picked = await board.app.push_screen_wait(
        Pick(_("Priority of {tasks}").format(tasks=_names(tasks)), choices, selected=(tasks[0].priority.value,))
    )
    if picked:
        await _update(board, tasks, {"priority": Priority(picked[0])})


async def label(board: "BoardScreen") -> None:
    """Choose labels: of one card all of them; of several, those that each gets or loses."""
    tasks = board.targets()
    if not tasks:
        return
    counts: dict[str, int] = {}
    for task in board.state.tasks.values():
        for each in task.labels:
            counts[each] = counts.get(each, 0) + 1
    known = sorted(counts, key=lambda each: (-counts[each], each.casefold()))
    common = [each for each in tasks[0].labels if all(each in task.labels for task in tasks)]
    choices = [Choice(each, each, str(counts[each])) for each in known]
    picked = await board.app.push_screen_wait(
        Pick(
            _("Labels of {tasks}").format(tasks=_names(tasks)),
            choices,
            multiple=True,
            selected=common,
            allow_new=True,
        )
    )
    if picked is None or set(picked) == set(common):
        return
    if len(tasks) == 1:
        kept = [each for each in tasks[0].labels if each in picked]
        await _update_one(board, tasks[0], {"labels": (*kept, *(each for each in picked if each not in kept))})
        return
    added = tuple(each for each in picked if each not in common)
    removed = tuple(each for each in common if each not in picked)
    await _update(board, tasks, {"add_labels": added, "remove_labels": removed})


async def depend(board: "BoardScreen") -> None:
    """Choose the cards that must be done before the one at the cursor."""
    task = board.at_cursor
    if task is None:
        return
    others = [each for status in COLUMNS for each in board.state.column(status) if each.id != task.id]
    choices = [
        Choice(each.id, f"#{each.number} {for_screen(each.title[:120])}", status_name(each.status).lower())
        for each in others
    ]
    offered = {each.id for each in others}
    present = [each for each in task.dependencies if each in offered]
    picked = await board.app.push_screen_wait(
        Pick(
            _("What must be done before #{number}?").format(number=task.number),
            choices,
            multiple=True,
            selected=present,
        )
    )
    if picked is None or set(picked) == set(present):
        return
    archived = [each for each in task.dependencies if each not in offered]
    await _update_one(board, task, {"dependencies": (*archived, *(TaskId(each) for each in picked))})


async def comment(board: "BoardScreen") -> None:
    """Leave a remark on the card at the cursor."""
    if board.at_cursor is not None:
        await changing.comment(board.parallel, board.at_cursor)


async def approve(board: "BoardScreen") -> None:
    """Approve cards that wait in review."""
    for task in board.targets():
        if reviewing.is_in_review(board.parallel, task):
            await _send(board, [task], lambda on: reviewing.approve(board.parallel, on[0]))


async def send_back(board: "BoardScreen") -> None:
    """Send the card at the cursor from review back to the queue, with a comment."""
    task = board.at_cursor
    if task is not None and (body := await reviewing.ask_what_is_missing(board.parallel, task)):
        await _send(board, [task], lambda on: reviewing.send_back(board.parallel, on[0], body))


async def hand_over(board: "BoardScreen") -> None:
    """Hand the card at the cursor over to somebody."""
    if board.at_cursor is not None:
        await handing.write(board.parallel, task=board.at_cursor)


async def queue(board: "BoardScreen") -> None:
    """Let workers carry out the commands of cards."""
    await running.queue(board.parallel, board.targets())


async def approve_command(board: "BoardScreen") -> None:
    """Approve the command of the card at the cursor."""
    if board.at_cursor is not None:
        await running.approve_command(board.parallel, board.at_cursor)


async def archive(board: "BoardScreen") -> None:
    """Take cards off the board."""
    tasks = board.targets()
    if not tasks:
        return
    if len(tasks) == 1:
        outcome = await _send(board, tasks, lambda on: submit(board.parallel, "archive_task", on[0]))
    else:
        outcome = await _send(board, tasks, lambda on: submit_many(board.parallel, "archive_tasks", on))
    if outcome is not None:
        hint = _("u brings it back; A shows what is archived.")
        board.parallel.tell(_("Archived {tasks}.").format(tasks=_names(tasks)), hint=hint)


async def duplicate(board: "BoardScreen") -> None:
    """Copy the card at the cursor, right below it."""
    task = board.at_cursor
    if task is None:
        return
    outcome: Outcome | None = await board.parallel.attempt(board.desk.call("duplicate_task", task=task.id))
    if outcome is not None:
        board.await_card(outcome.value.id)


async def restore(board: "BoardScreen") -> None:
    """Pick archived cards, and bring them back."""
    archived = sorted(board.state.column(Status.ARCHIVED), key=lambda task: task.updated_at, reverse=True)
    if not archived:
        board.parallel.tell(_("Nothing is archived."))
        return
    choices = [
        Choice(task.id, f"#{task.number} {for_screen(task.title[:120])}",
               _("from {column}").format(column=status_name(task.archived_from or Status.BACKLOG).lower()))
        for task in archived
    ]  # fmt: skip
    picked = await board.app.push_screen_wait(Pick(_("Bring back from the archive"), choices))
    task = board.state.tasks.get(TaskId(picked[0])) if picked else None
    if task is not None:
        outcome = await submit(board.parallel, "restore_task", task)
        if outcome is not None:
            board.await_card(task.id)


async def send(board: "BoardScreen") -> None:
    """Pick the column to which cards go, at its end."""
    lift = board.lift
    tasks = list(lift.bases) if lift is not None else board.targets()
    if not tasks:
        return
    allowed = frozenset.intersection(*(allowed_from(task.status) for task in tasks))
    choices = [
        Choice(status, status_name(status), "" if status in allowed else _("not from here")) for status in COLUMNS
    ]  # fmt: skip
    picked = await board.app.push_screen_wait(
        Pick(_("Move {tasks} to").format(tasks=_names(tasks)), choices, selected=(tasks[0].status.value,))
    )
    if picked:
        board.lift = None
        board.refresh_bindings()
        board.send_to(tasks, Status(picked[0]))


async def _update(board: "BoardScreen", tasks: Sequence[Task], fields: Mapping[str, Any]) -> None:
    if len(tasks) == 1:
        await _update_one(board, tasks[0], fields)
    else:
        await _send(board, tasks, lambda on: submit_many(board.parallel, "update_tasks", on, **fields))


async def _update_one(board: "BoardScreen", task: Task, fields: Mapping[str, Any]) -> None:
    await _send(board, [task], lambda on: submit(board.parallel, "update_task", on[0], **fields))


async def _send(board: "BoardScreen", tasks: Sequence[Task], sending: Any) -> Outcome | None:
    parcel = board.outbox.post([task.id for task in tasks])
    outcome: Outcome | None = await board.parallel.attempt(
        board.outbox.send(parcel, tasks, sending, lambda: board.sequence_drawn)
    )
    board.draw()
    return outcome


def _kind(agent: Agent) -> str:
    return f"{agent.kind.value}: {agent.description}" if agent.description else agent.kind.value


def _names(tasks: Sequence[Task]) -> str:
    if len(tasks) == 1:
        return f"#{tasks[0].number}"
    return ngettext("{count} card", "{count} cards", len(tasks)).format(count=len(tasks))
