"""Attaching: the app steps aside and hands its terminal to a process, until the detach key or the process's end.

The event loop runs on meanwhile: this app may be the host whose services watch all processes.
"""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.processes.attach import DETACH_KEY, Attached, attach
from core.text import for_screen
from storage import Process
from tui.messages import Severity
from tui.translation import _

if TYPE_CHECKING:
    from tui.app import ParallelApp

SAYING_S: Final = 0.8
"""How long the way back is shown before the process has the terminal."""


async def attach_to(app: "ParallelApp", process: Process, folder: Path) -> None:
    """Hand the terminal over.

    Raises:
        ParallelError: the runner is gone, or the process has ended.
    """
    name = for_screen(process.name)
    if not app.can_lend_terminal:
        app.tell(_("This terminal cannot be handed over."), severity=Severity.WARNING, hint=_("p peeks at it."))
        return

    async def hand_over() -> Attached:
        said = _("{name} has the terminal now. {key} comes back.").format(name=name, key=DETACH_KEY)
        sys.__stdout__.write(f"\x1b[?1049h\x1b[2J\x1b[H\x1b[1m{said}\x1b[0m\r\n")  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]
        await asyncio.sleep(SAYING_S)
        return await attach(folder)

    attached = await app.lend_terminal(hand_over)
    if not attached.detached:
        app.tell(_("{name} has ended.").format(name=name), hint=_("l shows what it has printed."))
