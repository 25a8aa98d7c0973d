"""Version conflicts: nobody overwrites a change that he has not seen."""

from dataclasses import replace
from datetime import date

import pytest

from core.errors import VersionConflict
from storage import Priority
from tests.support.users import User


def test_the_second_writer_learns_who_changed_the_card(board: User, alice: User, bob: User) -> None:
    card = board.add("Fix login")
    alice.move(card, "in_progress", reason="I have an idea")
    with pytest.raises(VersionConflict) as conflict:
        bob.move(card, "blocked", reason="no", expected_version=card.version)
    assert [change.agent_id for change in conflict.value.changes] == [alice.id]
    assert conflict.value.changes[0].reason == "I have an idea"
    assert conflict.value.changes[0].after["status"] == "in_progress"
    assert conflict.value.current == replace(board.see(card), position=None)


def test_each_field_is_told_with_who_changed_it_last(board: User, alice: User, bob: User) -> None:
    card = board.add("Fix login")
    alice.edit(card, priority=Priority.HIGH, due=date(2026, 12, 1))
    bob.edit(card, priority=Priority.URGENT, labels=("ui",), reason="it burns")
    with pytest.raises(VersionConflict) as conflict:
        board.edit(card, title="Fix the login", expected_version=card.version)
    by_whom = "due changed by alice, labels, priority by bob (it burns)"
    assert conflict.value.message == f"#1 is at version 3, you know 1: {by_whom}."


def test_a_long_reason_is_shortened_in_the_message_and_whole_in_the_changes(board: User, alice: User) -> None:
    card = board.add("Fix login")
    alice.edit(card, due=date(2026, 12, 1), reason="because " * 1_000)
    with pytest.raises(VersionConflict) as conflict:
        board.edit(card, title="Fix the login", expected_version=card.version)
    assert len(conflict.value.message) < 300
    assert "…)." in conflict.value.message
    assert conflict.value.changes[0].reason == ("because " * 1_000).strip()
