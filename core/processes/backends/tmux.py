"""The tmux backend: each process in a window of a tmux session, its runner being the pane's program.

Which tmux: the one whose socket WZP_TMUX_SOCKET names (a path, or a name as for `tmux -L`), else the one in which we
run (TMUX), else the user's default one. There the processes of a room have a session of their own, `wzp-<room>`,
which comes with the first and goes with the last of them; nobody's own sessions are touched. A pane that somebody
closes takes its process with it, by its stop signal and grace, as closing a terminal does.
"""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Final

from core.errors import BackendUnavailable
from core.processes.backends.launching import START_S, in_thread, prepared, runner_argv, runner_environment
from core.processes.backends.panes import PaneLaunch
from core.processes.link import Launch, RunnerLink, read_status
from core.processes.runner.tree import DETACHED
from storage import Backend, Home

SOCKET_VARIABLE: Final = "WZP_TMUX_SOCKET"
ASK_S: Final = 10.0
SEPARATOR: Final = "\t"


class TmuxBackend:
    """Processes in panes of tmux: to be looked at and typed into there, and the same as others to the supervisor."""

    name = Backend.TMUX

    def __init__(self, home: Home, socket: str | None = None) -> None:
        self._home = home
        self._socket = socket if socket is not None else default_socket()

    def is_available(self) -> str | None:
        """None if tmux can be used, else why not."""
        if shutil.which("tmux") is None:
            return "tmux is not installed, or not in PATH."
        try:
            told = self._tmux("-V", timeout_s=ASK_S)
        except subprocess.TimeoutExpired:
            return f"tmux has not answered for {ASK_S:g} s."
        except OSError as error:
            return f"tmux cannot be run: {error}."
        found = re.search(r"(\d+)\.(\d+)", told.stdout)
        if found and (int(found[1]), int(found[2])) < (3, 0):
            return f"This is {told.stdout.strip()}; tmux 3.0 or newer is needed."
        return None

    async def start(self, launch: Launch) -> RunnerLink:
        """Start a process in a new window; see `ProcessBackend.start`."""
        await in_thread(self._start, launch)
        return await RunnerLink.connect(launch.folder, launch.token)

    async def focus(self, folder: Path) -> bool:
        """Select the process's window and pane, and bring whoever looks at this tmux there."""
        return await in_thread(self._focus, folder)

    def session_of(self, launch: Launch) -> str:
        """The session in which a process of a room has its window."""
        room = launch.room or launch.process
        return "wzp-" + re.sub(r"[^\w-]", "-", room)[:40]

    def _start(self, launch: Launch) -> None:
        if why := self.is_available():
            raise BackendUnavailable(why, "Install tmux, or use the backend `local` for this process.")
        with prepared(launch), PaneLaunch(launch) as handing:
            pane = self._open_pane(launch)
            try:
                handing.hand_over(lambda: self._has_pane(pane))
            except BaseException:
                self._tmux("kill-pane", "-t", pane)
                raise

    def _open_pane(self, launch: Launch) -> str:
        """A new window with the runner; gives its pane's id.

        Raises:
            BackendUnavailable: tmux refuses.
        """
        session = self.session_of(launch)
        title = re.sub(r"[^\w.@-]", " ", launch.title or launch.argv[0].rsplit("/", 1)[-1])[:40]
        runner = runner_argv(launch.folder, "--pane")
        log = shlex.quote(str(launch.folder / "runner.log"))
        variables = " ".join(shlex.quote(f"{name}={value}") for name, value in runner_environment().items())
        program = ("/bin/sh", "-c", f"exec env {variables} {shlex.join(runner)} 2>{log}")
        window = ("-d", "-P", "-F", "#{pane_id}", "-n", title, "-c", "/")
        for _ in range(5):  # the session may come or go between the question and the answer
            if self._tmux("has-session", "-t", f"={session}").returncode == 0:
                made = self._tmux("new-window", *window, "-t", f"={session}:", *program)
            else:
                size = ("-x", str(launch.columns), "-y", str(launch.rows))
                made = self._tmux("new-session", *window, "-s", session, *size, *program)
            pane = made.stdout.strip()
            if made.returncode == 0 and pane:  # it says nothing and succeeds where it has no place for its socket
                self._tmux("set-option", "-w", "-t", pane, "remain-on-exit", "off", ";",
                           "set-option", "-w", "-t", pane, "automatic-rename", "off")  # fmt: skip
                return pane
        raise BackendUnavailable(
            f"tmux opened no window for process {launch.process}: {made.stderr.strip() or 'it did not say why'}.",
            "Look at that tmux, or use the backend `local` for this process.",
        )

    def _has_pane(self, pane: str) -> bool:
        return self._tmux("display-message", "-p", "-t", pane, "#{pane_id}").stdout.strip() == pane

    def _focus(self, folder: Path) -> bool:
        status = read_status(folder)
        if status is None or status.pane is None:
            return False
        pane = status.pane
        if self._tmux("select-window", "-t", pane, ";", "select-pane", "-t", pane).returncode:
            return False
        session = self._tmux("display-message", "-p", "-t", pane, "#{session_id}").stdout.strip()
        clients = self._clients()
        for client in clients:
            self._tmux("switch-client", "-c", client, "-t", session)
        return bool(clients)

    def _clients(self) -> list[str]:
        """Who is to be brought along: the terminal that we run in, else the one that was used last."""
        own = os.environ.get("TMUX_PANE")
        told = self._tmux(
            "list-clients", "-F", SEPARATOR.join(("#{client_activity}", "#{client_name}", "#{pane_id}"))
        ).stdout.splitlines()
        clients = sorted((line.split(SEPARATOR) for line in told if line.count(SEPARATOR) == 2), reverse=True)
        ours = [name for _, name, pane in clients if pane == own]
        return ours or [name for _, name, _ in clients[:1]]

    def _tmux(self, *arguments: str, timeout_s: float = START_S) -> subprocess.CompletedProcess[str]:
        which: tuple[str, ...] = ()
        if self._socket is not None:
            which = ("-S", self._socket) if "/" in self._socket else ("-L", self._socket)
        return subprocess.run(
            ["tmux", *which, *arguments],
            capture_output=True, text=True, errors="replace", check=False, timeout=timeout_s,
            env=_environment(),
        )  # fmt: skip


def _environment() -> dict[str, str]:
    """What tmux gets, and hands on to every pane if this starts its server: nothing that speaks of who we are."""
    ours = ("WZP_", "TMUX", "WEZTERM_PARALLEL_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {DETACHED: "1"}


def default_socket() -> str | None:
    """The socket of the tmux in which processes get their windows; None for the user's default one."""
    return os.environ.get(SOCKET_VARIABLE) or os.environ.get("TMUX", "").split(",")[0] or None
