"""A process that faults leaves the stacks of its threads; one that ends leaves nothing."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage import StorageReadOnly, note_crashes
from tests.support.terminal import ROOT

FAULTS = """
import ctypes, sys
from pathlib import Path
from storage import note_crashes

def a_telling_name():
    ctypes.string_at(0)

note_crashes(Path(sys.argv[1]))
a_telling_name()
"""


def test_a_fault_leaves_its_stacks(tmp_path: Path) -> None:
    path = tmp_path / "crash.log"
    ended = subprocess.run([sys.executable, "-c", FAULTS, str(path)], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGSEGV
    assert "a_telling_name" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_ordinary_end_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "crash.log"
    note_crashes(path)()
    assert not path.exists()


def test_where_it_cannot_be_written_the_person_is_told_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "crash.log").mkdir()
    with pytest.raises(StorageReadOnly, match=r"crash\.log cannot be written") as told:
        note_crashes(tmp_path / "crash.log")
    assert "write access" in told.value.hint
