"""Version conflicts: nobody overwrites a change that he has not seen."""

from dataclasses import replace

import pytest

from core.errors import VersionConflict
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
