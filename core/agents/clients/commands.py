"""What clients are told to start: our MCP server and our hook, by absolute paths, and how we know them again.

`wzp` on the PATH would read better, but a client that was started from a desktop or a service has another PATH than
the shell, and a project's own environment may hold another `wzp`. The interpreter that runs us and our own files start
in any environment; `wzp agents doctor` notices when they have moved.
"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SERVER_NAME: Final = "wezterm-parallel"
"""Our name among a client's MCP servers."""

HOOK_SECONDS: Final = 3
"""After which a client may give our hook up. Codex allows no more at some events, and warns of it at each start."""

_ROOT: Final = Path(__file__).resolve().parents[3]
_ENTRY: Final = "wezterm_parallel.py"
_HOOK: Final = "core/agents/hook.py"
_GUARD: Final = "core/agents/guard.sh"


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """How a client starts our MCP server."""

    command: str
    arguments: tuple[str, ...]

    @property
    def is_ours(self) -> bool:
        """Whether it starts this product, wherever it was installed from."""
        programs = (Path(self.command).name, *(Path(each).name for each in self.arguments))
        return "mcp" in self.arguments and any(each in (_ENTRY, "wzp", SERVER_NAME) for each in programs)


def server() -> ServerEntry:
    """The command of our MCP server."""
    return ServerEntry(sys.executable, (str(_ROOT / _ENTRY), "mcp"))


def hook(client: str, *, guarded: bool) -> str:
    """The shell line of our hook for a client; `guarded`, it is started every few seconds at most.

    It begins with exec, so that no shell stands between the client and us: its process is our parent. The interpreter
    needs neither site packages nor the environment's opinion (-S, -I), which saves a third of its start.
    """
    words = [sys.executable, "-I", "-S", str(_ROOT / _HOOK), "--client", client]
    if guarded:
        words = ["/bin/sh", str(_ROOT / _GUARD), *words]
    return f"exec {shlex.join(words)}"


def hook_words(line: object) -> Sequence[str]:
    """The words of a shell line that starts our hook, wherever it was installed from; none if it is another's."""
    if not isinstance(line, str) or _HOOK not in line:
        return ()
    try:
        words = shlex.split(line)
    except ValueError:
        return ()
    is_ours = words[:1] == ["exec"] and "--client" in words and any(word.endswith(f"/{_HOOK}") for word in words)
    return words[1:] if is_ours else ()
