"""The link to a runner: what is asked of it and what it tells, over the private socket in its folder."""

import asyncio
import contextlib
import itertools
import shutil
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from core.errors import BackendUnavailable, HostLost
from core.processes.status import (
    RunnerState,
    RunnerStatus,
    ask_for_socket,
    end_leftovers,
    is_runner_alive,
    processes_folder,
    read_status,
    runner_folders,
    status_from,
)
from core.processes.wire import Lines, bytes_of, refusal, short_path, text_of, unreachable
from storage import ProcessId, decode_json, encode_json

__all__ = [
    "Launch", "RunnerLink", "RunnerState", "RunnerStatus", "end_leftovers", "is_runner_alive", "processes_folder",
    "read_status", "runner_folders",
]  # fmt: skip

ANSWER_S: Final = 10.0
"""A runner that has not answered for so long is as good as gone; it never waits for anybody, so it is suspended."""

SOCKET_LOOK_S: Final = 0.02
SOCKET_LOOKS: Final = 100
"""How often a runner whose socket was swept away is tried again, once it was asked for another."""

CHUNKS: Final = 256
"""So much live output waits for a reader of `output`; more is dropped there, and stays in the log."""


@dataclass(frozen=True, slots=True)
class Launch:
    """All that a runner is told to begin with. It goes through a pipe or socket, never into a file or arguments.

    `folder` is the runner's, `output` that of the process's log, of which `files` files of `max_bytes` are kept.
    `token` is the host's fencing token. `rows` and `columns` are of the terminal. `room` and `title` name a pane's
    session and window.
    """

    process: ProcessId
    folder: Path
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    output: Path
    max_bytes: int
    files: int
    stop_signal: str
    grace_s: float
    token: int
    rows: int = 24
    columns: int = 80
    title: str = ""
    room: str = ""


