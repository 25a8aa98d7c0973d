"""What stands around the table of processes: the heading, the notice above it, headings of groups, the empty state.

Pure: what is known in, texts out.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from textual.content import Content

from core.text import for_screen
from storage import Process, ProcessState, Room
from tui.processes.counting import counts
from tui.processes.view import ORDER_WORDS, Order, ProcessView, heading_text
from tui.processes.watch import Watch
from tui.translation import _, ngettext
from tui.widgets.line_list import Piece
from tui.wording import PROCESS_STATES

_ALARMING: Final = {
    ProcessState.FAILED: "$text-error", ProcessState.UNHEALTHY: "$text-warning", ProcessState.UNKNOWN: "$text-warning",
}  # fmt: skip

EXAMPLE: Final = """\
    processes:
      - name: web
        command: npm run dev
        readiness: {http: "http://127.0.0.1:3000/"}
      - name: tests
        command: pytest -q --looponfail
        depends_on: [web]"""


def heading(processes: Iterable[Process], view: ProcessView, *, shown: int, selected: int, width: int) -> Content:
    """How they are looked at, and how many there are of each state; the signs alone where the words do not fit."""
    parts: list[tuple[str, str]] = [(_("Processes"), "")]
    if selected:
        parts.append((_("{count} selected").format(count=selected), "$text-accent"))
    if query := view.query.strip():
        found = _("filter “{query}”: {count:,}")
        parts.append((found.format(query=for_screen(query), count=shown), ""))
    if view.order is not Order.NAME or view.is_reversed:
        parts.append((_("by {order}").format(order=_(ORDER_WORDS[view.order])), ""))
    found_counts = counts(processes)
    looked_at = Content("  ").join([_styled(*part) for part in parts])
    for gap, told in (("  ", _counts_in_words(found_counts)), (" ", _counts_in_signs(found_counts))):
        line = Content("  ").join(
            [looked_at, *([Content(gap).join([_styled(*part) for part in told])] if told else [])]
        )
        if line.cell_length <= width:
            break
    return line


def _styled(text: str, style: str) -> Content:
    return Content.styled(text, style) if style else Content(text)


def _counts_in_words(found: Mapping[ProcessState, int]) -> list[tuple[str, str]]:
    return [
        (f"{PROCESS_STATES[state][0]} {count} {_(PROCESS_STATES[state][1])}", _ALARMING.get(state, ""))
        for state, count in found.items()
    ]


def _counts_in_signs(found: Mapping[ProcessState, int]) -> list[tuple[str, str]]:
    """States that have a sign in common are counted together."""
    by_sign: dict[str, tuple[int, str]] = {}
    for state, count in found.items():
        sign = PROCESS_STATES[state][0]
        by_sign[sign] = by_sign.get(sign, (0, ""))[0] + count, _ALARMING.get(state, "")
    return [(f"{sign}{count}", style) for sign, (count, style) in by_sign.items()]


def notices(watch: Watch, room: Room) -> list[str]:
    """What keeps the table from being the whole truth: that nobody acts, or a room.yaml that waits."""
    said = []
    if not watch.is_watched:
        said.append(_("No host watches the processes: this may be old, and nothing is started or stopped."))
    if watch.room_file.waits_for(room):
        said.append(
            watch.room_file.problem
            or (
                _("room.yaml has changed since you approved it: T shows it.")
                if room.trusted_hash
                else _("room.yaml is not approved, and nothing of it runs: T shows what it would run.")
            )
        )
    return said


def group_row(subject: str, members: Collection[Process]) -> list[Piece]:
    """The heading of a group in the table, with its members by state."""
    told = "  ".join(
        f"{PROCESS_STATES[state][0]} {count} {_(PROCESS_STATES[state][1])}" for state, count in counts(members).items()
    )
    count = ngettext("{count} process", "{count} processes", len(members)).format(count=len(members))
    return [(f" ▾ {heading_text(subject)}  ", "accent"), (f"{count}   {told}", "dim")]


def nothing(view: ProcessView, room: Room, *, has_any: bool, waits: bool) -> str:
    """What to do where the table is empty: because of the filter, or because there is nothing yet.

    Args:
        waits: there is a room.yaml that is not approved as it is.
    """
    if has_any:
        query = for_screen(view.query.strip())
        return _("No process fits “{query}”.").format(query=query) + "\n\n" + _("esc  shows all processes")
    if waits:
        first = _("T  shows what room.yaml would run, and approves it.")
    else:
        path = f"{for_screen(room.root)}/room.yaml"
        first = _("Declare them in {path}, and approve that with T:").format(path=path) + "\n\n" + EXAMPLE
    return "\n\n".join([_("Nothing runs for this room yet."), first, _("n  adds one without a file.")])
