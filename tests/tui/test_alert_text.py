"""Alerts in the person's language: each text has its Japanese, and what has none reads in English."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.alerts.findings import TEXTS, Finding, found, moment_of
from storage import Alert, AlertId, Home, Role, RoomId, utc_now
from tests.support.alerts import filling
from tests.support.app import app_of, open_app, screen_text, shown, until
from tests.support.users import User
from tui.alert_text import alert_hint, alert_message
from tui.reasons import reason_text
from tui.times import full_time
from tui.translation import set_language


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    set_language("en")


def alert_of(finding: Finding) -> Alert:
    return Alert(
        id=AlertId("alr_1"), room_id=RoomId("rom_1"), rule=finding.rule, message=finding.message, hint=finding.hint,
        text=finding.text, details=finding.details, created_at=utc_now(), updated_at=utc_now(),
    )  # fmt: skip


def is_japanese(text: str) -> bool:
    return any("\u3040" <= each <= "\u30ff" for each in text)


@pytest.mark.parametrize("text", TEXTS)
def test_in_english_it_reads_as_it_is_stored(text: str) -> None:
    alert = alert_of(found(text, **filling(text)))
    stored = alert.message
    if "since" in alert.details:  # a screen has its own time
        since = alert.details["since"]
        stored = stored.replace(since, full_time(moment_of(since)))
    assert alert_message(alert) == stored
    assert alert_hint(alert) == alert.hint


@pytest.mark.parametrize("text", TEXTS)
def test_in_japanese_every_alert_is_said_with_all_that_it_tells(text: str) -> None:
    set_language("ja")
    alert = alert_of(found(text, **filling(text)))
    assert is_japanese(alert_message(alert))
    assert is_japanese(alert_hint(alert)) or TEXTS[text].hint == "{todo}"
    said = alert_message(alert) + alert_hint(alert)
    differs = ("span", "since", "reason")
    assert [value for gap, value in filling(text).items() if gap not in differs and value not in said] == []


def test_spans_are_said_in_japanese() -> None:
    set_language("ja")
    assert "2分" in alert_message(alert_of(found("cpu_high", name="web", percent="90", span=120)))


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("exit code 3", "終了コード 3"),
        ("killed by SIGKILL", "SIGKILL で強制終了"),
        ("exit code -1; it restarts after 1.5 s", "終了コード -1。1.5 秒後に再起動します"),
        ("restarted 5 times within 60 s; the last time: killed by SIGSEGV",
         "60 秒以内に 5 回再起動しました。最後は: SIGSEGV で強制終了"),
        ("liveness probe: http://x answered 500", "生存プローブ: http://x answered 500"),
        ("waits for db, which is stopped", "db を待っています（停止中）"),
        ("waits for db", "db を待っています"),
        ("The command 'x' is not found.", "The command 'x' is not found."),
    ],
)  # fmt: skip
def test_the_reasons_that_are_told_most_are_said_in_japanese(reason: str, said: str) -> None:
    assert reason_text(reason) == reason
    set_language("ja")
    assert reason_text(reason) == said
    assert said in alert_message(alert_of(found("process_failed", name="web", reason=reason)))


def test_what_this_version_cannot_say_reads_as_it_is_stored() -> None:
    set_language("ja")
    alert = alert_of(found("queue_old", span=60))
    assert alert_message(replace(alert, text="")) == alert.message
    assert alert_message(replace(alert, text="of_the_future")) == alert.message
    assert alert_message(replace(alert, details={})) == alert.message
    assert alert_message(replace(alert, details={"span": "a while"})) == alert.message
    assert alert_hint(replace(alert, text="of_the_future")) == alert.hint


def test_nothing_in_it_reaches_the_terminal_raw() -> None:
    alert = alert_of(found("agent_asks", agent="ann", span=600, question="\x1b]0;title\x07[b]which[/b]?\x1b[2J"))
    assert alert_message(alert) == "ann has waited for an answer for 10 min: [b]which[/b]?"


async def test_list_details_and_toast_speak_japanese(board: User, home: Home) -> None:
    home.config.parent.mkdir(parents=True, exist_ok=True)
    home.config.write_text("language: ja\n")
    program = User(board.database, "wezterm-parallel", room=board.room, role=Role.SYSTEM)
    async with open_app(board, size=(160, 40)) as pilot:
        program.call("note_alerts", findings=(found("service_failed", "sync", service="sync"),))
        await until(pilot, lambda: app_of(pilot).notes)
        assert is_japanese(app_of(pilot).notes[0].text)
        await pilot.press("8")
        await shown(pilot, "sync")
        assert "has failed" not in screen_text(pilot)
