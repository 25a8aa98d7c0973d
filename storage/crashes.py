"""Crashes below Python (a fault in a library): where every thread stood is written down before the process dies."""

import faulthandler
import os
from collections.abc import Callable
from pathlib import Path


def note_crashes(path: Path) -> Callable[[], None]:
    """Append the stacks of all threads to a file, readable by the user alone, if this process faults.

    Returns the way to stop; a file in which nothing was noted is not kept.

    Raises:
        StorageReadOnly: the file cannot be written.
        StorageFull: there is no space for it.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "w")
    except OSError as error:
        from storage.engine import file_error

        raise file_error(error, path) from error
    faulthandler.enable(file, all_threads=True)

    def stop() -> None:
        faulthandler.disable()
        file.close()
        if path.exists() and path.stat().st_size == 0:
            path.unlink(missing_ok=True)

    return stop