class RunnerLink:
    """A connection to a living runner. For one event loop; several may be connected to one runner.

    `stop`, `kill`, `signal` and `release` carry the fencing token that it was connected with.
    """

    def __init__(self, folder: Path, token: int | None) -> None:
        self.folder = folder
        self.status: RunnerStatus
        """As the runner told it last."""
        self._token = token
        self._transport: asyncio.Transport | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[asyncio.Future[dict[str, Any]], Callable[[dict[str, Any]], None] | None]] = {}
        self._watchers: list[asyncio.Queue[RunnerStatus | None]] = []
        self._readers: list[asyncio.Queue[bytes | None]] = []
        self._followed = 0
        """How many want the output, those included whose answer has not come yet."""
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_closed = False
        self._gone = asyncio.Event()

    @classmethod
    async def connect(cls, folder: Path, token: int | None = None) -> "RunnerLink":
        """Connect to the runner of a folder; with a token, as the host that has it, which the runner then remembers.

        Raises:
            BackendUnavailable: it is gone, or does not answer.
            HostLost: it has heard of a later host.
        """
        link = cls(folder, token)
        try:
            async with asyncio.timeout(ANSWER_S):
                try:
                    await link._open()
                except (FileNotFoundError, ConnectionRefusedError):
                    if not ask_for_socket(folder):
                        raise
                    await link._open_again()
                await link._ready
                if token is not None:
                    await link._ask("hello", token=token)
        except (OSError, TimeoutError) as error:
            link.close()
            raise unreachable(folder) from error
        except BaseException:
            link.close()
            raise
        return link

    async def _open(self) -> None:
        with short_path(self.folder / "socket") as path:
            await asyncio.get_running_loop().create_unix_connection(
                lambda: Lines(self._connected, self._take, self._end), path
            )

    async def _open_again(self) -> None:
        """Connect as soon as the runner has made its socket anew."""
        for _ in range(SOCKET_LOOKS):
            await asyncio.sleep(SOCKET_LOOK_S)
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                await self._open()
                return
        raise FileNotFoundError(self.folder / "socket")

    @property
    def is_gone(self) -> bool:
        """Whether the runner has ended, or the link was closed."""
        return self._is_closed

    @property
    def has_unread_output(self) -> bool:
        """Whether a reader of `output` has something to read yet."""
        return any(not queue.empty() for queue in self._readers)

    async def wait_gone(self) -> None:
        """Until the runner has ended, or the link was closed."""
        await self._gone.wait()

    async def changes(self) -> AsyncGenerator[RunnerStatus, None]:
        """The status now, and each from now on, but for the time of the last output; ends when the runner is gone."""
        queue: asyncio.Queue[RunnerStatus | None] = asyncio.Queue()
        queue.put_nowait(self.status)
        if self._is_closed:
            queue.put_nowait(None)
        self._watchers.append(queue)
        try:
            while (status := await queue.get()) is not None:
                yield status
        finally:
            self._watchers.remove(queue)

    async def refresh(self) -> RunnerStatus:
        """Ask for the status as it is now; the time of the last output is not told otherwise."""
        await self._ask("status")
        return self.status

    async def stop(self, grace_s: float | None = None) -> None:
        """Begin to stop the process: its signal, after `grace_s` seconds kill, until nothing of its tree is left.

        Raises:
            HostLost: another host has replaced this one.
            BackendUnavailable: the runner is gone. So for the others.
        """
        grace: dict[str, Any] = {} if grace_s is None else {"grace_s": grace_s}
        await self._ask("stop", token=self._own_token(), **grace)

    async def kill(self) -> None:
        """Kill the process and its whole tree at once."""
        await self._ask("kill", token=self._own_token())

    async def signal(self, name: str) -> None:
        """Send a signal (`SIGHUP` or `HUP`) to the process's group."""
        await self._ask("signal", token=self._own_token(), signal=name)

    async def release(self) -> None:
        """Let the runner of an ended process end, and remove its folder.

        Raises:
            ProcessFailed: the process has not ended.
        """
        await self._ask("release", token=self._own_token())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                await self._gone.wait()
        self.close()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    async def write(self, data: bytes) -> None:
        """Give the process input, as if typed.

        Raises:
            ProcessFailed: it has ended, or has not read a megabyte of input.
        """
        for begin in range(0, len(data), 1 << 16):
            await self._ask("write", data=text_of(data[begin : begin + (1 << 16)]))

    async def resize(self, rows: int, columns: int) -> None:
        """Give its terminal another size."""
        await self._ask("resize", rows=rows, columns=columns)

    async def screen(self) -> tuple[bytes, int, int]:
        """The latest output, to be fed to a terminal of so many rows and columns, which then shows its screen."""
        answer = await self._ask("screen")
        return bytes_of(answer["screen"]), answer["rows"], answer["columns"]

    async def output(self, *, replay: bool = False) -> AsyncGenerator[bytes, None]:
        """What the process prints from now on, as it comes; ends with the runner. What comes too fast is left out.

        Args:
            replay: begin with what `screen` gives, with nothing lost or told twice between.
        """
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(CHUNKS)

        def begin(answer: dict[str, Any]) -> None:
            """With the answer, not when the asker wakes up: the next output may have come in the same piece."""
            if replay and (shown := bytes_of(answer["screen"])):
                queue.put_nowait(shown)
            self._readers.append(queue)

        self._followed += 1
        try:
            if replay or not self._readers:
                await self._ask("output", begin, screen=replay)
            else:
                self._readers.append(queue)
            while not (self._is_closed and queue.empty()):
                chunk = await queue.get()
                if chunk is None:
                    return
                yield chunk
        finally:
            self._followed -= 1
            if queue in self._readers:
                self._readers.remove(queue)
            if not self._followed and not self._is_closed:
                self._send({"do": "output", "on": False})

    def close(self) -> None:
        """Let go of the runner; it lives on."""
        if self._transport is not None:
            self._transport.close()
        self._end()

    # what comes

    def _connected(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def _take(self, line: bytes) -> None:
        message = decode_json(line)
        if "output" in message:
            chunk = bytes_of(message["output"])
            for queue in self._readers if chunk else ():
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait(chunk)
            return
        if "status" in message:
            self._learn(status_from(message["status"]))
        waiting, answered = self._waiting.pop(message.get("id") or 0, (None, None))
        if waiting is not None and not waiting.done():
            if answered is not None and "error" not in message:
                answered(message)
            waiting.set_result(message)

    def _learn(self, status: RunnerStatus) -> None:
        if not self._ready.done():
            self.status = status
            self._ready.set_result(None)
            return
        is_news = replace(status, last_output_at=None) != replace(self.status, last_output_at=None)
        self.status = status
        if is_news:
            for queue in self._watchers:
                queue.put_nowait(status)

    def _end(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._gone.set()
        for watcher in self._watchers:
            watcher.put_nowait(None)
        for reader in self._readers:
            if reader.full():
                reader.get_nowait()
            reader.put_nowait(None)
        gone = unreachable(self.folder)
        if not self._ready.done():
            self._ready.set_exception(gone)
            self._ready.exception()
        for waiting, _answered in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(gone)
                waiting.exception()  # somebody may have given up waiting
        self._waiting.clear()

    # what is asked

    def _own_token(self) -> int:
        if self._token is None:
            raise HostLost(
                f"This link to runner {self.folder.name} was made without a host's token.",
                "Ask the host of the services to do it.",
            )
        return self._token

    def _send(self, message: dict[str, Any]) -> None:
        if self._is_closed or self._transport is None:
            raise unreachable(self.folder)
        self._transport.write(encode_json(message) + b"\n")

    async def _ask(
        self, do: str, answered: Callable[[dict[str, Any]], None] | None = None, **arguments: Any
    ) -> dict[str, Any]:  # fmt: skip
        """The answer; `answered` is given it as soon as it has come, before anything that came after it."""
        number = next(self._numbers)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (future, answered)
        try:
            self._send({"id": number, "do": do, **arguments})
            async with asyncio.timeout(ANSWER_S):
                answer = await future
        except TimeoutError as error:
            raise BackendUnavailable(
                f"Runner {self.folder.name} has not answered for {ANSWER_S:g} seconds.",
                "It may be suspended (`kill -CONT` wakes it); the process itself goes on.",
            ) from error
        finally:
            self._waiting.pop(number, None)
        if "error" in answer:
            raise refusal(answer["error"], answer["message"])
        return answer
