"""What is started for each process: `python -I -S start.py FOLDER [--pane]`, by absolute file, never by `-m`.

Without `--pane` the launch comes on stdin and the first status goes to stdout, and the runner lets go of who started
it. In a multiplexer's pane both go through the socket `launch` in the folder, and the runner stays the pane's program.
"""

import os
import sys


def main() -> None:
    """Leave the caller, then run; a module of ours, not this file, does the work, since its bytecode is kept."""
    in_pane = "--pane" in sys.argv[2:]
    if not in_pane:
        try:
            if os.fork():
                os._exit(0)  # so that the runner is nobody's child, and nobody's zombie
        except OSError as error:
            os.write(1, b'{"failed": "fork", "errno": %d}\n' % (error.errno or 0))
            os._exit(1)
    sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    __import__("runner.program", fromlist=["main"]).main(sys.argv[1], in_pane)


if __name__ == "__main__":
    main()
