"""Our own themes, dark and light: calm, with good contrast on the colours that WezTerm comes with."""

from typing import Final

from textual.theme import Theme

DARK: Final = Theme(
    name="wezterm-parallel-dark",
    dark=True,
    primary="#7aa2d6",
    secondary="#8fb8a8",
    accent="#d9a05b",
    foreground="#d6dae0",
    background="#111418",
    surface="#1a1e24",
    panel="#232932",
    boost="#2a313b",
    success="#84b97c",
    warning="#d9b05b",
    error="#e0707a",
    variables={"border": "#3a4452", "border-blurred": "#2a313b", "footer-key-foreground": "#d9a05b"},
)

LIGHT: Final = Theme(
    name="wezterm-parallel-light",
    dark=False,
    primary="#2b5f9e",
    secondary="#2f6f5c",
    accent="#9a5b0f",
    foreground="#22272e",
    background="#f6f5f1",
    surface="#ffffff",
    panel="#e9e7e0",
    boost="#dedbd2",
    success="#2f7a36",
    warning="#8a6200",
    error="#b3303c",
    variables={"border": "#b9b5a9", "border-blurred": "#d6d3c9", "footer-key-foreground": "#9a5b0f"},
)

OUR_THEMES: Final = (DARK, LIGHT)
DEFAULT_THEME: Final = DARK.name
