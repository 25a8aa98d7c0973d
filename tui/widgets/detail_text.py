"""The text of what is under a list's cursor: as it changes, only the lines that read otherwise are drawn again."""

from typing import Any, Self

from textual.content import Content
from textual.geometry import Region
from textual.widgets import Static


class DetailText(Static):
    """A text of many lines. The screen is laid out anew only where it takes another number of them."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)
        self._differing: tuple[Region, ...] = ()

    def show(self, text: Content) -> None:
        """Show another text."""
        before = self.content
        if before is text or (isinstance(before, Content) and before.is_same(text)):
            return
        width, height = self.content_size
        self._differing = differing_lines(before, text, width) if isinstance(before, Content) else ()
        self.update(text, layout=False)
        self._differing = ()
        if not width or self.get_content_height(self.container_size, self.screen.size, width) != height:
            self.refresh(layout=True)

    def refresh(self, *regions: Region, **how: Any) -> Self:
        return super().refresh(*(regions or self._differing), **how)


def differing_lines(before: Content, now: Content, width: int) -> tuple[Region, ...]:
    """The lines that differ, in a widget so wide; none where they do not stand in the same places, and all has to be
    drawn."""
    old, new = (text.split(allow_blank=True) for text in (before, now))
    if len(old) != len(new) or any(line.cell_length > width for line in (*old, *new)):
        return ()
    pairs = enumerate(zip(old, new, strict=True))
    return tuple(Region(0, y, width, 1) for y, (line, other) in pairs if not line.is_same(other))
