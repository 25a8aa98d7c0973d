"""What an agent's client waits for at each event: the hook, and the guard that holds most signs of activity back.

The figures to reach: the hook p95 ≤ 100 ms, also with a megabyte of event and with its input left open, and a caller
that writes nothing let go within 100 ms; the guard p95 ≤ 10 ms.

    python benchmarks/hook.py [--quick]
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

from ending import run
from figures import REPOSITORY, Figures, arguments, percentile, scratch_home

from core.agents.clients import commands
from core.agents.spool import read_new, spool_of
from storage import HOME_VARIABLE, Home

HOOK_MS = 100.0
GUARD_MS = 10.0
EVENT = {"hook_event_name": "Stop", "session_id": "bench", "cwd": str(REPOSITORY)}
ACTIVITY = {**EVENT, "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "x" * 2_000}}


def started(line: str, home: Home) -> subprocess.Popen[bytes]:
    environment = {**os.environ, HOME_VARIABLE: str(home.path)}
    return subprocess.Popen(["/bin/sh", "-c", line], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def with_end(line: str, payload: bytes, home: Home) -> None:
    """The input is written and closed, as clients do."""
    process = started(line, home)
    process.communicate(payload)


def left_open(line: str, payload: bytes, home: Home) -> None:
    """The input is written and left open."""
    process = started(line, home)
    assert process.stdin is not None
    process.stdin.write(payload)
    process.stdin.flush()
    process.wait()
    process.communicate()


def times_ms(rounds: int, act: Callable[[], None]) -> list[float]:
    act()  # the first reads everything from the disk
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begun) * 1000)
    return taken


def main() -> None:
    """Measure, print, and fail where a figure is missed."""
    rounds = 20 if arguments(__doc__.partition("\n")[0]).quick else 200
    plain, guarded = (commands.hook("claude", guarded=guarded) for guarded in (False, True))
    small, large = json.dumps(EVENT).encode(), json.dumps({**EVENT, "tool_response": "x}" * 500_000}).encode()
    figures = Figures("Hooks, from start to exit")
    with scratch_home() as home:
        home.create()
        bare = times_ms(rounds, lambda: with_end(f"exec {sys.executable} -I -S -c pass", b"", home))
        figures.add("bare Python, p50", percentile(bare, 50), "ms")
        for name, act in (
            ("hook", lambda: with_end(plain, small, home)),
            ("hook, 1 MB", lambda: with_end(plain, large, home)),
            ("hook, input left open", lambda: left_open(plain, small, home)),
            ("hook, nothing written", lambda: left_open(plain, b"", home)),
        ):
            taken = times_ms(rounds, act)
            figures.add(f"{name}, p50", percentile(taken, 50), "ms")
            figures.add(f"{name}, p95", percentile(taken, 95), "ms", at_most=HOOK_MS)
        lines = 0
        positions: dict[str, int] = {}
        while (batch := read_new(home, positions)).lines:
            lines, positions = lines + len(batch.lines), dict(batch.positions)
        figures.add("events lost", 3 * (rounds + 1) - lines, "", at_most=0)
        stamp, activity = spool_of(home) / f"activity-{os.getpid()}", json.dumps(ACTIVITY).encode()

        def held_back() -> None:
            stamp.write_text(f"{int(time.time())}\n")
            with_end(guarded, activity, home)

        taken = times_ms(rounds, held_back)
        figures.add("guard, held back, p50", percentile(taken, 50), "ms")
        figures.add("guard, held back, p95", percentile(taken, 95), "ms", at_most=GUARD_MS)
        figures.add("held back, but noted", len(read_new(home, positions).lines), "", at_most=0)
    figures.finish()


if __name__ == "__main__":
    run(main)
