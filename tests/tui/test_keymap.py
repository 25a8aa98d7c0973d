"""Keys of one's own: by the action's name, checked against what there is."""

from tui.actions import Action
from tui.keymap import keymap_of, keys_of

ACTIONS = (
    Action("app.help", "question_mark", "app.help", "Help"),
    Action("board.lift", "space,m", "lift", "Lift"),
    Action("board.drop", "enter", "drop", "Drop"),
    Action("task.edit", "e", "edit", "Edit"),
)


def test_keys_replace_those_of_the_action() -> None:
    keymap = keymap_of({"board.lift": "x, ctrl+k"}, ACTIONS)
    assert keymap.keys == {"board.lift": "x,ctrl+k"}
    assert keymap.problems == ()
    assert keys_of(ACTIONS[1], keymap.keys) == ["x", "ctrl+k"]
    assert keys_of(ACTIONS[2], keymap.keys) == ["enter"]


def test_a_key_may_be_written_as_its_character() -> None:
    assert keymap_of({"board.lift": "/"}, ACTIONS).keys == {"board.lift": "slash"}


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    keymap = keymap_of({"board.lft": "x"}, ACTIONS)
    assert keymap.keys == {}
    assert keymap.problems == ("keys: there is no action 'board.lft'. Did you mean board.lift?",)


def test_a_key_taken_twice_in_one_place_is_told_once() -> None:
    assert keymap_of({"board.lift": "enter"}, ACTIONS).problems == (
        "keys: enter is bound to board.lift and to board.drop.",
    )
    both = keymap_of({"board.lift": "x", "board.drop": "x"}, ACTIONS)
    assert len(both.problems) == 1
    assert keymap_of({"task.edit": "?"}, ACTIONS).problems == (
        "keys: question_mark is bound to task.edit and to app.help.",
    )


def test_the_same_key_in_two_places_is_no_clash() -> None:
    assert keymap_of({"task.edit": "enter"}, ACTIONS).problems == ()
