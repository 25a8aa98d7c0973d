"""Alerts as the operations see them: raised once, counted, acknowledged, muted, resolved."""

import pytest

from core.alerts.findings import Finding
from core.errors import InvalidData, PermissionDenied
from storage import Alert, AlertSeverity, Home, Role
from tests.support.users import User

DISK = Finding(rule="disk_full", subject="/", message="The disk is 98 % full.", hint="Free some.")


@pytest.fixture
def program(board: User) -> User:
    """The program itself, whose rules find alerts."""
    return User(board.database, "wezterm-parallel", room=board.room, role=Role.SYSTEM)


def events(user: User) -> list[str]:
    with user.database.read() as rows:
        return [each.type for each in rows.events() if each.entity == "alert"]


def the_alert(user: User) -> Alert:
    (alert,) = user.call("list_alerts")
    return alert


def test_a_repetition_is_counted_and_makes_no_event(board: User, program: User):
    for _ in range(5):
        program.call("note_alerts", findings=(DISK,))
    alert = the_alert(board)
    assert (alert.rule, alert.subject, alert.seen_count) == ("disk_full", "/", 5)
    assert alert.last_seen_at >= alert.created_at
    assert events(board) == ["raised"]


def test_what_is_over_is_resolved_and_comes_back_as_another_alert(board: User, program: User):
    program.call("note_alerts", findings=(DISK,))
    first = the_alert(board)
    program.call("note_alerts", findings=(Finding(rule="disk_full", subject="/", is_over=True),))
    assert board.call("list_alerts") == ()
    assert board.call("list_alerts", resolved=True)[0].id == first.id
    program.call("note_alerts", findings=(DISK,))
    assert the_alert(board).id != first.id


def test_an_acknowledged_alert_stays_and_says_who_has_seen_it(board: User, alice: User, program: User):
    program.call("note_alerts", findings=(DISK,))
    alice.call("acknowledge_alerts", alerts=(the_alert(board).id[-8:],))
    shaped = board.outcome("list_alerts", wants_shape=True).shaped[0]
    assert shaped["acknowledged_by_name"] == "alice"
    assert board.call("list_alerts", quiet=True) == ()
    alice.call("undo")
    assert the_alert(board).acknowledged_at is None


def test_a_muted_alert_is_quiet_until_its_time_is_over(board: User, program: User):
    program.call("note_alerts", findings=(DISK,))
    board.call("mute_alerts", all=True, minutes=5)
    assert board.call("list_alerts", quiet=True) == ()
    board.call("mute_alerts", all=True, minutes=0)
    assert len(board.call("list_alerts", quiet=True)) == 1
    with pytest.raises(InvalidData):
        board.call("mute_alerts", all=True, minutes=10**9)


def test_an_alert_is_resolved_by_hand_once(board: User, program: User):
    program.call("note_alerts", findings=(DISK,))
    alert = the_alert(board)
    board.call("resolve_alerts", alerts=(alert.id,))
    assert board.call("list_alerts") == ()
    with pytest.raises(InvalidData, match="is over"):
        board.call("acknowledge_alerts", alerts=(alert.id,))
    with pytest.raises(InvalidData, match="No alert is named"):
        board.call("resolve_alerts")


def test_agents_read_alerts_and_do_not_put_them_away(board: User, bob: User, program: User):
    program.call("note_alerts", findings=(DISK,))
    assert len(bob.call("list_alerts")) == 1
    for operation in ("acknowledge_alerts", "mute_alerts", "resolve_alerts"):
        with pytest.raises(PermissionDenied):
            bob.call(operation, all=True)
    with pytest.raises(PermissionDenied):
        board.call("note_alerts", findings=(DISK,))


def test_the_settings_turn_rules_off_and_say_how_bad_they_are(board: User, program: User, home: Home):
    home.config.write_text("alerts:\n  disk_full: {severity: critical}\n  quarantined: off\n")
    program.call("note_alerts", findings=(DISK, Finding(rule="quarantined", message="#3 is quarantined.")))
    assert the_alert(board).severity is AlertSeverity.CRITICAL
    assert board.call("list_alerts", severity=(AlertSeverity.INFO,)) == ()
