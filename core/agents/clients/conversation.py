"""A conversation with a program that speaks JSON-RPC in lines, such as an MCP server, within a deadline."""

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any


class NoAnswer(Exception):
    """The program does not answer, or something else than was asked; the text says what."""


class Conversation:
    """Starts a program, asks it, and ends it.

    Raises:
        NoAnswer: it cannot be started; from `ask` and `tell`, it does not answer in time, or with an error.
    """

    def __init__(self, words: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None) -> None:
        self._until = time.monotonic() + seconds
        self._seconds = seconds
        self._number = 0
        self._said = b""
        try:
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
            )
        except OSError as error:
            raise NoAnswer(f"it cannot be started: {error.strerror}") from error

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def tell(self, method: str, **params: Any) -> None:
        """A notification."""
        self._say({"method": method, "params": params})

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a request; what the program says besides is passed over."""
        self._number += 1
        self._say({"id": self._number, "method": method, "params": params})
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        while (left := self._until - time.monotonic()) > 0 and select.select([output], [], [], left)[0]:
            piece = os.read(output, 1 << 20)
            if not piece:
                raise NoAnswer("it ended without an answer")
            *lines, self._said = (self._said + piece).split(b"\n")
            for line in lines:
                if (answer := self._answer(line)) is not None:
                    return answer
        raise NoAnswer(f"no answer to {method} within {self._seconds:g} s")

    def _answer(self, line: bytes) -> dict[str, Any] | None:
        try:
            said = json.loads(line)
        except ValueError:
            raise NoAnswer(f"it says something else than JSON: {line[:60].decode(errors='replace')}") from None
        if not isinstance(said, dict) or said.get("id") != self._number:
            return None
        if not isinstance(said.get("result"), dict):
            raise NoAnswer(f"it refuses: {said.get('error')}")
        return dict(said["result"])

    def _say(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise NoAnswer("it ended at once") from None
