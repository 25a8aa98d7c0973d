"""One protocol for where a process has its terminal: on one of our own, or in a multiplexer's pane."""

from pathlib import Path
from typing import Protocol

from core.errors import BackendUnavailable
from core.processes.link import Launch, RunnerLink
from storage import Backend, Home


class ProcessBackend(Protocol):
    """Starts a process's runner somewhere. All else (status, stop, log, input) is the runner's, alike everywhere.

    For a pane (tmux now, WezTerm with the layouts) a backend needs four things of its multiplexer: to open a pane that
    runs `panes.runner_argv(folder)` without shell or keeping the pane afterwards (`tmux new-window -d`, `wezterm cli
    spawn`), to hand the launch over through the folder's socket (`panes.PaneLaunch`, since arguments and a
    multiplexer's own environment can be read by others and stay), to know that pane again (the runner notes the pane
    that its environment names: TMUX_PANE, WEZTERM_PANE), and to bring it to the front. The runner relays the pane's
    terminal to the process's own, so it is the same program with the same log, identity and stop.
    """

    @property
    def name(self) -> Backend:
        """Which one it is."""

    def is_available(self) -> str | None:
        """None if it can be used, else one sentence that says why not. May take milliseconds: call it in a thread."""

    async def start(self, launch: Launch) -> RunnerLink:
        """Start a process; comes back when the program runs. Leaves no folder where it fails.

        Raises:
            ProcessFailed: the program could not be started, or another runner of the process has not ended. `details`
                has `passing` where trying again later may help.
            BackendUnavailable: the runner could not be started.
            HostLost: a later host has the process.
        """

    async def focus(self, folder: Path) -> bool:
        """Bring the process's pane to the front of whoever looks at the multiplexer; whether there is one."""


def backend_for(backend: Backend, home: Home) -> ProcessBackend:
    """The backend of a name.

    Raises:
        BackendUnavailable: there is none in this version.
    """
    if backend is Backend.LOCAL:
        from core.processes.backends.local import LocalBackend

        return LocalBackend(home)
    if backend is Backend.TMUX:
        from core.processes.backends.tmux import TmuxBackend

        return TmuxBackend(home)
    raise BackendUnavailable(
        f"Processes in {backend} panes come with a later version.", f"Use {Backend.LOCAL} or {Backend.TMUX}."
    )
