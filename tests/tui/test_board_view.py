"""How the board is looked at: filter, order, groups, swimlanes, density."""

from datetime import timedelta
from typing import Any

import pytest

from core.settings import Density
from storage import Priority, Status, Task, utc_now
from tests.support.boards import open_board
from tests.support.users import User
from tui.board.search import Search
from tui.board.view import Filler, Group, Heading, Sort, View, aligned, grouped, shown
from tui.dialogs import Pick


def nobody(_: Any) -> str:
    return ""


async def test_the_filter_works_while_one_types_and_stays_with_enter(board: User) -> None:
    for title in ("Fix login", "Write notes", "Fix logout"):
        board.add(title)
    async with open_board(board) as hands:
        await hands.press("slash")
        await hands.type("fix log")
        assert hands.titles("backlog") == ["Fix login", "Fix logout"]
        assert "2 of 3" in hands.text
        await hands.type("in")
        assert hands.titles("backlog") == ["Fix login"]
        await hands.press("enter")
        assert hands.titles("backlog") == ["Fix login"]
        assert "filter “fix login”" in hands.text
        await hands.press("L")
        assert board.titles("todo") == ["Fix login"]
        await hands.press("escape")
        assert hands.titles("backlog") == ["Write notes", "Fix logout"]


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_one_sees_what_one_types_into_the_filter(board: User, size: tuple[int, int]) -> None:
    board.add("Fix login")
    async with open_board(board, size=size) as hands:
        await hands.press("slash")
        await hands.type("fix log")
        *_, typed, keys = hands.text.splitlines()
        assert typed.lstrip().startswith("/ fix log")
        assert typed.rstrip().endswith("1 of 1")
        assert "Clear filter" in keys


async def test_escape_in_the_filter_shows_everything_again(board: User) -> None:
    for title in ("A", "B"):
        board.add(title)
    async with open_board(board) as hands:
        await hands.press("slash")
        await hands.type("b")
        assert hands.titles("backlog") == ["B"]
        await hands.press("escape")
        assert hands.titles("backlog") == ["A", "B"]
        assert hands.cursor == "B"


async def test_a_filter_that_nothing_fits_says_so(board: User) -> None:
    board.add("A")
    async with open_board(board) as hands:
        await hands.press("slash")
        await hands.type("qqq")
        assert "No card fits “qqq”." in hands.text
        assert "esc  shows all cards" in hands.text


async def test_what_others_do_is_filtered_too(board: User, bob: User) -> None:
    card = board.add("Fix login")
    async with open_board(board) as hands:
        await hands.press("slash")
        await hands.type("login")
        bob.add("Write notes")
        bob.add("Test login")
        await hands.until(lambda: hands.titles("backlog") == ["Fix login", "Test login"])
        bob.edit(card, title="Fix the door")
        await hands.until(lambda: hands.titles("backlog") == ["Test login"])


async def test_a_drop_between_filtered_cards_counts_the_hidden_ones(board: User) -> None:
    for title in ("yes 1", "no 1", "yes 2", "no 2"):
        board.add(title)
    async with open_board(board) as hands:
        await hands.press("slash")
        await hands.type("yes")
        await hands.press("enter", "J")
        assert board.titles("backlog") == ["no 1", "yes 2", "yes 1", "no 2"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("login", {1}),
        ("LOGIN redirect", {1}),
        ("redirect login", {1}),
        ("#2", {2}),
        ("#1", {1}),
        ("@ann", {2}),
        ("@me", {3}),
        ("!urgent", {3}),
        ("docs", {2}),
        ("half-way", {3}),
        ("!norm", {1, 2, 12}),
        ("lgoin", {1}),
        ("rdrct", {1}),
        ("zzzzzz", set()),
        ("login zzzzzz", set()),
        ("", {1, 2, 3, 12}),
    ],
)
def test_the_filter_finds(board: User, query: str, found: set[int]) -> None:
    board.call("create_agent", name="ann")
    one = board.add("Fix login redirect")
    two = board.add("Write notes", labels=("docs",), assignee="ann")
    three = board.add(
        "ログイン画面", priority=Priority.URGENT, description="Stopped half-way.", status="in_progress", assignee="me"
    )  # fmt: skip
    from dataclasses import replace

    twelve = replace(board.add("Other"), number=12)
    tasks = {task.id: task for task in (one, two, three, twelve)}
    search = Search(lambda agent: "ann" if agent == two.assignee else "", lambda: three.assignee)
    search.prepare(query, tasks)
    assert {task.number for task in search.matching(list(tasks.values()))} == found


