"""The alerts: what a person should see to, how bad it is, since when and how often; put away, or followed up."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from textual import work
from textual.content import Content

from storage import Alert, AlertId, AlertSeverity, ProcessId, Task, TaskId, utc_now
from tui.actions import Action, bindings_of
from tui.alert_details import LOOKS, alert_details
from tui.alert_text import alert_message
from tui.attention import asks
from tui.board_state import BoardChange
from tui.dialogs import Choice, Pick
from tui.screens.boxed_list import WIDE_FROM, BoxedList, box_actions
from tui.screens.list_detail import Column
from tui.translation import _, mark, ngettext
from tui.widgets.line_list import Piece
from tui.wording import ALERT_SEVERITIES, age, clock, rule_name

ALERTS_ACTIONS = box_actions(
    "alerts", "Alerts", opens="Read the whole alert; once more goes where it points.",
    boxes="Those that ask for you, all, those that are over.",
    own=(
        Action("alerts.acknowledge", "a", "acknowledge", "Acknowledge", "Say that you have seen it; it asks no more.",
               "Alerts", True),
        Action("alerts.mute", "m", "mute", "Mute", "Let it be quiet for a while, or speak again.", "Alerts", True),
        Action("alerts.resolve", "x", "resolve", "Resolve", "Close it by hand.", "Alerts", True),
        Action("alerts.follow", "t", "follow", "Go there", "Go to what it is about: a process, a task, an agent.",
               "Alerts", True),
        Action("alerts.log", "l", "log", "Log", "Read the log of the process that it is about.", "Alerts", True),
        Action("alerts.acknowledge_all", "A", "acknowledge_all", "Acknowledge all", "Say that you have seen them all.",
               "Alerts"),
    ),
)  # fmt: skip


class Box(StrEnum):
    """Which alerts are shown."""

    OPEN = "open"
    ALL = "all"
    OVER = "over"


COUNT_EVERY_S: Final = 5
"""How often an alert was seen is read anew so often; no event tells of it."""
MOST_OVER: Final = 200
_MUTES: Final = ((15, mark("15 minutes")), (60, mark("1 hour")), (240, mark("4 hours")), (1440, mark("1 day")),
                 (10_080, mark("1 week")), (0, mark("not at all: let it speak again")))  # fmt: skip
_BADNESS: Final = tuple(AlertSeverity)


class AlertsScreen(BoxedList[Box]):
    """The alerts of the room: the worst first, then the newest."""

    ACTIONS = ALERTS_ACTIONS
    BINDINGS: ClassVar = bindings_of(ALERTS_ACTIONS)
    BOXES: ClassVar = {Box.OPEN: mark("To see to"), Box.ALL: mark("With quiet ones"), Box.OVER: mark("Over")}

    def __init__(self) -> None:
        super().__init__()
        self._read: dict[AlertId, Alert] = {}
        self._ticks = 0
        self._next_voice: datetime | None = None
        """When the next mute ends."""

    def concerns(self, change: BoardChange) -> bool:
        return bool(change.alerts or change.everything)

    def tick(self) -> None:
        """A second has passed: ages, mutes that end, and how often alerts were seen."""
        super().tick()
        if self.is_current:
            self._ticks += 1
            if self._ticks % COUNT_EVERY_S == 0:
                self._count()
            if self._next_voice is not None and self._next_voice <= utc_now():
                self.refill()

    def read(self) -> None:
        self._count()

    @work(group="count", exclusive=True, exit_on_error=False)
    async def _count(self) -> None:
        """Read how often each was seen, and those that are over."""
        room = self.state.room.id
        found = await self.parallel.attempt(
            self.desk.read(lambda rows: [*rows.alerts(room), *rows.past_alerts(room, MOST_OVER)])
        )
        read = {each.id: each for each in found or ()}
        if read != self._read and self.is_mounted:
            self._read = read
            self.refill()

    # what is shown

    @property
    def alert(self) -> Alert | None:
        """The alert under the cursor, as it is."""
        return self._known(self.selected) if self.selected is not None else None

    def current_task(self) -> Task | None:
        return self.state.tasks.get(TaskId(self.alert.subject)) if self.alert is not None else None

    def _known(self, alert: str) -> Alert | None:
        """What the feed says of it, with how often it was seen."""
        read, told = self._read.get(AlertId(alert)), self.state.alerts.get(AlertId(alert))
        if told is None or read is None:
            return told or read
        return read if read.version >= told.version else told

    def list_title(self) -> str:
        return _("Alerts")

    def refill(self) -> None:
        super().refill()
        now = utc_now()
        mutes = (each.muted_until for each in self.state.alerts.values())
        self._next_voice = min((until for until in mutes if until is not None and until > now), default=None)

    def ids_in(self, box: Box) -> list[str]:
        now = utc_now()
        if box is Box.OVER:
            over = [each for each in self._read.values() if each.id not in self.state.alerts and each.resolved_at]
            newest_first = sorted(over, key=lambda each: each.resolved_at or now, reverse=True)
            return [each.id for each in newest_first[:MOST_OVER]]
        known = [self._known(each) or alert for each, alert in self.state.alerts.items()]
        shown = known if box is Box.ALL else [each for each in known if asks(each, now)]
        newest_first = sorted(shown, key=lambda each: each.created_at, reverse=True)
        by_badness = sorted(newest_first, key=lambda each: (not asks(each, now), -_BADNESS.index(each.severity)))
        return [each.id for each in by_badness]

    def count_in(self, box: Box) -> int:
        if box is Box.OVER:
            return 0
        now = utc_now()
        return sum(box is Box.ALL or asks(self._known(each) or alert, now) for each, alert in self.state.alerts.items())

    def nothing(self) -> str:
        if self.box is Box.OPEN and self.state.alerts:
            lines = [_("Nothing asks for you."), _("tab  shows those that you have acknowledged or muted.")]
        elif self.box is Box.OVER:
            lines = [_("No alert is over yet.")]
        else:
            lines = [
                _("All is well."),
                _("Here stands what goes wrong: a process that fails, a full disk, an agent that waits, a queue that"
                  " does not move."),
                _("The rules and their thresholds are set under `alerts` in config.yaml."),
            ]  # fmt: skip
        return "\n\n".join(lines)

    def columns(self, width: int) -> Sequence[Column]:
        head, what = "   " + _("Severity"), _("What")
        if width < WIDE_FROM:
            return [(head, 14), (_("Seen"), 6), (_("Last"), 8), (what, 0)]
        return [(head, 14), (_("Rule"), 22), (_("First"), 10), (_("Last"), 10), (_("Seen"), 7), (what, 0)]

    def cells_of(self, subject: str) -> Sequence[Piece]:
        alert = self._known(subject)
        if alert is None:
            return [("", "plain")] * len(self.columns(self.list_width))
        now = utc_now()
        is_loud = asks(alert, now)
        quiet = "plain" if is_loud else "dim"
        sign, name = ALERT_SEVERITIES[alert.severity]
        look = LOOKS[alert.severity] if is_loud else "dim"
        severity, seen = (f" {sign} {_(name)}", look), (f"{alert.seen_count}×", "dim")
        last, what = (
            (age(alert.last_seen_at, now), "dim"),
            (f"{_state_sign(alert, now)}{alert_message(alert)}", quiet),
        )
        if self.list_width < WIDE_FROM:
            return [severity, seen, last, what]
        return [severity, (rule_name(alert.rule), quiet), (age(alert.created_at, now), "dim"), last, seen, what]

    def describe(self, subject: str) -> Content:
        alert = self._known(subject)
        is_roomy = self.is_in_detail or self.has_class("-beside")  # below the list each line is dear
        return alert_details(alert, self.state, utc_now(), is_roomy=is_roomy) if alert is not None else Content("")

    # doing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        alert = self.alert
        is_open = alert is not None and alert.resolved_at is None
        if action == "acknowledge":
            return is_open and alert is not None and alert.acknowledged_at is None
        if action in ("mute", "resolve"):
            return is_open
        if action == "follow":
            return alert is not None and alert.subject[:4] in ("prc_", "tsk_", "agt_", "hnd_")
        if action == "log":
            return alert is not None and ProcessId(alert.subject) in self.state.processes
        return alert is not None if action == "open" else super().check_action(action, parameters)

    def action_open(self) -> None:
        """Show the whole alert; where it is shown already, go to what it is about."""
        if (self.is_in_detail or self.has_class("-beside")) and self.check_action("follow", ()):
            self.action_follow()
        else:
            super().action_open()

    def action_acknowledge(self) -> None:
        """Say that the alert under the cursor has been seen."""
        if (alert := self.alert) is not None:
            self.begin(self._put_away("acknowledge_alerts", alert, _("Acknowledged: {what}")))

    def action_acknowledge_all(self) -> None:
        """Say that all have been seen."""
        self.begin(self._acknowledge_all())

    def action_resolve(self) -> None:
        """Close the alert under the cursor."""
        if (alert := self.alert) is not None:
            self.begin(self._put_away("resolve_alerts", alert, _("Resolved: {what}")))

    def action_mute(self) -> None:
        """Let the alert under the cursor be quiet."""
        if (alert := self.alert) is not None:
            self.begin(self._ask_mute(alert))

    def action_follow(self) -> None:
        """Go to what the alert is about."""
        if (alert := self.alert) is not None:
            self.begin(self._go_to(alert.subject))

    def action_log(self) -> None:
        """Read the log of the process."""
        if self.alert is not None and self.check_action("log", ()):
            from tui.screens.log import LogScreen

            self.app.push_screen(LogScreen(ProcessId(self.alert.subject)))

    async def _go_to(self, subject: str) -> None:
        app = self.parallel
        if subject.startswith("tsk_"):
            from tui.screens.task import TaskScreen

            await app.push_screen(TaskScreen(TaskId(subject)))
            return
        mode = {"prc_": "processes", "agt_": "agents", "hnd_": "handoffs"}.get(subject[:4])
        if mode is not None:
            await app.go(mode)
            await app.screen.show_waiting(subject)  # type: ignore[attr-defined]

    async def _put_away(self, operation: str, alert: Alert, text: str) -> None:
        await self.desk.call(operation, alerts=(alert.id,))
        self.parallel.tell(text.format(what=alert_message(alert)), hint=_("u undoes it."))

    async def _acknowledge_all(self) -> None:
        if not (count := self.count_in(Box.OPEN)):
            self.parallel.tell(_("Nothing asks for you."))
            return
        await self.desk.call("acknowledge_alerts", all=True)
        text = ngettext("Acknowledged {count:,} alert.", "Acknowledged {count:,} alerts.", count)
        self.parallel.tell(text.format(count=count), hint=_("u undoes it."))

    async def _ask_mute(self, alert: Alert) -> None:
        options = [Choice(str(minutes), _(name)) for minutes, name in _MUTES]
        picked = await self.app.push_screen_wait(Pick(_("Mute this alert for"), options, selected=["60"]))
        if picked:
            (muted,) = (await self.desk.call("mute_alerts", alerts=(alert.id,), minutes=int(picked[0]))).value
            text = _("It speaks again: {what}") if muted.muted_until is None else _("Muted until {time}: {what}")
            time = clock(muted.muted_until) if muted.muted_until is not None else ""
            self.parallel.tell(text.format(time=time, what=alert_message(alert)), hint=_("u undoes it."))


def _state_sign(alert: Alert, now: datetime) -> str:
    """What has become of an alert, before its text."""
    if alert.resolved_at is not None:
        return ""
    if alert.muted_until is not None and alert.muted_until > now:
        return _("(muted) ")
    return _("(seen) ") if alert.acknowledged_at is not None else ""
