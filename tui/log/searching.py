"""What a person looks for in the log: searched and filtered, and given up where that takes too long."""

import asyncio
from dataclasses import replace

from textual import work

from core.logs.expressions import Expression
from core.logs.seeking import PATIENCE_S, SeekingStopped, TooSlow
from core.logs.window import Entry, Window
from core.text import for_screen
from tui.dialogs import AskLine
from tui.log.looking import Looking
from tui.log.reading import Picture, Wanted
from tui.messages import Severity
from tui.screens.place import Place as PlaceScreen
from tui.translation import _


class Searching(PlaceScreen):
    """Knows what is sought and by what is filtered, and where it was found; subclasses show it."""

    def __init__(self) -> None:
        super().__init__()
        self._window = Window(())
        self._sought: Expression | None = None
        self._filter: Expression | None = None
        self._typed: Expression | None = None
        self._looking = Looking()
        self._found: Entry | None = None
        self._is_marked = False
        self._is_searching = False
        self._finding = asyncio.Lock()

    async def on_unmount(self) -> None:
        await self._looking.close()

    # what subclasses say

    def _wake(self) -> None:
        """Something else is to be shown."""
        raise NotImplementedError

    def _as_wanted(self) -> Wanted:
        """What is to be shown now."""
        raise NotImplementedError

    def _show_found(self, picture: Picture) -> None:
        """Show the picture around what was found."""
        raise NotImplementedError

    def _describe(self) -> None:
        """Say above the log what is shown, and what is looked for."""
        raise NotImplementedError

    def _whose(self) -> str:
        """Whose log it is."""
        raise NotImplementedError

    # looking

    @work(group="prepare", exit_on_error=False)
    async def _prepare(self) -> None:
        """Have ready what looks for expressions, while the person writes one."""
        await self._looking.prepare()

    def action_search(self) -> None:
        """Ask what to find."""
        self.begin(self._ask_search())

    def action_filter(self) -> None:
        """Ask which lines to show."""
        self.begin(self._ask_filter())

    async def _ask_search(self) -> None:
        self._prepare()
        present = self._sought.text if self._sought is not None else ""
        text = await self.app.push_screen_wait(AskLine(_("Find in the log (a regular expression)"), initial=present))
        if text is None:
            return
        self._typed = self._sought = Expression(text) if text else None
        self._found, self._is_marked = None, False
        self._looking.stop()
        self._wake()
        if text:
            self.action_find(-1 if self._as_wanted().place is None else 1)

    async def _ask_filter(self) -> None:
        self._prepare()
        present = self._filter.text if self._filter is not None else ""
        text = await self.app.push_screen_wait(
            AskLine(_("Show only lines with (a regular expression)"), initial=present)
        )
        if text is not None:
            self._typed = self._filter = Expression(text) if text else None
            self._found = None
            self._looking.stop()
            self._wake()

    @work(group="find", exit_on_error=False)
    async def action_find(self, way: int) -> None:
        """Go to the next or the previous place where it is found; of several presses each goes one further."""
        expression = self._sought
        if expression is None:
            self.action_search()
            return
        async with self._finding:
            if expression is self._sought:
                await self._find_next(expression, forward=way > 0)

    async def _find_next(self, expression: Expression, *, forward: bool) -> None:
        window, wanted = self._window, self._as_wanted()
        self._is_searching = True
        self._describe()
        try:
            marking = replace(wanted, style=replace(wanted.style, expression=expression))
            picture, found = await self._looking.find(window, expression, self._found, marking, forward=forward)
        except SeekingStopped:
            return
        except (TooSlow, OSError) as error:
            self._is_searching = False
            self._give_up(error, wanted)
            return
        finally:
            self._is_searching = False
            self._describe()
        if window is not self._window or expression is not self._sought:
            return
        self._is_marked = True
        if found is None:
            self.parallel.tell(_("{text} is not found further on.").format(text=for_screen(expression.text)))
            return
        self._found = found
        if picture is not None:
            self._show_found(picture)

    # leaving off

    def _leave_off(self) -> bool:
        """Look for nothing any more; whether something was looked for."""
        if self._sought is None and self._filter is None:
            return False
        self._sought = self._filter = self._found = None
        self._looking.stop()
        self._wake()
        return True

    def _give_up(self, error: TooSlow | OSError, wanted: Wanted) -> None:
        """Look for it no more, and say so: of several, for the one that was typed last."""
        looked_for = [each for each in (self._sought, self._filter) if each is not None]
        is_as_was = self._filter == wanted.filter and wanted.style.expression in (None, self._sought)
        if not is_as_was or not looked_for:
            return  # they are others by now
        culprit = self._typed if self._typed in looked_for else looked_for[0]
        text = for_screen(culprit.text) if culprit is not None else ""
        if self._sought == culprit:
            self._sought = self._found = None
        if self._filter == culprit:
            self._filter = None
        self._looking.stop()
        self._wake()
        self._describe()
        if isinstance(error, OSError):
            self.parallel.tell(
                _("{text} could not be looked for: {error}").format(text=text, error=for_screen(str(error))),
                severity=Severity.ERROR,
                hint=_("Try it again; wzp logs app may tell more."),
            )
            return
        name = for_screen(error.source) or self._whose()
        self.parallel.tell(
            _("{text} takes too long: more than {seconds} s over a piece of the log of {name}. It is given up.").format(
                text=text, seconds=PATIENCE_S, name=name
            ),
            severity=Severity.ERROR,
            hint=_("Write a simpler expression, in which no repeat stands within another, or plain text."),
        )
