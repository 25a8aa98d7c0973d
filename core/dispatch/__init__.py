"""The queue: which run begins next and where, the worker program, and the service that brings them together."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from storage import face

if TYPE_CHECKING:
    from core.dispatch.dispatcher import DispatcherService as DispatcherService
    from core.dispatch.places import output_path as output_path
    from core.dispatch.ready import why_not_ready as why_not_ready

WORKER_ARGV: Final = (sys.executable, "-I", "-S", str(Path(__file__).resolve().with_name("worker.py")))
"""How the worker program is started, by its absolute file: nothing of the project's own may come between."""

__getattr__ = face(
    __name__,
    {
        "core.dispatch.dispatcher": "DispatcherService",
        "core.dispatch.places": "output_path",
        "core.dispatch.ready": "why_not_ready",
    },
)
