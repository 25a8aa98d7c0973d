"""The board's pure parts: what is carried, and what is on its way."""

import asyncio
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from core.execute import Outcome
from storage import COLUMNS, Status, Task, TaskId
from tests.tui.test_card import task as make
from tui.board import drag
from tui.board.drag import Lanes, Lift
from tui.board.outbox import Move, Outbox


def card(name: str, status: Status = Status.TODO, version: int = 1) -> Task:
    return make(id=TaskId(name), title=name, status=status, version=version)


def lanes(**columns: str) -> Lanes:
    return Lanes({status: [TaskId(name) for name in columns.get(status.value, "")] for status in COLUMNS})


def lifted(name: str, at: Lanes, status: Status = Status.TODO) -> Lift:
    return drag.lift([card(name, status)], card(name, status), at)


def test_a_lifted_card_is_at_home_until_it_is_carried_away() -> None:
    at = lanes(todo="abc")
    lift = lifted("b", at)
    assert lift.is_home
    away = drag.carry_along(lift, 1, at)
    assert not away.is_home
    assert (away.after, away.before) == ("c", None)
    assert drag.carry_along(away, -1, at).is_home


def test_carrying_ends_at_the_edges_of_the_board() -> None:
    at = lanes(todo="ab", done="xyz")
    lift = lifted("a", at)
    assert drag.carry_across(lift, -9, at).column is Status.BACKLOG
    assert drag.carry_across(lift, 9, at).column is Status.DONE
    assert drag.carry_along(lift, 9, at).index == 1
    assert drag.carry_along(lift, -9, at).index == 0


def test_the_place_goes_with_its_neighbour() -> None:
    at = lanes(todo="a", review="xyz")
    lift = drag.carry_to(lifted("a", at), Status.REVIEW, 1, at)
    assert lift.before == "y"
    assert drag.hold_still(lift, lanes(todo="a", review="wxyz")).index == 2
    without = drag.hold_still(lift, lanes(todo="a", review="xz"))
    assert (without.index, without.before) == (1, "z")
    assert drag.hold_still(lift, lanes(todo="a")).index == 0


def test_a_card_at_home_stays_at_home_while_its_lane_changes() -> None:
    lift = lifted("b", lanes(todo="abc"))
    assert drag.hold_still(lift, lanes(todo="nabc")).is_home


@given(
    st.permutations("abcdef"),
    st.integers(0, 5),
    st.lists(st.sampled_from(["up", "down", "left", "right"]), max_size=12),
)
def test_however_it_is_carried_the_place_is_between_its_neighbours(
    order: list[str], held: int, steps: list[str]
) -> None:
    at = lanes(todo="".join(order), review="xyz")
    lift = lifted(order[held], at)
    for step in steps:
        if step in ("up", "down"):
            lift = drag.carry_along(lift, 1 if step == "down" else -1, at)
        else:
            lift = drag.carry_across(lift, 1 if step == "right" else -1, at)
        others = at.staying(lift.column, lift.ids)
        assert 0 <= lift.index <= len(others)
        assert lift.before == (others[lift.index] if lift.index < len(others) else None)
        assert lift.after == (others[lift.index - 1] if lift.index else None)


def test_what_is_on_its_way_is_shown_where_it_will_be() -> None:
    outbox = Outbox()
    todo, review = [card("a"), card("b")], [card("x", Status.REVIEW)]
    outbox.post(["a"], Move((todo[0],), Status.REVIEW, TaskId("x")))
    assert [each.id for each in outbox.overlay(Status.TODO, todo)] == ["b"]
    assert [(each.id, each.status) for each in outbox.overlay(Status.REVIEW, review)] == [
        ("a", Status.REVIEW), ("x", Status.REVIEW),
    ]  # fmt: skip
    assert outbox.pending == {"a"}


async def test_a_change_is_forgotten_when_the_feed_has_confirmed_it() -> None:
    outbox = Outbox()
    base = card("a")
    parcel = outbox.post([base.id], Move((base,), Status.REVIEW, None))

    async def sending(bases: list[Task]) -> Outcome:
        return Outcome(replace(bases[0], version=2), last_sequence=7)

    await outbox.send(parcel, [base], sending, lambda: 5)
    assert outbox.pending == {"a"}
    outbox.confirm(6)
    assert outbox.pending == {"a"}
    outbox.confirm(7)
    assert not outbox.pending


async def test_a_refused_change_is_forgotten_at_once() -> None:
    outbox = Outbox()
    base = card("a")
    parcel = outbox.post([base.id], Move((base,), Status.REVIEW, None))

    async def refused(_bases: list[Task]) -> None:
        return None

    await outbox.send(parcel, [base], refused, lambda: 5)
    assert not outbox.pending
    assert outbox.overlay(Status.TODO, [base]) == [base]


async def test_a_second_change_stands_on_the_first() -> None:
    outbox = Outbox()
    base = card("a")
    first = outbox.post([base.id], Move((base,), Status.REVIEW, None))
    second = outbox.post([base.id], Move((base,), Status.DONE, None))
    seen: list[int] = []
    gate = asyncio.Event()

    async def sending(bases: list[Task]) -> Outcome:
        seen.append(bases[0].version)
        await gate.wait()
        return Outcome(replace(bases[0], version=bases[0].version + 1), last_sequence=len(seen))

    sends = [asyncio.create_task(outbox.send(parcel, [base], sending, lambda: 0)) for parcel in (first, second)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert seen == [1]
    gate.set()
    await asyncio.gather(*sends)
    assert seen == [1, 2]


async def test_a_change_that_was_made_on_an_older_sight_keeps_its_version() -> None:
    outbox = Outbox()
    base = card("a")
    first = outbox.post([base.id], None)

    async def sending(bases: list[Task]) -> Outcome:
        return Outcome(replace(bases[0], version=9), last_sequence=100)

    await outbox.send(first, [base], sending, lambda: 0)
    outbox.post([TaskId("other")], None)
    outbox.confirm(100)
    seen: list[int] = []

    async def noting(bases: list[Task]) -> None:
        seen.append(bases[0].version)

    late = outbox.post([base.id], None)
    await outbox.send(late, [base], noting, lambda: 100)
    assert seen == [1]
