"""Clients of agents: what the configuration of Claude Code, Codex and Cursor looks like with us in it, and checks."""

from typing import TYPE_CHECKING

from storage import face

if TYPE_CHECKING:
    from core.agents.clients.checks import Check as Check
    from core.agents.clients.checks import Verdict as Verdict
    from core.agents.clients.checks import examine as examine
    from core.agents.clients.files import Change as Change
    from core.agents.clients.files import write as write
    from core.agents.clients.layout import Client as Client
    from core.agents.clients.layout import Place as Place
    from core.agents.clients.layout import Scope as Scope
    from core.agents.clients.layout import changes as changes
    from core.agents.clients.layout import is_installed as is_installed

__getattr__ = face(
    __name__,
    {
        "core.agents.clients.checks": "Check Verdict examine",
        "core.agents.clients.files": "Change write",
        "core.agents.clients.layout": "Client Place Scope changes is_installed",
    },
)
