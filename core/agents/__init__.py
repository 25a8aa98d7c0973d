"""Agents at work: their sessions and signs of life, what they are doing, what their clients' hooks report."""

from typing import TYPE_CHECKING

from storage import face

if TYPE_CHECKING:
    from core.agents.report import AgentReport as AgentReport
    from core.agents.report import reports as reports

__getattr__ = face(__name__, {"core.agents.report": "AgentReport reports"})
