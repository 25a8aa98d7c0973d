"""The dialogs: small screens over a place that ask one thing and give one answer, None where the person leaves."""

from typing import TYPE_CHECKING

from storage import face

if TYPE_CHECKING:
    from tui.dialogs.agent_form import AgentForm as AgentForm
    from tui.dialogs.ask import AskLine as AskLine
    from tui.dialogs.ask import AskText as AskText
    from tui.dialogs.base import Dialog as Dialog
    from tui.dialogs.confirm import Confirm as Confirm
    from tui.dialogs.conflict import ConflictDialog as ConflictDialog
    from tui.dialogs.handoff_form import HandoffForm as HandoffForm
    from tui.dialogs.pick import Choice as Choice
    from tui.dialogs.pick import Pick as Pick
    from tui.dialogs.process_form import ProcessForm as ProcessForm
    from tui.dialogs.quit import QuitDialog as QuitDialog
    from tui.dialogs.task_form import TaskForm as TaskForm
    from tui.dialogs.token import ShowToken as ShowToken
    from tui.dialogs.trust import TrustDialog as TrustDialog

__getattr__ = face(
    __name__,
    {
        "tui.dialogs.agent_form": "AgentForm",
        "tui.dialogs.ask": "AskLine AskText",
        "tui.dialogs.base": "Dialog",
        "tui.dialogs.confirm": "Confirm",
        "tui.dialogs.conflict": "ConflictDialog",
        "tui.dialogs.handoff_form": "HandoffForm",
        "tui.dialogs.pick": "Choice Pick",
        "tui.dialogs.process_form": "ProcessForm",
        "tui.dialogs.quit": "QuitDialog",
        "tui.dialogs.task_form": "TaskForm",
        "tui.dialogs.token": "ShowToken",
        "tui.dialogs.trust": "TrustDialog",
    },
)
