"""The text of a detail: of what changes only the lines that differ are drawn, and all of it is right."""

import pytest
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from tui.widgets.detail_text import DetailText


class Details(App[None]):
    CSS = "VerticalScroll { height: auto; max-height: 8; } #text { height: auto; }"

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield DetailText(id="text")

    @property
    def text(self) -> DetailText:
        return self.query_one(DetailText)

    def shown(self) -> list[str]:
        """What stands on the screen, without what is empty at the end."""
        return "\n".join(strip.text.rstrip() for strip in self.screen._compositor.render_strips()).rstrip().split("\n")


def text_of(*lines: str) -> Content:
    return Content("\n").join([Content(line) for line in lines])


@pytest.mark.parametrize(
    "texts",
    [
        [("web", "for 1 s", "", "ready"), ("web", "for 2 s", "", "ready")],
        [("web", "for 1 s"), ("web", "for 1 s", "more"), ("web",)],
        [("a " * 30, "b"), ("a " * 30, "c"), ("a", "c")],
        [("日本" * 9, "b"), ("日本" * 9, "c")],
        [("web", ""), ("web", "x"), ("", "x")],
    ],
)
async def test_each_text_is_shown_whole(texts: list[tuple[str, ...]]) -> None:
    app, fresh = Details(), Details()
    async with app.run_test(size=(20, 10)) as pilot:
        for lines in texts:
            app.text.show(text_of(*lines))
            await pilot.pause()
        shown = app.shown()
    async with fresh.run_test(size=(20, 10)) as pilot:
        fresh.text.update(text_of(*texts[-1]))
        await pilot.pause()
        assert shown == fresh.shown()


async def test_only_lines_that_differ_are_drawn_and_the_screen_stays_laid_out() -> None:
    app = Details()
    async with app.run_test(size=(20, 10)) as pilot:
        app.text.show(text_of("web", "for 1 s", "ready"))
        await pilot.pause()
        drawn: list[int] = []
        laid_out: list[object] = []
        render, lay_out = app.text.render_line, app.screen._refresh_layout
        app.text.render_line = lambda y: (drawn.append(y), render(y))[1]  # type: ignore[method-assign,func-returns-value]
        app.screen._refresh_layout = lambda *a, **k: (laid_out.append(a), lay_out(*a, **k))[1]  # type: ignore[method-assign,func-returns-value]
        app.text.show(text_of("web", "for 2 s", "ready"))
        await pilot.pause()
        assert (drawn, laid_out) == ([1], [])
        app.text.show(text_of("web", "for 2 s", "ready"))
        await pilot.pause()
        assert drawn == [1]
        app.text.show(text_of("web", "for 2 s", "ready", "more"))
        await pilot.pause()
        assert laid_out
        assert app.shown()[-1] == "more"


async def test_another_look_of_the_same_words_is_drawn() -> None:
    app = Details()
    async with app.run_test(size=(20, 10)) as pilot:
        app.text.show(Content("failed"))
        await pilot.pause()
        app.text.show(Content.styled("failed", "bold"))
        await pilot.pause()
        strip = app.screen._compositor.render_strips()[0]
        assert [segment.style.bold for segment in strip if segment.text == "failed" and segment.style] == [True]
