"""Starting the process: in a session, a process group and on a pseudo-terminal of its own."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import termios

from .light import signals


class StartError(Exception):
    """The process could not be started: what is wrong, what to do, and whether it may be otherwise in a while."""

    def __init__(self, message: str, hint: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.passing = passing


def spawn(argv: list[str], cwd: str, env: dict[str, str], rows: int, columns: int, umask: int) -> tuple[int, int, int]:
    """Start a program; gives its pid, the terminal's master and its slave, which stays open here.

    As long as somebody holds the slave, a program that closes its terminal does not hang it up.

    Raises:
        StartError: it could not be started.
    """
    try:
        master, slave = os.openpty()
        set_size(master, rows, columns)
        reading, writing = os.pipe()
        pid = os.fork()
    except OSError as error:
        raise _explained("start", error.errno or 0, argv, cwd, env) from error
    if pid == 0:
        _become(argv, cwd, env, slave, umask, writing)
    os.close(writing)
    told = os.read(reading, 64)
    os.close(reading)
    if told:
        os.waitpid(pid, 0)
        os.close(master)
        os.close(slave)
        phase, number = told.decode().split()
        raise _explained(phase, int(number), argv, cwd, env)
    os.set_blocking(master, False)
    return pid, master, slave


def set_size(terminal: int, rows: int, columns: int) -> None:
    """Tell a terminal its size; its foreground group gets SIGWINCH by that."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def size_of(terminal: int) -> tuple[int, int]:
    """The rows and columns of a terminal.

    Raises:
        OSError: it is none, or is gone.
    """
    rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(terminal, termios.TIOCGWINSZ, b"\0" * 8))
    return rows, columns


def _become(argv: list[str], cwd: str, env: dict[str, str], slave: int, umask: int, writing: int) -> None:
    """In the child: become the program, or tell why not and end. Never comes back."""
    phase = "start"
    try:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for standard in (0, 1, 2):
            os.dup2(slave, standard)
        for number in range(1, signals.NSIG):
            if number not in (signals.SIGKILL, signals.SIGSTOP) and signals.getsignal(number) is not None:
                try:
                    signals.signal(number, signals.SIG_DFL)  # Python ignores some, and exec keeps that
                except (OSError, ValueError):  # the C library keeps it for itself
                    pass
        signals.pthread_sigmask(signals.SIG_SETMASK, ())
        os.umask(umask)
        phase = "cwd"
        os.chdir(cwd)
        phase = "exec"
        os.execvpe(argv[0], argv, env)  # noqa: S606  a shell runs only where one is asked for
    except OSError as error:
        os.write(writing, f"{phase} {error.errno or 0}".encode())
    except BaseException:
        os.write(writing, f"{phase} {errno.EINVAL}".encode())
    os._exit(127)


def _explained(phase: str, number: int, argv: list[str], cwd: str, env: dict[str, str]) -> StartError:
    """An error of the system in words that say what was wrong with which value."""
    command = argv[0]
    reason = os.strerror(number)
    if number == errno.EAGAIN:
        return StartError(
            f"'{command}' could not be started: the system allows no more processes.",
            "End some, or raise the limit (`ulimit -u`, or the container's).",
            passing=True,
        )
    if number == errno.ENOMEM:
        return StartError(
            f"'{command}' could not be started: there is not enough memory.", "End some processes.", passing=True
        )
    if number in (errno.EMFILE, errno.ENFILE, errno.ENOSPC) and phase == "start":
        return StartError(
            f"'{command}' could not be started: too many files or terminals are open.",
            "End some processes, or raise the limit (`ulimit -n`).",
            passing=True,
        )
    if phase == "cwd":
        what = {errno.ENOENT: "is not there", errno.ENOTDIR: "is not a directory"}.get(number, reason)
        return StartError(
            f"'{command}' could not be started: its directory '{cwd}' {what}."
            if number in (errno.ENOENT, errno.ENOTDIR)
            else f"'{command}' could not be started in '{cwd}': {what}.",
            "Make the directory, or change `cwd`.",
        )
    if phase == "exec":
        if number == errno.ENOENT and "/" in command and os.path.exists(os.path.join(cwd, command)):
            return StartError(
                f"'{command}' could not be started: the interpreter that its first line names is not there.",
                "Install it, or correct the line that begins with `#!`.",
            )
        if number in (errno.ENOENT, errno.ENOTDIR):
            place = "" if "/" in command else " in PATH" if env.get("PATH") else ", and PATH is not set"
            return StartError(f"Command '{command}' was not found{place}.", "Install it, or name it by its full path.")
        if number in (errno.EACCES, errno.EPERM):
            return StartError(
                f"Command '{command}' is not executable.", "Allow it (`chmod +x`), or start it by its interpreter."
            )
        if number == errno.ENOEXEC:
            return StartError(
                f"Command '{command}' is not a program that this system can run.",
                "Give a script a first line such as `#!/bin/sh`, or start it by its interpreter.",
            )
        if number == errno.E2BIG:
            return StartError(
                f"The arguments and environment of '{command}' are too long.", "Shorten them, or use a file."
            )
    return StartError(f"'{command}' could not be started: {reason}.", "Look at the machine's limits and try again.")
