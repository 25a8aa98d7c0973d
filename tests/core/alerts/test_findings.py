"""What alerts say: every rule has its words, every gap is filled, and what is stored can be said in any language."""

import ast
from pathlib import Path

import pytest

import core
from core.alerts.configuration import RULES
from core.alerts.findings import TEXTS, Finding, found, over, span
from storage import Alert, AlertSeverity, Role
from tests.support.alerts import filling
from tests.support.users import User


@pytest.fixture
def program(board: User) -> User:
    return User(board.database, "wezterm-parallel", room=board.room, role=Role.SYSTEM)


def test_every_rule_has_a_text_and_every_text_a_rule() -> None:
    assert {each.rule for each in TEXTS.values()} == set(RULES)


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_is_a_sentence_and_says_what_to_do(text: str) -> None:
    finding = found(text, **filling(text))
    assert finding.message
    assert "{" not in finding.message + finding.hint
    assert finding.message.rstrip()[-1] in ".?x"
    assert finding.hint.endswith(".")


def test_what_is_not_told_or_has_no_gap_is_a_defect() -> None:
    with pytest.raises(ValueError, match="span"):
        found("queue_old")
    with pytest.raises(ValueError, match="name"):
        found("queue_old", span=60, name="web")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (90, "90 s"), (150, "2.5 min"), (7200, "2 h"),
                           (604_800, "7 d")]
)  # fmt: skip
def test_spans_are_read_out_in_what_fits(seconds: int, words: str) -> None:
    assert span(seconds) == words


def test_values_are_no_templates() -> None:
    finding = found("log_pattern", name="{x}", pattern="{}", line="{name} %s")
    assert finding.message == "{x} printed what '{}' names: {name} %s"


def test_an_alert_keeps_its_text_and_what_fills_it(board: User, program: User) -> None:
    finding = found("queue_old", severity=AlertSeverity.INFO, span=1800)
    (alert,) = program.call("note_alerts", findings=(finding,))
    stored: Alert = board.call("list_alerts")[0]
    assert stored.id == alert.id
    assert (stored.text, stored.details) == ("queue_old", {"span": "1800"})
    assert stored.message == "Runs have waited in the queue for 30 min or longer."
    program.call("note_alerts", findings=(found("queue_old", severity=AlertSeverity.INFO, span=3600),))
    assert board.call("list_alerts")[0].details == {"span": "3600"}
    program.call("note_alerts", findings=(over("queue_old"),))
    assert board.call("list_alerts") == ()


def test_an_alert_without_a_text_is_kept_as_it_is(board: User, program: User) -> None:
    program.call("note_alerts", findings=(Finding(rule="queue_old", message="Of another version."),))
    stored = board.call("list_alerts")[0]
    assert (stored.message, stored.text, stored.details) == ("Of another version.", "", {})


def test_nothing_in_the_core_raises_an_alert_that_only_english_has_words_for() -> None:
    """`found` fills a text that can be translated; a `Finding` made by hand could not be."""
    modules = [path for path in Path(core.__file__).parent.rglob("*.py") if path.name != "findings.py"]
    by_hand = [
        f"{path}:{node.lineno}"
        for path in modules
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding"
    ]
    assert len(modules) > 100
    assert by_hand == []
