"""The board by mouse: press, carry, drop, scroll."""

from storage import Status
from tests.support.boards import open_board
from tests.support.users import User


async def test_a_press_puts_the_cursor_on_a_card(board: User) -> None:
    cards = [board.add(title) for title in ("A", "B")]
    async with open_board(board) as hands:
        point = hands.place(cards[1])
        await hands.hold(point)
        await hands.let_go(point)
        assert hands.cursor == "B"
        assert hands.board.lift is None
        assert board.titles("backlog") == ["A", "B"]


async def test_a_press_on_the_empty_part_of_a_lane_goes_to_that_column(board: User) -> None:
    card = board.add("A")
    async with open_board(board) as hands:
        lane = hands.lane("review")
        await hands.hold((lane.region.x + 5, lane.region.y + 10))
        assert hands.board.column is Status.REVIEW
        await hands.hold(hands.place(card))
        assert hands.cursor == "A"


async def test_a_card_is_carried_between_others_and_dropped(board: User) -> None:
    card = board.add("A")
    others = [board.add(title, status="todo") for title in ("X", "Y")]
    async with open_board(board) as hands:
        target = hands.place(others[1])
        await hands.hold(hands.place(card))
        await hands.drag_to(target)
        assert hands.board.lift is not None
        ghost = hands.lane("todo").look.ghost
        assert ghost is not None
        assert ghost.index == 1
        assert board.titles("todo") == ["X", "Y"]
        await hands.let_go(target)
        assert board.titles("todo") == ["X", "A", "Y"]
        assert hands.cursor == "A"


async def test_one_cell_of_movement_lifts_and_coming_home_changes_nothing(board: User) -> None:
    cards = [board.add(title) for title in ("A", "B")]
    async with open_board(board) as hands:
        x, y = hands.place(cards[0])
        await hands.hold((x, y))
        await hands.drag_to((x + 1, y))
        assert hands.board.lift is not None
        await hands.let_go((x + 1, y))
        assert hands.board.lift is None
        assert board.see(cards[0]).version == 1


async def test_escape_cancels_a_drag(board: User) -> None:
    card = board.add("A")
    async with open_board(board) as hands:
        lane = hands.lane("in_progress")
        target = lane.region.x + 5, lane.region.y + 10
        await hands.hold(hands.place(card))
        await hands.drag_to(target)
        await hands.press("escape")
        assert hands.board.lift is None
        await hands.drag_to((target[0] + 3, target[1]))
        await hands.let_go(target)
        assert board.titles("backlog") == ["A"]


async def test_a_drag_that_leaves_the_lanes_drops_at_the_nearest(board: User) -> None:
    card = board.add("A")
    board.add("X", status="done")
    async with open_board(board) as hands:
        await hands.hold(hands.place(card))
        await hands.drag_to((159, 44))
        await hands.let_go((159, 44))
        assert board.titles("done") == ["X", "A"]


async def test_a_selection_is_carried_by_one_of_its_cards(board: User) -> None:
    cards = [board.add(title) for title in ("A", "B", "C")]
    async with open_board(board) as hands:
        await hands.press("v", "j", "v")
        lane = hands.lane("todo")
        target = lane.region.x + 5, lane.region.y + 4
        await hands.hold(hands.place(cards[0]))
        await hands.drag_to(target)
        await hands.let_go(target)
        assert board.titles("todo") == ["A", "B"]
        assert board.titles("backlog") == ["C"]


async def test_two_presses_open_a_card(board: User) -> None:
    card = board.add("A")
    async with open_board(board) as hands:
        from tui.screens.task import TaskScreen

        point = hands.place(card)
        for _ in range(2):
            await hands.hold(point)
            await hands.pilot.mouse_up(offset=point)
        await hands.until(lambda: isinstance(hands.app.screen, TaskScreen))


async def test_the_wheel_scrolls_the_lane_under_it_and_no_other(board: User) -> None:
    for number in range(60):
        board.add(f"Card {number}", status="backlog" if number % 2 else "todo")
    async with open_board(board) as hands:
        lane = hands.lane("todo")
        await hands.pilot._post_mouse_events(
            [_wheel()], widget=lane, offset=(5, 10), button=0
        )  # fmt: skip
        await hands.until(lambda: lane.offset_lines > 0)
        assert hands.lane("backlog").offset_lines == 0
        assert hands.cursor == "Card 1"


async def test_a_card_held_at_the_bottom_edge_scrolls_the_lane(board: User) -> None:
    cards = [board.add(f"Card {number}") for number in range(60)]
    async with open_board(board, size=(160, 24)) as hands:
        await hands.hold(hands.place(cards[0]))
        lane = hands.lane("backlog")
        await hands.drag_to((lane.region.x + 5, 23))
        await hands.until(lambda: lane.offset_lines > 5)
        await hands.drag_to((lane.region.x + 5, lane.region.y + 8))
        await hands.let_go((lane.region.x + 5, lane.region.y + 8))
        assert board.titles("backlog").index("Card 0") > 2


async def test_a_card_held_at_the_side_brings_the_next_columns_into_view(board: User) -> None:
    card = board.add("A")
    async with open_board(board, size=(80, 24)) as hands:
        await hands.hold(hands.place(card))
        await hands.drag_to((79, 12))
        await hands.until(lambda: Status.DONE in hands.board.deck.in_view)
        await hands.until(lambda: hands.board.lift is not None and hands.board.lift.column is Status.DONE)
        await hands.let_go((79, 12))
        assert board.titles("done") == ["A"]


async def test_shift_and_press_selects(board: User) -> None:
    cards = [board.add(title) for title in ("A", "B")]
    async with open_board(board) as hands:
        await hands.pilot.mouse_down(offset=hands.place(cards[1]), shift=True)
        await hands.pilot.pause()
        assert list(hands.board.selected) == [cards[1].id]


def _wheel() -> type:
    from textual.events import MouseScrollDown

    return MouseScrollDown
