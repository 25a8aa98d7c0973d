"""Where this process stands: its current directory, which may be gone."""

from pathlib import Path

from core.errors import NotFound


def present_directory() -> Path:
    """The current directory.

    Raises:
        NotFound: it has been deleted.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise NotFound(
            "The current directory is not there any more.", "Go to another one, or name the room with --room."
        ) from None
