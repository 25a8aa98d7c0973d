"""The painted rows of processes: the same list while they read the same, and only ages follow the time alone."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import Process, ProcessId, ProcessSpec, ProcessState, RoomId, utc_now
from tui.processes.details import Known, ages_of, describe
from tui.processes.painting import Painter
from tui.processes.rows import Seen, columns_of
from tui.processes.view import Order, ProcessView, ordered
from tui.processes.watch import KEPT_S, Usage
from tui.widgets.line_list import Piece

WIDE = 240


def running(now: datetime, up_s: float) -> Process:
    return Process(
        id=ProcessId("prc_1"), room_id=RoomId("rom_1"), name="web", declared_name="web",
        spec=ProcessSpec(command=("sleep", "1")), state=ProcessState.RUNNING, pid=42, state_at=now,
        started_at=now - timedelta(seconds=up_s), created_at=now, updated_at=now,
    )  # fmt: skip


def texts(pieces: list[Piece]) -> str:
    return "".join(text for text, _ in pieces)


def test_a_row_that_reads_the_same_is_the_same_list() -> None:
    painter, now = Painter(), utc_now()
    seen = Seen(running(now, 3600), line="ready")
    first = painter.row(seen, WIDE, now)
    assert painter.row(Seen(running(now, 3600), line="ready"), WIDE, now + timedelta(seconds=1)) is first
    assert painter.row(seen, 80, now) is not first


@pytest.mark.parametrize(
    ("up_s", "told", "next_told"),
    [
        (0.0, "0 s", "1 s"), (9.2, "9 s", "10 s"), (14.2, "10 s", "15 s"), (54.9, "50 s", "55 s"),
        (59.5, "55 s", "1 min"), (119.1, "1 min", "2 min"),
    ],
)  # fmt: skip
def test_the_uptime_of_a_young_process_is_told_in_seconds(up_s: float, told: str, next_told: str) -> None:
    painter, now = Painter(), utc_now()
    seen = Seen(running(now, up_s))
    before = painter.row(seen, WIDE, now)
    after = painter.row(seen, WIDE, now + timedelta(seconds=1))
    assert f" {told} " in texts(before)
    assert f" {next_told} " in texts(after)
    differing = [place for place, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
    assert [columns_of(WIDE)[place].is_timed for place in differing] == [True]


def test_after_ten_seconds_a_clock_strikes_every_five() -> None:
    painter, now = Painter(), utc_now()
    seen = Seen(running(now, 0))
    rows = [painter.row(seen, WIDE, now + timedelta(seconds=second)) for second in range(61)]
    changes = [second for second in range(1, 61) if rows[second] is not rows[second - 1]]
    assert changes == [*range(1, 11), *range(15, 61, 5)]


def test_whatever_else_differs_is_painted() -> None:
    painter, now = Painter(), utc_now()
    seen = Seen(running(now, 3600))
    painter.row(seen, WIDE, now)
    assert "listens" in texts(painter.row(Seen(seen.process, line="listens"), WIDE, now))
    assert " 37 " in texts(painter.row(Seen(seen.process, Usage(cpu_percent=37.0, cpu=(37.0,))), WIDE, now))
    assert "▌" in texts(painter.row(Seen(seen.process, is_selected=True), WIDE, now))


def test_no_cell_but_the_timed_ones_asks_what_time_it_is() -> None:
    now = utc_now()
    seen = Seen(running(now, 5), Usage(1.0, 2_000_000, 3, (1.0,) * 9, (2e6,) * 9), "line")
    for column in columns_of(WIDE):
        is_same = column.cell(seen, now) == column.cell(seen, now + timedelta(days=1))
        assert is_same is not column.is_timed, column.title


def test_a_cell_of_a_sparkline_is_five_seconds_from_the_first_on() -> None:
    now = utc_now()
    column = next(each for each in columns_of(WIDE) if each.cell.__name__ == "_cpu_line")

    def line(*cpu: float) -> str:
        return column.cell(Seen(running(now, 5), Usage(cpu=cpu)), now)[0]

    assert [len(line(*[20.0] * count).strip()) for count in (1, 5, 6, 30, KEPT_S)] == [1, 1, 2, 6, 12]


@given(up_s=st.integers(0, 200_000), passed_s=st.integers(0, 200_000))
def test_nothing_but_its_ages_changes_the_details_by_time_alone(up_s: int, passed_s: int) -> None:
    now = utc_now()
    later = now + timedelta(seconds=passed_s)
    process = replace(running(now, up_s), state_at=now - timedelta(seconds=up_s // 3))
    usage = Usage(1.0, 2_000_000, 3, (1.0,) * 9, (2e6,) * 9)
    texts = [describe(Seen(process, usage), Known(), (), [process], at) for at in (now, later)]
    assert (texts[0] == texts[1]) is (ages_of(process, now) == ages_of(process, later))


def test_instances_of_a_long_name_can_be_told_apart_at_every_width() -> None:
    now = utc_now()
    for width in (80, 120, 200, WIDE):
        first, second = (
            texts(
                Painter().row(
                    Seen(replace(running(now, 60), name=f"integration-test-server-of-the-team.{number}")), width, now
                )
            )
            for number in (1, 2)
        )
        assert first != second


def test_what_does_not_run_stands_below_what_uses_nothing() -> None:
    now = utc_now()
    idle = running(now, 60)
    down = replace(idle, id=ProcessId("prc_0"), name="a", state=ProcessState.STOPPED, pid=None, started_at=None)
    for order in (Order.CPU, Order.MEMORY):
        assert ordered([down, idle], ProcessView(order=order), {idle.id: Usage()}) == [idle, down]


def test_words_of_a_declaration_are_not_quoted_as_arguments_are() -> None:
    now = utc_now()
    spec = ProcessSpec(command=("echo", "あ い"), labels=("グループ", "team-1"))
    process = replace(running(now, 60), spec=spec)
    told = describe(Seen(process), Known(), (), [process], now).plain
    assert "labels  グループ, team-1" in told
    assert "command  echo 'あ い'" in told
