"""Agents at work: their sessions and signs of life, what they are doing, what their clients' hooks report."""

from typing import TYPE_CHECKING

from storage import face

if TYPE_CHECKING:
    from core.agents.report import AgentReport as AgentReport
    from core.agents.report import reports as reports
    from core.agents.report import reports_of as reports_of

__getattr__ = face(__name__, {"core.agents.report": "AgentReport reports reports_of"})
