"""Records on their way to columns and to the wire and back; times and ids that sort."""

import time
import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import storage
from storage import (
    RECORDS,
    Agent,
    Comment,
    Room,
    Task,
    decode_json,
    encode_json,
    format_time,
    from_wire,
    parse_time,
    to_wire,
    values_from_wire,
)
from storage import ids as id_makers
from storage.codec import RowCodec, changed_fields, field_codecs

FIRST, LAST = datetime(1970, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001 - hypothesis adds the zone
TIMES = st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.just(UTC))
TEXT = st.text(st.characters(codec="utf-8"))


def records() -> st.SearchStrategy[Any]:
    st.register_type_strategy(datetime, TIMES)
    st.register_type_strategy(str, TEXT)
    st.register_type_strategy(int, st.integers(-(2**53), 2**53))
    st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))  # JSON knows no others
    return st.one_of(
        [
            st.builds(record, status_changed_at=TIMES) if record is Task else st.builds(record)
            for record in RECORDS.values()
        ]
    )  # type: ignore[arg-type]


@given(records())
def test_a_record_comes_back_from_the_wire_and_from_json(record: Any) -> None:
    wire = to_wire(record)
    assert from_wire(type(record), wire) == record
    assert from_wire(type(record), decode_json(encode_json(wire))) == record


@given(records())
def test_a_record_comes_back_from_its_columns(record: Any) -> None:
    codec: RowCodec[Any] = RowCodec(type(record))
    row = codec.encode(record)
    assert {type(value) for value in row} <= {str, int, type(None)}
    assert codec.decode(row) == record


@given(records(), st.data())
def test_what_differs_is_what_was_changed(record: Any, data: st.DataObject) -> None:
    other = data.draw(st.builds(type(record)) if not isinstance(record, Task) else st.just(record))
    changed = {each.name for each in changed_fields(record, other)}
    expected = {
        codec.name
        for codec in field_codecs(type(record))
        if codec.own
        and codec.name not in storage.BOOKKEEPING
        and getattr(record, codec.name) != getattr(other, codec.name)
    }
    assert changed == expected
    assert changed_fields(record, record) == ()


def test_names_that_a_record_does_not_know_are_passed_over() -> None:
    assert values_from_wire(Task, {"title": "x", "due": "2026-01-02", "assignee": None, "unknown": 1}) == {
        "title": "x",
        "due": date(2026, 1, 2),
        "assignee": None,
    }


@given(TIMES, TIMES)
def test_times_sort_as_their_text_does(first: datetime, second: datetime) -> None:
    one, other = format_time(first), format_time(second)
    assert len(one) == 27
    assert (one < other) == (first < second)
    assert parse_time(one) == first


def test_a_time_of_another_zone_is_stored_in_utc_and_a_naive_one_is_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert format_time(datetime(2026, 1, 1, 9, tzinfo=tokyo)) == "2026-01-01T00:00:00.000000Z"
    assert parse_time("2026-01-01T00:00") == datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="Invalid"):
        parse_time("yesterday")


@pytest.mark.parametrize(
    ("make", "prefix"),
    [
        (id_makers.new_room_id, "rom_"), (id_makers.new_task_id, "tsk_"), (id_makers.new_agent_id, "agt_"),
        (id_makers.new_comment_id, "cmt_"), (id_makers.new_event_id, "evt_"), (id_makers.new_change_id, "chg_"),
        (id_makers.new_backup_id, "bkp_"),
    ],
)  # fmt: skip
def test_ids_say_what_they_name_and_sort_by_their_making(make: Any, prefix: str) -> None:
    made = [make() for _ in range(1000)]
    assert made == sorted(made)
    assert len(set(made)) == 1000
    assert all(each.startswith(prefix) and len(each) == 36 for each in made)


def test_the_face_of_the_package_names_what_there_is() -> None:
    for record in (Room, Task, Agent, Comment):
        assert getattr(storage, record.__name__) is record
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        storage.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_an_id_holds_a_uuid_of_the_version_that_sorts_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_makers, "_last_tick", 0)  # a test before may have been in the future
    before = time.time_ns() // 1_000_000
    held = uuid.UUID(id_makers.new_task_id().removeprefix("tsk_"))
    assert (held.version, held.variant) == (7, uuid.RFC_4122)
    assert before <= held.int >> 80 <= time.time_ns() // 1_000_000 + 1
