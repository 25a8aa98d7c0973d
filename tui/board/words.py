"""What the board says of itself: in the line above the lanes, in an empty lane, on a card beyond its fields."""

from collections.abc import Sequence
from datetime import datetime

from core.board import allowed_from
from core.text import for_screen
from storage import COLUMNS, Status, Task
from tui.attending import Attending
from tui.board.badges import badges_of
from tui.board.drag import Lift
from tui.board.table import Table, age_text
from tui.board.view import GROUP_WORDS, SORT_WORDS, Group, Sort
from tui.processes.counting import counts_text
from tui.translation import _, ngettext
from tui.widgets.card import Face
from tui.wording import status_name


def summary_text(table: Table, *, selected: int, lift: Lift | None, is_cut_off: bool) -> str:
    """How much is shown and how, and what is wrong with what the person is doing."""
    seen = table.view
    parts = [ngettext("{count:,} card", "{count:,} cards", table.total).format(count=table.total)]
    if processes := counts_text(table.state.processes.values()):
        parts.append(processes)
    if is_cut_off:
        parts.insert(0, _("NOT LIVE: the store cannot be followed"))
    if query := seen.query.strip():
        parts.append(_("filter “{query}”: {count:,}").format(query=for_screen(query), count=table.shown_count))
    if seen.only_mine:
        parts.append(_("mine"))
    if seen.sort is not Sort.RANK:
        parts.append(_("by {order}").format(order=_(SORT_WORDS[seen.sort])))
    if seen.group is not Group.NONE:
        grouped = _("swimlanes by {words}") if seen.has_swimlanes else _("grouped by {words}")
        parts.append(grouped.format(words=_(GROUP_WORDS[seen.group])))
    if selected:
        parts.append(_("{count} selected").format(count=selected))
    if lift is not None and (refusal := refusal_of(lift)):
        parts.append(refusal)
    return "  ".join(parts)


def out_of_view(table: Table, in_view: Sequence[Status]) -> str:
    """The columns on either side that have no room on the screen, each with its cards."""

    def named(columns: Sequence[Status]) -> str:
        return "  ".join(f"{status_name(status)} {len(table.cards[status])}" for status in columns)

    before, after = COLUMNS[: COLUMNS.index(in_view[0])], COLUMNS[COLUMNS.index(in_view[-1]) + 1 :]
    sides = [f"‹ {named(before)}" if before else "", f"{named(after)} ›" if after else ""]
    return "   ".join(side for side in sides if side)


def empty_text(table: Table) -> tuple[str, ...]:
    """What stands in the lane of the cursor where no card is shown; nothing where one is."""
    if table.shown_count:
        return ()
    if table.view.is_filtered and table.total:
        query = for_screen(table.view.query.strip())
        nothing = _("No card fits “{query}”.").format(query=query) if query else _("No card is yours.")
        return "", nothing, "", _("esc  shows all cards")
    return (
        "",
        _("The board is empty."),
        "",
        _("n  writes a card here"),
        _("wzp task add TITLE  does from a shell"),
        _("?  shows all keys"),
    )


def refusal_of(lift: Lift) -> str:
    """Why what is carried may not be dropped where it is; empty where it may."""
    if all(lift.column in allowed_from(base.status) for base in lift.bases):
        return ""
    count = len(lift.bases)
    cards = ngettext("{count} card", "{count} cards", count).format(count=count)
    what = f"#{lift.held.number}" if count == 1 else cards
    return _("{tasks} cannot go from {before} to {after}").format(
        tasks=what, before=status_name(lift.home), after=status_name(lift.column)
    )


def face_of(app: Attending, task: Task, now: datetime) -> Face:
    """What a card shows beyond its own fields."""
    due, is_overdue = "", False
    if task.due is not None:
        days = (task.due - now.astimezone().date()).days
        is_overdue = days < 0 and task.status is not Status.DONE
        date = f"{task.due.day} {task.due:%b}" + ("!" if is_overdue else "")
        due = _("due today") if days == 0 else _("due {date}").format(date=date)
    return Face(
        app.state.agent_name(task.assignee), age_text(task.status_changed_at, now), due, is_overdue,
        badges_of(task, app.reports, app.handed, app.state.latest_runs.get(task.id)),
    )  # fmt: skip
