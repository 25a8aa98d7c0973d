"""kill -9 of 1,000 agents' servers in mid-call: the key settles what is in doubt; nothing is lost, nothing twice.

See tests/support/mcp_kills.py for what the agents do.
"""

import subprocess
import sys
from collections import Counter

from ending import run
from figures import ROOM, Figures, arguments, scratch_database
from kill import CHECK

from tests.support.mcp_kills import STEPS, Doomed, verdict

AGENTS = 8


def main() -> None:
    """Measure and judge."""
    kills = 96 if arguments(__doc__ or "").quick else 1000
    with scratch_database() as database:
        with database.read() as rows:
            room = rows.room_by_name(ROOM)
        assert room is not None
        project = database.home.path
        doomed = [Doomed(f"agent-{n}", database, room, project, kills=kills // AGENTS) for n in range(AGENTS)]
        for each in doomed:
            each.start()
        for each in doomed:
            each.join()
        wrong = verdict(database, room, doomed)
        checked = subprocess.run([sys.executable, "-c", CHECK, str(database.path)], check=False)
    doubts = sum((each.doubts for each in doomed), Counter[str]())
    for each in wrong[:20]:
        print(each)
    figures = Figures(f"{kills} servers killed in mid-call, {AGENTS} agents at a time")
    figures.add("calls answered", sum(each.answered for each in doomed), "")
    for step in STEPS:
        figures.add(f"in doubt: {step}", doubts[step], "", at_least=1)
    figures.add("of them stored before the kill", sum(each.stored_in_doubt for each in doomed), "", at_least=1)
    figures.add("lost, twice, or answered otherwise", len(wrong), "", at_most=0)
    figures.add("unsound files", int(checked.returncode != 0), "", at_most=0)
    figures.finish()


if __name__ == "__main__":
    run(main)
