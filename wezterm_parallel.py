"""The command: `wezterm-parallel`, alias `wzp`.

Named uniquely, unlike our packages: `core`, `storage` and `tui` are common names, and the project in which we are
started may own packages of the same name, with PYTHONPATH leading to them.
"""

import os
import sys
from typing import Any


def main() -> None:
    """Enter, with our own packages before anybody else's."""
    ours = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120  pathlib would cost 3 ms
    sys.path[:] = [ours, *(path for path in sys.path if path != ours)]
    try:
        if sys.argv[1:2] == ["mcp"]:
            from core.doors.mcp.program import run as run_server

            run_server(sys.argv[2:])  # does not come back, unless the words are for people
        from core.doors.cli.program import run

        code = run(sys.argv[1:], _open_app)
    except KeyboardInterrupt:  # before the program could answer it itself, while it is still being imported
        code = 130
    sys.exit(code)


def _open_app(home: Any, room: str, actor: Any) -> int:
    from tui import run

    return run(home, room, actor=actor)


if __name__ == "__main__":
    main()
