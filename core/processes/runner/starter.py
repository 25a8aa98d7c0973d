"""What a runner and whoever starts it say to each other: the launch, and how it went."""

from __future__ import annotations

import os

from . import clients
from .light import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Starter:
    """Whoever has started us: gives the launch, and takes the first word."""

    def __init__(self, in_pane: bool) -> None:
        if in_pane:
            connection = clients.connect("launch")
            self._reading = self._writing = os.dup(connection.fileno())
            os.set_inheritable(self._reading, False)
            connection.close()
        else:
            self._reading, self._writing = 0, 1
        self._in_pane = in_pane

    def launch(self) -> dict[str, Any]:
        """What is to be run; ends with a line break, not with the stream."""
        pieces = []
        while piece := os.read(self._reading, 1 << 20):
            pieces.append(piece)
            if piece.endswith(b"\n"):
                break
        told = decode(b"".join(pieces).decode())
        assert isinstance(told, dict)
        return told

    def answer(self, message: dict[str, Any]) -> None:
        """Say how it went, and let go."""
        data = encode(message).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._writing, data) :]
        except OSError:  # gone; state.json tells the next one
            pass
        if self._in_pane:
            os.close(self._writing)
        else:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, 0)
            os.dup2(nowhere, 1)
            os.close(nowhere)
