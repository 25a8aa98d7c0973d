"""`wzp metrics`, `wzp top` and `wzp flow`, as tables and as JSON."""

import re
import time
from pathlib import Path

import pytest

from core.metrics.series import CATALOGUE, Kind
from storage import COLUMNS, Database, Home, MetricsStore, Subject
from tests.core.doors.conftest import Wzp
from tests.support.measured import fill_metrics

DOCS = Path(__file__).resolve().parents[4] / "docs"


@pytest.fixture
def measured(home: Home, room: str) -> str:
    """A room of which five minutes have been measured."""
    database = Database.open(home)
    with database.read() as rows:
        fill_metrics(home, rows.rooms()[0].id, seconds=300)
    database.close()
    return room


@pytest.mark.usefixtures("measured")
def test_series_are_a_table_with_least_mean_and_greatest(wzp: Wzp) -> None:
    shown = wzp("metrics", "cpu", "memory.used", "--last", "5m")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[0].split() == ["SERIES", "LAST", "MIN", "MEAN", "MAX"]
    assert [line.split()[0] for line in lines[1:]] == ["cpu.percent", "cpu.core_0", "cpu.core_1", "memory.used"]
    assert re.search(r"memory\.used +7?\.?\d", shown.out)


@pytest.mark.usefixtures("measured")
def test_series_as_json_have_points_of_equal_spans(wzp: Wzp) -> None:
    (series,) = wzp("metrics", "io.read", "--last", "5m", "--points", "5", "--json").json
    assert (series["name"], series["unit"], series["step_seconds"]) == ("io.read", "bytes_per_second", 60)
    assert 4 <= len(series["points"]) <= 6
    assert set(series["points"][0]) == {"at", "min", "mean", "max"}


def test_what_nobody_has_measured_is_no_error(wzp: Wzp, room: str) -> None:
    assert wzp("metrics").out == "No metrics.\n"
    assert wzp("metrics", "--json").json == []
    top = wzp("top", "--json").json
    assert (top["at"], top["machine"], top["processes"]) == (None, {}, [])
    assert "wzp serve" in wzp("top").out


@pytest.mark.usefixtures("room")
def test_a_series_that_there_is_not_is_refused_with_the_nearest(wzp: Wzp) -> None:
    refused = wzp("metrics", "procss.cpu")
    assert refused.code == 2
    assert "Did you mean process.cpu?" in refused.err
    assert wzp("metrics", "--process", "nothing").code == 3


@pytest.mark.usefixtures("measured")
def test_the_nearest_series_of_a_process_is_one_of_a_process(wzp: Wzp) -> None:
    wzp("process", "add", "web", "--autostart", "off", "sleep", "1")
    assert "Did you mean process.memory?" in wzp("metrics", "memory", "--process", "web").err


@pytest.mark.usefixtures("measured")
def test_top_tells_the_use_of_now(wzp: Wzp, home: Home) -> None:
    store = MetricsStore(home)
    store.open()
    store.put(int(time.time()), {Subject("cpu"): {"percent": 12.5}, Subject("load"): {"one": 1.0}})
    store.close()
    shown = wzp("top")
    assert shown.code == 0
    assert "cpu 12.5 %  load 1" in shown.out
    assert "\x1b" not in shown.out
    assert wzp("top", "--json").json["machine"]["cpu.percent"] == 12.5


@pytest.mark.usefixtures("room")
def test_the_flow_is_a_row_a_moment(wzp: Wzp) -> None:
    wzp("task", "add", "Fix")
    flow = wzp("flow", "--last", "1h", "--points", "3", "--json").json
    assert [point["backlog"] for point in flow] == [0, 0, 1]
    assert len(wzp("flow", "--points", "3").out.splitlines()) == 4


@pytest.mark.usefixtures("measured")
def test_each_field_and_each_series_is_described(wzp: Wzp) -> None:
    section = (DOCS / "json.md").read_text().partition("\n## Series\n")[2].partition("\n## ")[0]
    page = (DOCS / "metrics.md").read_text()
    shown = wzp("metrics", "--last", "5m", "--json").json
    assert set(shown[0]) <= set(re.findall(r"\w+", section))
    first_of_a_row = {"board.backlog", "board.done", "board.oldest_todo", "board.time_in_todo"}
    for series in CATALOGUE:
        is_column = series.kind is Kind.BOARD and series.name.startswith((*COLUMNS, "oldest_", "time_in_"))
        assert f"`{series.full_name}`" in page or is_column, series.full_name
    assert all(f"`{name}`" in page for name in first_of_a_row)
    top = next(line for line in (DOCS / "json.md").read_text().splitlines() if line.startswith("| `top`"))
    assert set(wzp("top", "--json").json) <= set(re.findall(r"\w+", top))
