"""A host on demand: where a command needs the services and nobody runs them, `wzp serve` is started by itself."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from core.doors.identity import without_agent
from core.errors import BackendUnavailable
from core.processes.runner.tree import DETACHED, MARKER
from core.services.lease import SUSPENDED_S, HostSign, current_host
from storage import HOME_VARIABLE, Home

DEADLINE_S: Final = 20.0
"""How long a new host may take until it has the lease, on a machine under load."""
LOOK_S: Final = 0.02

PROGRAM: Final = Path(__file__).resolve().parents[2] / "wezterm_parallel.py"


def ensure_host(home: Home) -> HostSign:
    """See that somebody runs the services of a home: start a `wzp serve` of its own session where nobody does.

    It outlives the caller and the caller's terminal, and ends by itself when nothing has been left to supervise for a
    while. A host that is suspended counts as none. Not for an event loop: it waits until the host is there.

    Raises:
        BackendUnavailable: the new host has ended or has not come up; its log says why.
    """
    present = acting_host(home)
    if present is not None:
        return present
    home.create()
    complaint = home.logs / "serve.err"
    with open(complaint, "wb", opener=_private) as stderr:
        host = subprocess.Popen(
            [sys.executable, str(PROGRAM), "serve", "--until-idle"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            cwd="/",
            env=_environment(home),
        )
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if (present := acting_host(home)) is not None:
            return present
        if host.poll() is not None:
            break
        time.sleep(LOOK_S)
    said = complaint.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise BackendUnavailable(
        "The services could not be started" + (f": {said[0]}" if said else "."),
        f"See {home.logs / 'serve.log'}, or run `wzp serve` to see what it says.",
    )


def acting_host(home: Home) -> HostSign | None:
    """The host of a home that shows signs of life; None where there is none, or it is suspended."""
    sign = current_host(home)
    return sign if sign is not None and sign.silent_s <= SUSPENDED_S else None


def _environment(home: Home) -> dict[str, str]:
    """A host's: of no agent, and no part of the process in which a command may have started it."""
    outer = {name: value for name, value in without_agent(os.environ).items() if not name.startswith(MARKER)}
    return {**outer, HOME_VARIABLE: str(home.path), DETACHED: "1"}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