def test_each_order_is_what_its_name_says(board: User) -> None:
    today = utc_now().date()
    tasks = [
        board.add("b", priority=Priority.LOW, due=today + timedelta(days=2)),
        board.add("C", priority=Priority.URGENT),
        board.add("a", priority=Priority.HIGH, due=today),
    ]

    def order(sort: Sort) -> list[str]:
        cards = shown(reversed(tasks), View(sort=sort), me=None, matching=list)
        return [task.title for task in cards]

    assert order(Sort.RANK) == ["a", "C", "b"]
    assert order(Sort.PRIORITY) == ["C", "a", "b"]
    assert order(Sort.DUE) == ["a", "b", "C"]
    assert order(Sort.AGE) == ["b", "C", "a"]
    assert order(Sort.TITLE) == ["a", "b", "C"]


async def test_sorted_otherwise_only_moves_to_other_columns_are_stored(board: User) -> None:
    board.add("low", priority=Priority.LOW)
    board.add("urgent", priority=Priority.URGENT)
    board.add("high", priority=Priority.HIGH, status="todo")
    async with open_board(board) as hands:
        await hands.press("s")
        assert hands.titles("backlog") == ["urgent", "low"]
        assert "by priority" in hands.text
        await hands.press("J")
        assert board.titles("backlog") == ["low", "urgent"]
        assert "sorted by priority" in hands.app.notes[-1].text
        await hands.press("space", "l")
        ghost = hands.lane("todo").look.ghost
        assert ghost is not None
        assert ghost.index == (0 if hands.cursor == "urgent" else 1)
        await hands.press("enter")
        assert set(board.titles("todo")) == {"low", "high"} or set(board.titles("todo")) == {"urgent", "high"}
        await hands.press("s", "s", "s", "s")
        assert hands.board.table.view.sort is Sort.RANK


def test_groups_have_headings_with_their_number(board: User) -> None:
    tasks = [board.add("A", labels=("ui",)), board.add("B", labels=("api",)), board.add("C")]
    rows = grouped(tasks, View(group=Group.LABEL), nobody)
    assert [row.text if isinstance(row, Heading) else row.title for row in rows if not isinstance(row, Filler)] == [
        "api", "B", "ui", "A", "no label", "C",
    ]  # fmt: skip


def test_bands_of_a_swimlane_begin_at_the_same_height(board: User) -> None:
    tall, short = [board.add(f"T{n}") for n in range(3)], [board.add("S")]
    lanes = [[Heading("1", "a", 3), *tall, Heading("2", "b", 1), *short], [Heading("1", "a", 0), Heading("2", "b", 0)]]
    heights = [lambda row: row.lines if isinstance(row, Filler) else 2] * 2
    result = aligned(lanes, heights)

    def tops(rows: list[Any]) -> list[int]:
        top, found = 0, []
        for row in rows:
            if isinstance(row, Heading):
                found.append(top)
            top += heights[0](row)
        return found

    assert tops(result[0]) == tops(result[1])
    assert aligned(result, heights) == result


async def test_grouped_cards_stay_in_their_group_while_carried(board: User) -> None:
    board.add("low", priority=Priority.LOW)
    for title, priority in (("h1", Priority.HIGH), ("l1", Priority.LOW), ("l2", Priority.LOW)):
        board.add(title, priority=priority, status="todo")
    async with open_board(board) as hands:
        await hands.press("z")
        assert isinstance(hands.app.screen, Pick)
        await hands.type("by priority")
        await hands.press("enter")
        await hands.until(lambda: hands.board.table.view.group is Group.PRIORITY)
        assert "high 1" in hands.text
        await hands.press("space", "l", "k", "k", "k", "k")
        assert hands.board.lift is not None
        assert hands.board.lift.before is not None
        await hands.press("j", "enter")
        assert board.titles("todo") == ["h1", "l1", "low", "l2"]


