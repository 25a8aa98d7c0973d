"""An agent in tests: a real `wzp mcp` process, spoken to in plain JSON-RPC, as a client of the handshake revisions."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).resolve().parents[2] / "wezterm_parallel.py"


class AgentProcess:
    """The server of one agent. `call` gives a tool's structured answer; `refused` the code of its error."""

    def __init__(
        self, cwd: Path, *, client: str = "claude-code", program: Sequence[str] | None = None, **environment: str
    ) -> None:
        self.process = subprocess.Popen(
            program or [sys.executable, str(PROGRAM), "mcp"], cwd=cwd, env={**os.environ, **environment},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._number = 0
        self._rest = b""
        self.request(
            "initialize",
            protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": client, "version": "1.2.3"},
        )  # fmt: skip

    def request(self, method: str, **params: Any) -> Any:
        """A request's result."""
        answer = self.answer_to(self.send(method, params))
        assert "result" in answer, answer
        return answer["result"]

    def send(self, method: str, params: Mapping[str, Any]) -> int:
        """Send a request, and do not wait for the answer; its id."""
        self._number += 1
        line = json.dumps({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        return self._number

    def answer_to(self, number: int, timeout_s: float = 30.0) -> Any:
        """The answer to a request; fails the test where none comes."""
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        while True:
            line, found, rest = self._rest.partition(b"\n")
            if found:
                self._rest = rest
                message = json.loads(line)
                if message.get("id") == number:
                    return message
                continue
            assert select.select([descriptor], [], [], timeout_s)[0], f"no answer to request {number}"
            piece = os.read(descriptor, 1 << 16)
            assert piece, f"the server ended without an answer to request {number}"
            self._rest += piece

    def call(self, tool: str, **arguments: Any) -> Any:
        """A tool's answer; fails the test where it was refused."""
        answer = self.request("tools/call", name=tool, arguments=arguments)["structuredContent"]
        assert answer["success"], answer
        return answer

    def refused(self, tool: str, **arguments: Any) -> Any:
        """The error of a tool's call."""
        result = self.request("tools/call", name=tool, arguments=arguments)
        assert result["isError"], result
        return result["structuredContent"]["error"]

    def leave(self) -> int:
        """Close the connection as a client does, and wait for the server's end; its exit code."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        return self.process.wait(20)

    def kill(self) -> None:
        """End the server as a crash does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)

    def __enter__(self) -> "AgentProcess":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()
