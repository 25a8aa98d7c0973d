"""What a runner's folder tells of it."""

import errno
import os

from core.processes.status import is_runner_alive


def test_a_runner_whose_lock_cannot_be_looked_at_is_not_taken_for_dead(tmp_path, monkeypatch):
    assert not is_runner_alive(tmp_path / "gone")
    (tmp_path / "lock").touch()
    assert not is_runner_alive(tmp_path)

    def no_more(*_: object) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "open", no_more)
    assert is_runner_alive(tmp_path)
