"""A terminal emulator that only looks on: pyte's, with what full-screen programs use of a terminal beyond it.

pyte has no other screen (`less` would leave its page behind), no repeated characters, no scrolling by command, no line
drawing beside UTF-8; it keeps lines that were scrolled away by blank ones, erases with more than the background, and
loses the rest of a text after an invisible character.
"""

import codecs
import re
from collections.abc import Callable
from copy import copy
from typing import Any, Final
from unicodedata import combining

import pyte
from pyte.screens import Char
from wcwidth import wcwidth

_OTHER_SCREENS: Final = frozenset({47, 1047, 1049})
"""The private modes that show the other screen."""
_MOST_REPEATED: Final = 4096

_UNKNOWN: Final = re.compile(
    r"\x1b\[[<=>][0-9;:]*[ -/]*[@-~]"  # keyboard protocols and the like, which pyte takes for colours
    r"|\x1b\[[0-9;:?]*[ -/]+[@-~]"  # cursor shapes
    r"|\x1b[P_^X][^\x1b\x07]*(?:\x1b\\|\x07)"  # strings to the terminal: pictures, requests
)
_COLONS: Final = re.compile(r"\x1b\[([0-9;]*:[0-9;:]*)m")
_UNFINISHED: Final = re.compile(r"\x1b(?:\[[0-9;:<=>?]*[ -/]*|[P_^X][^\x1b\x07]*\x1b?)?$")
UNFINISHED_LIMIT: Final = 65_536
"""Characters of a sequence that has not ended yet; of a longer one the beginning is not waited for."""


class Screen(pyte.Screen):
    """What stands on the screen; nobody is answered."""

    def __init__(self, columns: int, lines: int) -> None:
        self._last = ""
        self._behind: tuple[dict[int, Any], Any] | None = None
        super().__init__(columns, lines)

    def reset(self) -> None:
        super().reset()
        self._last = ""
        self._behind = None

    # what is drawn

    def draw(self, data: str) -> None:
        if not data.isascii():
            data = "".join(each for each in data if wcwidth(each) > 0 or combining(each))
        if data:
            self._last = data[-1]
            super().draw(data)

    def repeat(self, count: int = 1, **_more: Any) -> None:
        """`CSI n b`: the last character again."""
        if self._last:
            self.draw(self._last * min(max(count, 1), _MOST_REPEATED))

    def select_graphic_rendition(self, *attributes: int, **more: Any) -> None:
        if not more.get("private"):  # `CSI > 4 ; 2 m` sets how keys are sent, not colours
            super().select_graphic_rendition(*attributes)

    # what is taken away

    def erase_characters(self, *arguments: Any, **more: Any) -> None:
        self._with_background_alone(lambda: super(Screen, self).erase_characters(*arguments, **more))

    def erase_in_line(self, *arguments: Any, **more: Any) -> None:
        self._with_background_alone(lambda: super(Screen, self).erase_in_line(*arguments, **more))

    def erase_in_display(self, *arguments: Any, **more: Any) -> None:
        self._with_background_alone(lambda: super(Screen, self).erase_in_display(*arguments, **more))

    def _with_background_alone(self, erase: Callable[[], None]) -> None:
        attributes = self.cursor.attrs
        self.cursor.attrs = Char(" ", bg=attributes.bg)
        try:
            erase()
        finally:
            self.cursor.attrs = attributes

    def delete_lines(self, count: int | None = None) -> None:
        for row in range(self.lines):
            self.buffer[row]  # what is not there yet would not take the place of what is
        super().delete_lines(count)

    def scroll_up(self, count: int = 1, **_more: Any) -> None:
        """`CSI n S`: the lines between the margins go up."""
        self._at_top(self.delete_lines, count)

    def scroll_down(self, count: int = 1, **_more: Any) -> None:
        """`CSI n T`: they go down."""
        self._at_top(self.insert_lines, count)

    def _at_top(self, scroll: Callable[[int], None], count: int) -> None:
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = self.margins.top if self.margins is not None else 0
        scroll(min(max(count, 1), self.lines))
        self.cursor.x, self.cursor.y = x, y

    # where the cursor was, and the other screen

    def save_cursor(self, *_numbers: int, **more: Any) -> None:
        if not more:
            self.savepoints.clear()  # one place is kept, as terminals do, and may be returned to more than once
            super().save_cursor()

    def restore_cursor(self, *_numbers: int, **more: Any) -> None:
        if more:
            return
        kept = [each._replace(cursor=copy(each.cursor)) for each in self.savepoints]
        super().restore_cursor()
        self.savepoints = kept

    def set_mode(self, *numbers: int, **more: Any) -> None:
        super().set_mode(*numbers, **more)
        if more.get("private") and _OTHER_SCREENS.intersection(numbers) and self._behind is None:
            self._behind = dict(self.buffer), copy(self.cursor)
            self.buffer.clear()
            self.dirty.update(range(self.lines))

    def reset_mode(self, *numbers: int, **more: Any) -> None:
        super().reset_mode(*numbers, **more)
        if more.get("private") and _OTHER_SCREENS.intersection(numbers) and self._behind is not None:
            buffer, cursor = self._behind
            self._behind = None
            self.buffer.clear()
            self.buffer.update(buffer)
            cursor.hidden = self.cursor.hidden
            self.cursor = cursor
            self.dirty.update(range(self.lines))

    # what is asked

    def report_device_status(self, mode: int = 0, **_more: Any) -> None:
        """Nobody is asked: this terminal only looks on."""

    def report_device_attributes(self, mode: int = 0, **_more: Any) -> None:
        """Likewise."""

    def write_process_input(self, data: str) -> None:
        """Likewise."""


class Stream(pyte.Stream):
    """Output as it comes, in pieces, told to a screen."""

    csi = {  # noqa: RUF012  pyte's own
        **pyte.Stream.csi, "b": "repeat", "S": "scroll_up", "T": "scroll_down", "s": "save_cursor",
        "u": "restore_cursor",
    }  # fmt: skip
    events = pyte.Stream.events | set(csi.values())

    def __init__(self, screen: Screen) -> None:
        super().__init__(screen)
        self.use_utf8 = False  # it is decoded here; pyte leaves line drawing out where it does that
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unfinished = ""

    def take(self, data: bytes) -> None:
        """Take in output.

        Raises:
            Exception: whatever pyte fails on; of this piece the rest is lost.
        """
        text = self._unfinished + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text, max(0, len(text) - UNFINISHED_LIMIT))
        self._unfinished = text[unfinished.start() :] if unfinished is not None else ""
        if unfinished is not None:
            text = text[: unfinished.start()]
        self.feed(_COLONS.sub(_without_colons, _UNKNOWN.sub("", text)))


def _without_colons(sequence: re.Match[str]) -> str:
    """`38:2::1:2:3` as `38;2;1;2;3`, and of `4:3`, a curly underline, `4`."""
    parts: list[str] = []
    for part in sequence[1].split(";"):
        numbers = part.split(":")
        if numbers[0] in ("38", "48") and len(numbers) > 2:
            is_rgb = numbers[1] == "2"
            parts += [numbers[0], numbers[1], *(numbers[-3:] if is_rgb else numbers[2:3])]
        elif numbers[0] not in ("58",):  # the colour of an underline
            parts.append("24" if numbers == ["4", "0"] else numbers[0])
    return "\x1b[" + ";".join(parts) + "m" if parts else ""
