"""The actions of the board: every key that works there."""
# ruff: noqa: E501

from typing import Final

from storage import COLUMNS
from tui.actions import Action

_MOVING: Final = "Cursor"
_CARRYING: Final = "Moving cards"
_EDITING: Final = "Cards"
_REVIEWING: Final = "Reviews and handoffs"
_VIEWING: Final = "View"

BOARD_ACTIONS: Final = (
    # what a key means while cards are in the air comes first: the same keys mean other things below
    Action("board.drop", "enter,space,m", "drop", "Drop", "Drop the lifted cards here.", _CARRYING, True, False),
    Action("board.put_back", "escape", "put_back", "Put back", "Put the lifted cards back.", _CARRYING, True, False),
    Action("board.lift", "space,m", "lift", "Lift", "Lift the card or the selection, then carry it with the arrows; "
           "again to drop.", _CARRYING, True),
    Action("board.clear", "escape", "clear", "Clear", "Clear the selection, then the filter.", _CARRYING, False, False),
    Action("board.new", "n", "new_card", "New", "Write a new card below this one.", _EDITING, True),
    Action("board.open", "enter", "open_card", "Open", "Open the card: description, comments, history.", _EDITING, True),
    Action("board.edit", "e", "ask('edit')", "Edit", "Edit the fields of the card.", _EDITING, True),
    Action("board.select", "v", "select", "Select", "Select the card, or no longer.", _CARRYING, True),
    Action("board.filter", "slash", "filter", "Filter", "Show only the cards that fit some words.", _VIEWING, True),
    Action("board.left", "h,left", "across(-1)", "Left", "Go, or carry the lifted card, one column left.", _MOVING,
           in_palette=False),
    Action("board.down", "j,down", "along(1)", "Down", "Go, or carry the lifted card, down.", _MOVING, in_palette=False),
    Action("board.up", "k,up", "along(-1)", "Up", "Go, or carry the lifted card, up.", _MOVING, in_palette=False),
    Action("board.right", "l,right", "across(1)", "Right", "Go, or carry the lifted card, one column right.", _MOVING,
           in_palette=False),
    Action("board.top", "g,home", "to_end(-1)", "Top", "Go to the first card of the column.", _MOVING, in_palette=False),
    Action("board.bottom", "G,end", "to_end(1)", "Bottom", "Go to the last card of the column.", _MOVING,
           in_palette=False),
    Action("board.page_up", "pageup,ctrl+b", "page(-1)", "Page up", "Go up a page.", _MOVING, in_palette=False),
    Action("board.page_down", "pagedown,ctrl+f", "page(1)", "Page down", "Go down a page.", _MOVING, in_palette=False),
    Action("board.next_column", "tab", "across(1)", "Next column", "Go to the next column.", _MOVING, in_palette=False),
    Action("board.previous_column", "shift+tab", "across(-1)", "Previous column", "Go to the previous column.", _MOVING,
           in_palette=False),
    Action("board.move_left", "H,shift+left", "shift_across(-1)", "Move left", "Move the card or the selection one "
           "column left.", _CARRYING),
    Action("board.move_right", "L,shift+right", "shift_across(1)", "Move right", "Move the card or the selection one "
           "column right.", _CARRYING),
    Action("board.move_up", "K,shift+up", "shift_along(-1)", "Move up", "Move the card up in its column.", _CARRYING),
    Action("board.move_down", "J,shift+down", "shift_along(1)", "Move down", "Move the card down in its column.",
           _CARRYING),
    *(
        Action(f"board.send_{column}", str(number), f"send('{column}')", f"To {column.replace('_', ' ')}",
               f"Send the lifted cards or the selection to {column.replace('_', ' ')}.", _CARRYING,
               in_palette=False)
        for number, column in enumerate(COLUMNS, start=1)
    ),
    Action("board.send", "greater_than_sign,t", "ask('send')", "Move to", "Pick the column to which the card goes.",
           _CARRYING),
    Action("board.select_range", "V", "select_range", "Select to here", "Select all cards from the last selected one to "
           "this one.", _CARRYING),
    Action("board.assign", "a", "ask('assign')", "Assign", "Give the card to somebody.", _EDITING),
    Action("board.priority", "p", "ask('prioritise')", "Priority", "Say how urgent the card is.", _EDITING),
    Action("board.labels", "b", "ask('label')", "Labels", "Choose the labels of the card.", _EDITING),
    Action("board.dependencies", "d", "ask('depend')", "Dependencies", "Choose the cards that must be done first.",
           _EDITING),
    Action("board.comment", "c", "ask('comment')", "Comment", "Leave a remark on the card.", _EDITING),
    Action("board.approve", "r", "ask('approve')", "Approve", "Approve the card, or the selection, that waits in review.", _REVIEWING),
    Action("board.send_back", "R", "ask('send_back')", "Send back", "Send the card from review back to the queue, with a "
           "comment.", _REVIEWING),
    Action("board.hand_over", "o", "ask('hand_over')", "Hand over", "Hand the card over to an agent or a person.",
           _REVIEWING),
    Action("board.queue", "Q", "ask('queue')", "Queue", "Let a worker carry out the command of the card or the "
           "selection.", _EDITING),
    Action("board.approve_command", "Y", "ask('approve_command')", "Approve command", "Let a command run that an agent "
           "has set.", _REVIEWING),
    Action("board.archive", "x", "ask('archive')", "Archive", "Take the card or the selection off the board.", _EDITING),
    Action("board.duplicate", "D", "ask('duplicate')", "Duplicate", "Make a copy right below.", _EDITING),
    Action("board.archived", "A", "ask('restore')", "Archived", "See what is archived, and restore it.", _EDITING),
    Action("board.sort", "s", "sort", "Sort", "Sort by hand, priority, due date, age or title.", _VIEWING),
    Action("board.group", "z", "arrange('group')", "Group", "Group the cards, or lay swimlanes across the board.", _VIEWING),
    Action("board.mine", "M", "mine", "Mine", "Show only what is assigned to you.", _VIEWING),
    Action("board.density", "y", "density", "Density", "Show less or more of each card.", _VIEWING),
    Action("board.saved_filters", "f", "arrange('saved_filters')", "Saved filters", "Use or save a filter.", _VIEWING),
)  # fmt: skip
