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
from core.services.sign import HostSign, acting_host, lock_path, sign_in
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
    before = sign_in(lock_path(home))
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
        # the sign alone: asking for the lock might keep the new host from it
        sign = sign_in(lock_path(home))
        if sign is not None and sign.token > (before.token if before is not None else 0):
            return sign
        if host.poll() is not None:
            break
        time.sleep(LOOK_S)
    if (present := acting_host(home)) is not None:
        return present
    said = complaint.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    why = f": {said[0].removeprefix('wzp: ')}" if said else "."
    more = f"{said[1].strip()} " if len(said) > 1 else ""
    raise BackendUnavailable(
        f"The services could not be started{why}", f"{more}What was asked for stands; run `wzp serve` to do it."
    )


def _environment(home: Home) -> dict[str, str]:
    """A host's: of no agent, and no part of the process in which a command may have started it."""
    outer = {name: value for name, value in without_agent(os.environ).items() if not name.startswith(MARKER)}
    return {**outer, HOME_VARIABLE: str(home.path), DETACHED: "1"}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
