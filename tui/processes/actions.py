"""The actions of the process screen."""

from typing import Final

from tui.actions import Action

_SELECTING: Final = "Selecting"
_RUNNING: Final = "Running"
_LOOKING: Final = "Looking"
_DECLARING: Final = "Declaring"

PROCESS_ACTIONS: Final = (
    Action("processes.open", "enter", "open", "Details", "Show all there is to the process.", _LOOKING, True),
    Action("processes.back", "escape", "back", "Back", "From the details to the list; clear the selection, then the "
           "filter; to the board.", _LOOKING, False, False),
    Action("processes.start", "s", "change('start')", "Start", "Start the process, and what it depends on.", _RUNNING,
           True),
    Action("processes.stop", "x", "change('stop')", "Stop", "Stop the process and what depends on it.", _RUNNING, True),
    Action("processes.restart", "r", "change('restart')", "Restart", "Stop the process and start it again.", _RUNNING,
           True),
    Action("processes.kill", "K", "ask('kill')", "Kill", "End the process by force, with all its children.", _RUNNING),
    Action("processes.peek", "p", "alone('peek')", "Peek", "See the screen of the process, live.", _LOOKING, True),
    Action("processes.attach", "a", "alone('attach')", "Attach", "Hand the terminal to the process, until the "
           "detach key; or go to its pane.", _LOOKING, True),
    Action("processes.log", "l", "log", "Log", "Read and search what the process has printed.", _LOOKING, True),
    Action("processes.log_all", "L", "log_all", "All logs", "Search what all processes have printed.", _LOOKING),
    Action("processes.send", "i", "ask('send')", "Send input", "Write a line to the process.", _RUNNING),
    Action("processes.task", "t", "task", "Task", "Open the task on which the process works.", _LOOKING),
    Action("processes.add", "n", "add", "New", "Add a process that room.yaml does not declare.", _DECLARING,
           True),
    Action("processes.edit", "e", "alone('edit')", "Edit", "Change a process that was added.", _DECLARING),
    Action("processes.remove", "D", "ask('remove')", "Remove", "Stop a process that was added, and show it no more.",
           _DECLARING),
    Action("processes.scale", "plus", "alone('scale')", "Scale", "Say in how many instances it runs.", _DECLARING),
    Action("processes.trust", "T", "trust", "Approve room.yaml", "See what room.yaml would run, and approve it.",
           _DECLARING),
    Action("processes.select", "space,v", "select", "Select", "Select the process, or no longer; what is done next is "
           "done to all that are selected.", _SELECTING),
    Action("processes.select_range", "V", "select_range", "Select to here", "Select all from the last selected one to "
           "this one.", _SELECTING),
    Action("processes.select_all", "asterisk", "select_all", "Select all", "Select all that are shown, or none.",
           _SELECTING),
    Action("processes.filter", "slash", "filter", "Filter", "Show only what has the words that you type.", _LOOKING,
           True),
    Action("processes.sort", "o", "sort", "Sort", "Sort by name, state, CPU, memory, restarts or uptime.", _LOOKING),
    Action("processes.reverse", "O", "reverse", "Reverse", "Turn the order round.", _LOOKING),
    Action("processes.group", "z", "group", "Group", "Group by label, or no longer.", _LOOKING),
    Action("processes.down", "j,down", "scroll(2)", "Down", "Scroll the details down.", "Reading", in_palette=False),
    Action("processes.up", "k,up", "scroll(-2)", "Up", "Scroll the details up.", "Reading", in_palette=False),
)  # fmt: skip
