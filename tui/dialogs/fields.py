"""The fields of a form: a name, what is written, and below it what is wrong with that."""

from collections.abc import Mapping
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea


def field(name: str, label: str, widget: Widget) -> ComposeResult:
    """A field: its label, its widget, and room for a problem."""
    with Vertical(classes="field", id=f"field-{name}"):
        yield Static(label, classes="name", markup=False)
        yield widget
        yield Static("", classes="problem", markup=False)


def line(name: str, value: str, placeholder: str = "") -> Input:
    """Where one line is written."""
    return Input(value, placeholder=placeholder, select_on_focus=False, id=name)


def block(name: str, value: str = "", placeholder: str = "") -> TextArea:
    """Where several lines are written."""
    return TextArea(value, id=name, highlight_cursor_line=False, placeholder=placeholder)


def show_problems(form: Screen[Any], problems: Mapping[str, str]) -> None:
    """Say beside each field what is wrong with it."""
    for each in form.query(".field"):
        name = (each.id or "").removeprefix("field-")
        each.set_class(name in problems, "-invalid")
        each.query_one(".problem", Static).update(problems.get(name, ""))