async def test_swimlanes_lie_across_the_board_and_scroll_together(board: User) -> None:
    for number in range(30):
        board.add(f"L{number}", priority=Priority.LOW)
    board.add("U", priority=Priority.URGENT, status="todo")
    board.add("last", priority=Priority.LOW, status="todo")
    async with open_board(board) as hands:
        await hands.press("z")
        await hands.type("swimlanes by priority")
        await hands.press("enter")
        await hands.until(lambda: hands.board.table.view.has_swimlanes)

        def heading_lines(status: str) -> list[int]:
            lane = hands.lane(status)
            return [lane.stack.tops[i] for i, row in enumerate(lane.rows) if isinstance(row, Heading)]

        assert heading_lines("backlog") == heading_lines("todo") == heading_lines("done")
        assert len({lane.offset_lines for lane in hands.board.deck.lanes.values()}) == 1
        await hands.press("G")
        assert hands.lane("backlog").offset_lines > 0
        assert hands.lane("todo").offset_lines == hands.lane("backlog").offset_lines


async def test_mine_shows_only_what_is_assigned_to_me(board: User, bob: User) -> None:
    bob.add("bob's", assignee="me")
    board.add("mine", assignee="me")
    board.add("nobody's")
    async with open_board(board) as hands:
        await hands.press("M")
        assert hands.titles("backlog") == ["mine"]
        assert "mine" in hands.text.splitlines()[0]
        await hands.press("M")
        assert len(hands.titles("backlog")) == 3


async def test_the_filter_knows_me_before_and_after_my_first_change(board: User, bob: User) -> None:
    bob.add("bob's", assignee="me")
    async with open_board(board) as hands:
        await hands.press("slash")
        await hands.type("@me")
        assert hands.titles("backlog") == []
        board.call("create_agent", name="mel")
        board.add("mel's", assignee="mel")
        board.add("mine", assignee="me")
        await hands.until(lambda: hands.titles("backlog") == ["mine"])


async def test_the_density_changes_how_much_a_card_shows(board: User) -> None:
    board.add(
        "A title that is long enough to need two lines of a card on this board", description="Why.", labels=("ui",)
    )
    async with open_board(board, size=(100, 30)) as hands:
        seen = {}
        for _ in range(3):
            seen[hands.board.table.view.density] = hands.lane("backlog").stack.tops[-1]
            await hands.press("y")
        assert seen[Density.COMPACT] < seen[Density.NORMAL] < seen[Density.COMFORTABLE]
        assert hands.board.table.view.density is Density.NORMAL


async def test_the_density_set_in_the_settings_is_taken(board: User) -> None:
    board.add("A")
    async with open_board(board) as hands:
        await hands.app.change_settings(density=Density.COMPACT)
        await hands.pilot.pause()
        assert hands.lane("backlog").stack.density is Density.COMPACT


async def test_a_filter_is_saved_and_used_again(board: User) -> None:
    for title in ("Fix login", "Write notes"):
        board.add(title)
    async with open_board(board) as hands:
        await hands.press("slash")
        await hands.type("login")
        await hands.press("enter", "f", "enter")
        await hands.press(*["backspace"] * 5)
        await hands.type("doors")
        await hands.press("enter")
        await hands.until(lambda: hands.app.settings.filters == {"doors": "login"})
        await hands.press("escape")
        assert len(hands.titles("backlog")) == 2
        await hands.press("f")
        await hands.type("doors")
        await hands.press("enter")
        await hands.until(lambda: hands.titles("backlog") == ["Fix login"])


def test_a_view_with_nothing_to_hide_is_not_filtered() -> None:
    assert not View().is_filtered
    assert not View(query="  ").is_filtered
    assert View(only_mine=True).is_filtered


def test_the_filter_keeps_the_order(board: User) -> None:
    tasks = [board.add(f"x{n}") for n in range(5)]
    search = Search(nobody, lambda: None)
    search.prepare("x", {task.id: task for task in tasks})
    cards: list[Task] = search.matching(tasks[::-1])
    assert cards == tasks[::-1]
    assert Status.BACKLOG is tasks[0].status


async def test_after_a_filter_that_fits_nothing_the_cursor_is_where_it_was(board: User) -> None:
    for title in ("A", "B", "C"):
        board.add(title)
    async with open_board(board) as hands:
        await hands.press("j", "M")
        assert hands.cursor is None
        await hands.press("M")
        assert hands.cursor == "B"
        await hands.press("slash")
        await hands.type("nowhere")
        await hands.press("escape")
        assert hands.cursor == "B"
