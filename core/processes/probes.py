"""Probes: is a process well? Asked by a command, over HTTP, by a TCP connection, or of a line that it prints.

Every question ends within its time, whatever the one who is asked does; a command that hangs is killed with its tree.
"""

import asyncio
import contextlib
import os
import signal
import ssl
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from storage import Probe

IMPATIENT_S: Final = 0.25
"""Until a process has first become ready it is asked at least so often, so that nothing waits longer than it must."""

MARK: Final = "WZP_PROBE"
"""The variable by which what a probe's command has started is found, wherever it has gone."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a probe needs to know of the process it asks about."""

    cwd: Path
    environment: Mapping[str, str]
    until_printed: Callable[[str], Awaitable[None]]
    """Comes back when a line in which an expression is found has been printed since its start; else never."""


async def keep_asking(
    probe: Probe, asked: Asked, answered: Callable[[str | None], None], *, is_readiness: bool
) -> None:  # fmt: skip
    """Ask a probe's question for ever; `answered` is told each time what was wrong, or None."""
    if probe.log_line is not None:
        await _await_line(probe.log_line, asked, answered)
        return
    is_awaited = is_readiness
    await asyncio.sleep(probe.delay_seconds)
    while True:
        complaint = await ask(probe, asked)
        answered(complaint)
        is_awaited = is_awaited and complaint is not None
        await asyncio.sleep(min(probe.interval_seconds, IMPATIENT_S) if is_awaited else probe.interval_seconds)


async def ask(probe: Probe, asked: Asked) -> str | None:
    """Ask once; what is wrong, or None."""
    try:
        async with asyncio.timeout(probe.timeout_seconds):
            if probe.exec:
                return await _run(probe.exec, asked)
            if probe.http is not None:
                return await _get(probe.http)
            if probe.tcp is not None:
                host, _, port = probe.tcp.rpartition(":")
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
                writer.close()
            return None
    except TimeoutError:
        return f"no answer within {probe.timeout_seconds:g} s"
    except (OSError, ValueError, asyncio.IncompleteReadError) as error:
        return _told(error)


async def _run(command: tuple[str, ...], asked: Asked) -> str | None:
    mark = uuid.uuid4().hex
    running = await asyncio.create_subprocess_exec(
        *command, cwd=asked.cwd, env={**asked.environment, MARK: mark}, start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        code = await running.wait()
    finally:
        if running.returncode is None:
            _kill_group(running.pid)
            await asyncio.shield(asyncio.to_thread(_end_marked, mark))
            with contextlib.suppress(TimeoutError):  # what even killing does not end is not waited for
                async with asyncio.timeout(1):
                    await running.wait()
    return (
        None if code == 0 else f"{command[0]} ended with exit code {code}" if code > 0 else f"killed by signal {-code}"
    )


async def _get(url: str) -> str | None:
    parts = urlsplit(url)
    is_secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if is_secure else 80)
    reader, writer = await asyncio.open_connection(host, port, ssl=_unchecked() if is_secure else None)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: wezterm-parallel\r\nConnection: close\r\n\r\n"
        )
        writer.write(request.encode("latin-1", "replace"))
        await writer.drain()
        line = (await reader.readline()).decode("latin-1").split(None, 2)
    finally:
        writer.close()
    if len(line) < 2 or not line[0].startswith("HTTP/") or not line[1].isdigit():
        return "no HTTP answer"
    return None if 200 <= int(line[1]) < 400 else f"HTTP status {line[1]}"


def _unchecked() -> ssl.SSLContext:
    """For the certificates that developers give their own machine: asked is whether it serves, not who it is."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _await_line(pattern: str, asked: Asked, answered: Callable[[str | None], None]) -> None:
    printed = asyncio.ensure_future(asked.until_printed(pattern))
    try:
        if not (await asyncio.wait({printed}, timeout=IMPATIENT_S))[0]:
            answered(f"no line of its output matches {pattern!r} yet")
        await printed
        answered(None)
    finally:
        printed.cancel()


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _end_marked(mark: str) -> None:
    """Kill what bears a mark in its environment until there is none: children that have left the group too."""
    sought = f"{MARK}={mark}".encode()
    for _ in range(20):
        found = [pid for pid in _pids() if sought in _environment(pid)]
        if not found:
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _pids() -> list[int]:
    with contextlib.suppress(FileNotFoundError):
        names = [path.name for path in Path("/proc").iterdir()]
        return [int(name) for name in names if name.isdigit() and int(name) != os.getpid()]
    import psutil

    return [pid for pid in psutil.pids() if pid != os.getpid()]


def _environment(pid: int) -> bytes:
    """The environment of a process as it began; empty where it is another's, a zombie's, or gone."""
    if Path("/proc/self").is_dir():
        try:
            return Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return b""
    import psutil

    try:
        return "\0".join(f"{name}={value}" for name, value in psutil.Process(pid).environ().items()).encode()
    except (psutil.Error, OSError):
        return b""


def _told(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "connection refused"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
