"""What is left of a demo, or of anything else that ran in a folder of its own."""

from contextlib import suppress
from pathlib import Path

import psutil


def left_in(folder: Path) -> list[str]:
    """The processes of this machine that name a folder among their arguments or variables, or work in it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            told = [process.cwd(), *process.cmdline(), *process.environ().values()]
            if process.status() != psutil.STATUS_ZOMBIE and any(str(folder) in each for each in told):
                found.append(f"{process.pid} {' '.join(process.cmdline())}")
    return found
