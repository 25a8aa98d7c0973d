"""The process itself, leader of its session and group: seen dead without being reaped, so that its number is ours."""

from __future__ import annotations

import os

from . import tree
from .desk import Refused
from .light import signal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Leader:
    """One process that we have started.

    Args:
        ended: is told its exit code or the name of its signal, once it is dead.
    """

    def __init__(self, pid: int, ended: Callable[[int | None, str | None], None]) -> None:
        self.pid = pid
        self._ended = ended
        self.is_dead = False
        self.is_reaped = False

    def look(self) -> None:
        """See whether it is dead, and reap every other child of ours."""
        if not self.is_dead:
            self._look_for_end()
        if self.is_reaped:
            reap_strays()
        elif self.is_dead:
            for pid in tree.own_children() or ():
                if pid != self.pid:
                    try:
                        os.waitpid(pid, os.WNOHANG)
                    except ChildProcessError:
                        pass

    def reap(self) -> None:
        """Give its number back."""
        if not self.is_reaped:
            os.waitpid(self.pid, 0)
            self.is_reaped = True

    def signal(self, number: int) -> None:
        """Signal its group, unless it is dead.

        Raises:
            Refused: the system does not allow it.
        """
        if self.is_dead:
            return
        try:
            os.killpg(self.pid, number)
        except OSError as error:  # it runs as another user
            raise Refused(
                "process_failed", f"The process could not be signalled: {os.strerror(error.errno or 0)}."
            ) from error

    def _look_for_end(self) -> None:
        """Note how it has ended, if it has."""
        if not hasattr(os, "waitid"):  # macOS before Python 3.13: it cannot be looked at without being reaped
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.is_dead = self.is_reaped = True
                code = os.waitstatus_to_exitcode(status)
                self._tell(code if code >= 0 else None, -code if code < 0 else None)
            return
        while not self.is_dead:
            try:
                told = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if told is None:
                return
            if told.si_pid != self.pid:
                os.waitpid(told.si_pid, os.WNOHANG)
                continue
            self.is_dead = True
            has_exited = told.si_code == os.CLD_EXITED
            self._tell(told.si_status if has_exited else None, None if has_exited else told.si_status)

    def _tell(self, code: int | None, number: int | None) -> None:
        self._ended(code, signal_name(number) if number is not None else None)


def reap_strays() -> bool:
    """Reap whoever has died, now that the leader is; whether we have children still."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True
