"""The texts of a task's own screen: its facts, what its last agent left, its handoffs, its history. Pure."""

from collections.abc import Sequence
from typing import Final

from textual.content import Content

from core.operations.task import TaskDetail
from core.text import block_for_screen, for_screen
from storage import Ending, Event, Handoff, Result, Task
from tui import cells
from tui.sentences import event_sentence
from tui.translation import _
from tui.wording import (
    ENDING_NAMES,
    HANDOFF_STATES,
    HIDDEN_FIELDS,
    MUTED,
    Names,
    age,
    due_text,
    duration,
    field_name,
    field_value,
    full_time,
    priority_name,
    status_name,
)  # fmt: skip

EVENTS_SHOWN: Final = 100
"""Most events of its history on the task's own screen; the history screen has them all."""
OUTPUT_SHOWN: Final = 40
"""Most lines of a result's output: the last ones, since they tell how it ended."""


def facts(detail: TaskDetail, names: Names) -> Content:
    """The fields of a task, a line each."""
    task = detail.task
    rows: list[tuple[str, str, str]] = [(_("Column"), status_name(task.status), "bold")]
    if task.blocked_reason:
        rows.append((_("Blocked because"), for_screen(task.blocked_reason), "$text-error"))
    if task.archived_from:
        rows.append((_("Archived from"), status_name(task.archived_from), ""))
    rows.append((_("Priority"), priority_name(task.priority).capitalize(), ""))
    rows.append((_("Assignee"), names.agent(task.assignee), "" if task.assignee else MUTED))
    if task.claimed_by is not None:
        rows.append((_("Claimed by"), _claim(detail, names), ""))
    if task.result is not None and task.result.ending is Ending.ABANDONED:
        left = _("{agent} left it without a report").format(agent=names.agent(task.result.agent))
        rows.append((_("No report"), left, "$text-error"))
    if task.labels:
        rows.append((_("Labels"), ", ".join(for_screen(label) for label in task.labels), ""))
    if task.estimate_minutes is not None:
        rows.append((_("Estimate"), duration(task.estimate_minutes), ""))
    if task.due is not None:
        rows.append((_("Due"), due_text(task.due), ""))
    if task.parent is not None:
        rows.append((_("Part of"), names.task_with_title(task.parent), ""))
    if task.command:
        rows.append((_("Command"), for_screen(task.command), ""))
        if not task.command_approved:
            rows.append((_("Approval"), _("an agent has set the command; Y lets it run"), "$text-warning"))
        if how := _how_it_runs(task):
            rows.append((_("Runs"), how, MUTED))
    created = _("{time} by {agent}").format(time=full_time(task.created_at), agent=names.agent(task.created_by))
    rows.append((_("Created"), created, MUTED))
    changed = _("{age} ago, version {version}").format(age=age(task.updated_at), version=task.version)
    rows.append((_("Changed"), changed, MUTED))
    width = max(cells.width(row[0]) for row in rows) + 2
    return Content("\n").join(
        Content.assemble((cells.fit(name, width), MUTED), (value, style)) for name, value, style in rows
    )


def _how_it_runs(task: Task) -> str:
    """What bounds the runs of a command, where it is not as usual."""
    told = []
    if task.attempts > 1:
        told.append(_("{count} attempts").format(count=task.attempts))
    if task.idempotent:
        told.append(_("again if its worker is lost"))
    if task.time_limit_seconds is not None:
        told.append(_("at most {seconds} s").format(seconds=task.time_limit_seconds))
    if task.collects_files:
        told.append(_("lists changed files"))
    return " · ".join(told)


def _claim(detail: TaskDetail, names: Names) -> str:
    task = detail.task
    claims = [event for event in detail.history if event.after.get("claimed_by") == task.claimed_by]
    who = names.session(task.claimed_by or "")
    if not claims:
        return who
    return _("{agent}, {age} ago").format(agent=who, age=age(claims[-1].at))


def result_text(result: Result, names: Names) -> Content:
    """What the last agent left of its work."""
    style = "bold" if result.ending is Ending.COMPLETED else "bold $text-warning"
    by = _("{time} by {agent}").format(time=full_time(result.at), agent=names.agent(result.agent))
    lines = [Content.assemble((_(ENDING_NAMES[result.ending]).capitalize(), style), (f"   {by}", MUTED))]
    lines.append(Content(block_for_screen(result.summary)))
    if result.branch:
        lines.append(Content.assemble((_("Branch") + "  ", MUTED), for_screen(result.branch)))
    if result.files:
        lines.append(Content.assemble((_("Files") + "   ", MUTED), ", ".join(map(for_screen, result.files))))
    if result.output:
        output = block_for_screen(result.output).splitlines()
        lines.append(Content.styled(_("Output"), MUTED))
        lines += [Content.styled(f"  {line}", "$foreground 80%") for line in output[-OUTPUT_SHOWN:]]
    return Content("\n").join(lines)


def handoff_line(handoff: Handoff, names: Names) -> Content:
    """A handoff in a line."""
    way = f"{names.agent(handoff.from_agent)} → {names.receiver(handoff.to_agent, handoff.to_role)}"
    state = f"{_(HANDOFF_STATES[handoff.status])}, {age(handoff.updated_at)}"
    first_line = for_screen(handoff.summary.partition("\n")[0])
    return Content.assemble(f"⇄ {way}  ", (f"{state}  ", MUTED), first_line)


def history_text(events: Sequence[Event], names: Names) -> Content:
    """What has happened to a task, newest first."""
    lines: list[Content] = []
    for event in reversed(events[-EVENTS_SHOWN:]):
        head = f"{full_time(event.at)}  {names.agent(event.agent_id)} ({event.door})  "
        lines.append(Content.assemble((head, MUTED), event_sentence(event, names, is_brief=True)))
        if event.before is not None:
            for field, value in event.after.items():
                if field in HIDDEN_FIELDS or field == "status":
                    continue
                old, new = (_brief(field_value(field, each, names)) for each in (event.before.get(field), value))
                lines.append(Content.assemble((f"    {field_name(field)}: ", MUTED), f"{old} → {new}"))
    if len(events) > EVENTS_SHOWN:
        earlier = _("… {count:,} earlier ones: press 2.").format(count=len(events) - EVENTS_SHOWN)
        lines.append(Content.styled(earlier, MUTED))
    return Content("\n").join(lines)


def _brief(text: str, limit: int = 100) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
