"""Results as text for people: drawn by their type, from the same shapes that `--json` prints."""

from core.doors.cli.drawing.lists import event_line as event_line
from core.doors.cli.drawing.results import LISTS as LISTS
from core.doors.cli.drawing.results import SENTENCES as SENTENCES
from core.doors.cli.drawing.results import VIEWS as VIEWS
from core.doors.cli.drawing.results import draw as draw
from core.doors.cli.drawing.values import age_of as age_of
from core.doors.cli.drawing.values import local_time as local_time
