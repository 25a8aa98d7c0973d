"""A host on demand: started where none acts, and what is said where none can be."""

from pathlib import Path

import pytest

from core.errors import BackendUnavailable
from core.services import HostLease, ensure_host, launch
from storage import Database, Home


def test_who_acts_already_is_enough(database: Database):
    lease = HostLease(database)
    assert lease.try_take()
    try:
        sign = ensure_host(database.home)
        assert sign.token == lease.token
    finally:
        lease.give_up()


def test_a_host_that_cannot_start_is_told_with_its_own_words(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    program = tmp_path / "broken.py"
    program.write_text("import sys; sys.exit('wzp: The disk is full.\\n     Free some space.')")
    monkeypatch.setattr(launch, "PROGRAM", program)
    with pytest.raises(BackendUnavailable) as refusal:
        ensure_host(home)
    assert "The disk is full." in refusal.value.message
    assert "Free some space." in refusal.value.hint
