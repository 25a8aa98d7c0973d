"""What the board asks about how it is looked at: by what cards stand together, and which filters are kept."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from core.text import for_screen
from tui.board.view import GROUP_WORDS, Group
from tui.dialogs import AskLine, Choice, Pick
from tui.translation import _

if TYPE_CHECKING:
    from tui.screens.board import BoardScreen

SAVE_FILTER: Final = "\0save"


async def group(board: "BoardScreen") -> None:
    """Choose by what cards stand together: headings inside the columns, or bands across the board."""
    seen = board.table.view
    groups = [each for each in Group if each is not Group.NONE]
    choices = [
        Choice(Group.NONE, _("not grouped")),
        *(
            Choice(each, _("by {words}").format(words=_(GROUP_WORDS[each])), _("headings in each column"))
            for each in groups
        ),
        *(
            Choice(
                f"lanes {each}",
                _("swimlanes by {words}").format(words=_(GROUP_WORDS[each])),
                _("bands across the board"),
            )
            for each in groups
        ),
    ]
    present = f"lanes {seen.group}" if seen.has_swimlanes else str(seen.group)
    picked = await board.app.push_screen_wait(Pick(_("Group the cards"), choices, selected=(present,)))
    if picked:
        lanes, _blank, name = picked[0].rpartition(" ")
        board.look_at(replace(board.table.view, group=Group(name), has_swimlanes=bool(lanes)))


async def saved_filters(board: "BoardScreen") -> None:
    """Use a saved filter, or save the present one under a name."""
    app = board.parallel
    filters = app.settings.filters
    query = board.table.view.query.strip()
    choices = [Choice(SAVE_FILTER, _("Save “{query}” …").format(query=for_screen(query)))] if query else []
    choices += [Choice(name, for_screen(name), for_screen(saved)) for name, saved in filters.items()]
    if not choices:
        app.tell(_("No filter is saved yet."), hint=_("Filter with /, keep it with enter, then save it with f."))
        return
    picked = await board.app.push_screen_wait(Pick(_("Filters"), choices))
    if not picked:
        return
    if picked[0] != SAVE_FILTER:
        board.look_at(replace(board.table.view, query=filters[picked[0]]))
        return
    name = await board.app.push_screen_wait(AskLine(_("Name of the filter"), initial=query))
    if name:
        await app.change_settings(filters={**app.settings.filters, name: query})
        app.tell(_("Saved the filter “{name}”.").format(name=name))
