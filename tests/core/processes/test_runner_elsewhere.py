"""The runner where there is neither /proc nor a subreaper nor waitid (macOS); played on this machine."""

from pathlib import Path

import pytest

from storage import Home
from tests.support.runners import Runners, exited, marked, running, until

STARTER = """
import os, sys
if os.fork(): os._exit(0)
sys.path.append({processes!r})
import runner.program as program, runner.tree as tree
tree.IS_LINUX = False
del os.waitid
tree.own_children = lambda: None
program.become_subreaper = lambda: False
program.main(sys.argv[1], False)
"""


@pytest.fixture
async def runners(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home.create()
    starter = tmp_path / "start.py"
    starter.write_text(STARTER.format(processes=str(Path(__file__).parents[3] / "core" / "processes")))
    monkeypatch.setattr("core.processes.backends.launching.STARTER", starter)
    async with running(home) as made:
        yield made


@pytest.mark.parametrize(
    ("script", "code", "name"), [("exit 3", 3, None), ("kill -9 $$", None, "SIGKILL"), ("seq 1 9999", 0, None)]
)
async def test_how_it_ended_is_told(runners: Runners, script: str, code: int | None, name: str | None):
    link = await runners.start("sh", "-c", script)
    status = await exited(link)
    assert (status.exit_code, status.exit_signal) == (code, name)


async def test_after_a_stop_nothing_is_left(runners: Runners):
    program = (
        "import os, signal, time\nsignal.signal(15, signal.SIG_IGN)\nif os.fork() == 0:\n    os.setsid()\n"
        "    if os.fork(): os._exit(0)\nprint('up', flush=True)\ntime.sleep(1000)"
    )
    link = await runners.python(program)
    await until(lambda: runners.printed().count(b"up") == 2)
    await link.stop(0.2)
    await exited(link)
    assert not marked(link.folder)


async def test_what_a_dead_leader_leaves_behind_is_ended(runners: Runners):
    link = await runners.start("sh", "-c", "(trap '' HUP; sleep 1000) & setsid sleep 1000 & sleep 0.2; exit 5")
    assert (await exited(link)).exit_code == 5
    assert not marked(link.folder)
