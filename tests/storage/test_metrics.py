"""metrics.db: seconds, minutes, retention, down-sampling, and what happens to a file that cannot be used."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import Home, MetricsReader, MetricsStore, ProcessId, StorageFull, Subject, span_seconds
from storage import metrics as module
from storage.engine import connect_read_only

WEB = Subject("process", "prc_web")
CPU = Subject("cpu")
NOON = 1_800_000_000 // 3600 * 3600


def _process(cpu: float | None, memory: float = 1000) -> dict[str, float | None]:
    return {"cpu": cpu, "memory": memory, "threads": 3, "processes": 2}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def store(home: Home) -> Iterator[MetricsStore]:
    store = MetricsStore(home)
    store.open()
    yield store
    store.close()


def _tidy(store: MetricsStore, now: int) -> None:
    while store.tidy(now):
        pass


def _counts(home: Home) -> tuple[int, int]:
    """How many seconds and minutes are stored, over all that was measured."""
    connection = connect_read_only(home.metrics)
    try:
        found = connection.execute("SELECT (SELECT count(*) FROM raw), (SELECT count(*) FROM minute)").fetchall()
        return int(found[0][0]), int(found[0][1])
    finally:
        connection.close()


def test_without_a_file_nothing_was_measured(home: Home) -> None:
    reader = MetricsReader(home)
    assert reader.latest() == {}
    assert reader.recent(ProcessId("prc_web")) == []
    assert reader.newest() == (0, {})
    assert reader.series({CPU: ["percent"]}, 0, 60, 10) == {}


def test_the_files_are_the_users_alone(home: Home, store: MetricsStore) -> None:
    store.put(NOON, {CPU: {"percent": 1.0}})
    files = list(home.path.glob("metrics.db*"))
    assert len(files) > 1
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_once_it_is_closed_the_file_alone_has_all_that_was_measured(
    home: Home, store: MetricsStore, tmp_path: Path
) -> None:
    store.put(NOON, {WEB: _process(1.0)})
    reader = MetricsReader(home)
    assert reader.latest()
    store.close()
    reader.close()
    copy = Home(tmp_path / "copy")
    copy.create()
    shutil.copyfile(home.metrics, copy.metrics)
    assert _counts(copy)[0] == 1


def test_the_newest_second_tells_what_a_process_uses(home: Home, store: MetricsStore) -> None:
    reader = MetricsReader(home)
    store.put(NOON, {WEB: _process(None), CPU: {"percent": 3.0}})
    (first,) = reader.latest().values()
    assert first.cpu_percent is None  # measured for the first time
    store.put(NOON + 1, {WEB: _process(120.5, 4096), CPU: {"percent": 4.0}})
    sample = reader.latest([ProcessId("prc_web")])[ProcessId("prc_web")]
    assert (sample.cpu_percent, sample.memory_bytes, sample.threads, sample.children) == (120.5, 4096, 3, 1)
    assert sample.at.timestamp() == NOON + 1
    assert [each.memory_bytes for each in reader.recent(ProcessId("prc_web"))] == [1000, 4096]
    store.put(NOON + 2, {CPU: {"percent": 4.0}})
    assert reader.latest() == {}  # it has ended


def test_recent_of_all_processes_is_one_answer(home: Home, store: MetricsStore) -> None:
    for second in range(100):
        store.put(NOON + second, {Subject("process", f"prc_{n}"): _process(n + second) for n in range(5)})
    recent = MetricsReader(home).recent_all(60)
    assert sorted(recent) == [f"prc_{n}" for n in range(5)]
    assert [each.cpu_percent for each in recent[ProcessId("prc_3")]] == [3 + second for second in range(40, 100)]


def test_more_values_than_a_row_has_columns_come_back_whole(home: Home, store: MetricsStore) -> None:
    cores = {f"core.{number}": float(number) for number in range(20)}
    store.put(NOON, {CPU: cores})
    assert MetricsReader(home).newest() == (NOON, {CPU: cores})


def test_another_set_of_values_of_a_subject_adds_to_what_is_known(home: Home, store: MetricsStore) -> None:
    store.put(NOON, {CPU: {"core.0": 1.0}})
    store.put(NOON + 1, {CPU: {"core.0": 2.0, "core.1": 5.0}})
    reader = MetricsReader(home)
    assert reader.subjects() == {CPU: ("core.0", "core.1")}
    points = reader.series({CPU: ["core.0"]}, NOON, NOON + 2, 2)[CPU, "core.0"]
    assert [point.mean for point in points] == [1.0, 2.0]


def test_minutes_are_kept_for_thirty_days_and_seconds_for_an_hour(home: Home, store: MetricsStore) -> None:
    for second in range(0, 3 * 3600, 7):
        store.put(NOON + second, {CPU: {"percent": second % 100}})
    _tidy(store, NOON + 3 * 3600)
    raw, minutes = _counts(home)
    assert raw == pytest.approx(3600 / 7, abs=10)
    assert minutes == 180
    _tidy(store, NOON + 31 * 24 * 3600)
    assert _counts(home) == (0, 0)


def test_a_break_of_the_host_loses_no_minute(home: Home, store: MetricsStore) -> None:
    for second in range(600):
        store.put(NOON + second, {CPU: {"percent": 50.0}})
    store.close()  # without having made a minute
    store.open()
    _tidy(store, NOON + 5000)
    assert _counts(home)[1] == 10


def test_the_oldest_minutes_go_when_the_file_is_too_large(
    home: Home, store: MetricsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for second in range(0, 6 * 3600, 60):
        store.put(NOON + second, {Subject("process", f"prc_{n}"): _process(n) for n in range(10)})
    monkeypatch.setattr(module, "QUOTA_BYTES", 300_000)
    _tidy(store, NOON + 6 * 3600)
    connection = connect_read_only(home.metrics)
    oldest, newest = connection.execute("SELECT min(at), max(at) FROM minute").fetchall()[0]
    connection.close()
    assert oldest > NOON
    assert newest == NOON + 6 * 3600 - 60
    assert module._used_bytes(store._engine.connection()) <= 300_000  # type: ignore[union-attr]


def test_a_clock_that_is_set_back_leaves_no_future(home: Home, store: MetricsStore) -> None:
    store.put(NOON, {CPU: {"percent": 1.0}})
    store.put(NOON + 86_400, {CPU: {"percent": 2.0}})
    _tidy(store, NOON + 86_460)
    store.put(NOON + 1, {CPU: {"percent": 3.0}})
    reader = MetricsReader(home)
    assert reader.newest() == (NOON + 1, {CPU: {"percent": 3.0}})
    _tidy(store, NOON + 120)
    points = reader.series({CPU: ["percent"]}, NOON - 60, NOON + 2 * 86_400, 3)[CPU, "percent"]
    assert max(point.high for point in points) == 3.0


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200),
    start=st.integers(0, 119),
    made=st.booleans(),
    points=st.integers(1, 50),
)
def test_aggregation_keeps_least_mean_and_greatest_and_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], start: int, made: bool, points: int
) -> None:
    home = Home(tmp_path_factory.mktemp("metrics"))
    store, reader = MetricsStore(home), MetricsReader(home)
    store.open()
    for second, value in enumerate(values):
        store.put(NOON + start + second, {CPU: {"percent": value}})
    end = NOON + start + len(values)
    if made:
        _tidy(store, end)
    found = reader.series({CPU: ["percent"]}, NOON, end, points)[CPU, "percent"]
    far = reader.series({CPU: ["percent"]}, NOON, end + 86_400, 1)[CPU, "percent"]
    for told in (found, far):
        assert all(point.low <= point.mean <= point.high for point in told)
        assert min(point.low for point in told) == min(values)
        assert max(point.high for point in told) == max(values)
    whole = sum(point.mean for point in far) / len(far)
    if len(far) == 1:
        assert whole == pytest.approx(sum(values) / len(values), rel=1e-6, abs=1e-3)
    reader.close()
    store.close()


@settings(max_examples=25, deadline=None)
@given(seconds=st.integers(61, 400), points=st.integers(1, 6), seed=st.integers(0, 1000))
def test_each_second_counts_once_across_minutes_and_seconds(
    tmp_path_factory: pytest.TempPathFactory, seconds: int, points: int, seed: int
) -> None:
    home, chance = Home(tmp_path_factory.mktemp("metrics")), random.Random(seed)
    store, reader = MetricsStore(home), MetricsReader(home)
    store.open()
    measured = {NOON + second: float(chance.randrange(100)) for second in range(seconds)}
    for at, value in measured.items():
        store.put(at, {CPU: {"percent": value}})
    _tidy(store, NOON + chance.randrange(seconds))
    span = span_seconds(NOON, NOON + seconds, points)
    for point in reader.series({CPU: ["percent"]}, NOON, NOON + seconds, points)[CPU, "percent"]:
        inside = [value for at, value in measured.items() if point.at <= at < point.at + span]
        assert (point.low, point.high) == (min(inside), max(inside))
        assert point.mean == pytest.approx(sum(inside) / len(inside))
    reader.close()
    store.close()


@pytest.mark.parametrize("first", [0, 1, 26, 59])
def test_the_first_minute_of_a_host_is_told_by_its_seconds(home: Home, store: MetricsStore, first: int) -> None:
    for second in range(first, 300):
        store.put(NOON + second, {CPU: {"percent": 50.0}})
    _tidy(store, NOON + 300)
    reader = MetricsReader(home)
    found = [each.at for each in reader.series({CPU: ["percent"]}, NOON - 300, NOON + 300, 600)[CPU, "percent"]]
    assert found == list(range(NOON + first, NOON + 300)), "no point before the first second, and no gap after it"
    for second in range(module.RAW_SECONDS + first, module.RAW_SECONDS + 300):
        store.put(NOON + second, {CPU: {"percent": 50.0}})
    _tidy(store, NOON + module.RAW_SECONDS + 330)
    later = reader.series({CPU: ["percent"]}, NOON, NOON + module.RAW_SECONDS + 300, 200)[CPU, "percent"]
    assert later[0].at == NOON, "what has only minutes is told by them"
    assert min(each.at for each in later if each.at >= NOON + 300) == NOON + (module.RAW_SECONDS + first) // 20 * 20
    reader.close()


@pytest.mark.parametrize("what", ["garbage", "newer", "foreign", "torn"])
def test_a_file_that_cannot_be_used_is_set_aside(home: Home, store: MetricsStore, what: str) -> None:
    for second in range(300):
        store.put(NOON + second, {CPU: {"percent": 1.0}})
    engine = store._engine
    assert engine is not None
    if what == "newer":
        engine.execute_sql("PRAGMA user_version = 99")
    elif what == "foreign":
        engine.execute_sql("PRAGMA application_id = 7")
    engine.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    store.close()
    if what == "garbage":
        home.metrics.write_bytes(b"no database at all" * 1000)
    elif what == "torn":
        data = bytearray(home.metrics.read_bytes())
        data[4096 * 2 : 4096 * 3] = b"\xff" * 4096
        home.metrics.write_bytes(bytes(data))
    before = home.metrics.read_bytes()

    warning = store.open()

    assert warning is not None
    (folder,) = (home.path / "trash").iterdir()
    assert str(folder) in warning
    assert (folder / "metrics.db").read_bytes() == before
    store.put(NOON + 400, {CPU: {"percent": 9.0}})
    assert MetricsReader(home).newest() == (NOON + 400, {CPU: {"percent": 9.0}})


def test_readers_follow_to_the_file_that_is_begun_anew(home: Home, store: MetricsStore) -> None:
    reader = MetricsReader(home)
    store.put(NOON, {CPU: {"percent": 1.0}})
    assert reader.newest()[0] == NOON
    store.begin_anew("is tried")
    store.put(NOON + 1, {CPU: {"percent": 2.0}})
    assert reader.newest() == (NOON + 1, {CPU: {"percent": 2.0}})


def test_a_reader_of_a_broken_file_has_nothing_and_says_so_once(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    home.create()
    home.metrics.write_bytes(b"no database at all" * 1000)
    reader = MetricsReader(home)
    assert reader.latest() == {}
    assert reader.newest() == (0, {})
    assert len([each for each in caplog.records if "cannot be read" in each.message]) == 1


def test_a_full_disk_is_told_and_the_next_second_is_written_again(home: Home, store: MetricsStore) -> None:
    store.put(NOON, {CPU: {"percent": 1.0}})
    connection: apsw.Connection = store._engine.connection()  # type: ignore[union-attr]
    connection.pragma("max_page_count", int(connection.pragma("page_count")))
    many = {Subject("process", f"prc_{n}"): _process(1.0) for n in range(500)}
    with pytest.raises(StorageFull):
        store.put(NOON + 1, many)
    connection.pragma("max_page_count", 1_000_000)
    store.put(NOON + 3000, {WEB: _process(7.0)})
    assert MetricsReader(home).latest()[ProcessId("prc_web")].cpu_percent == 7.0
