"""docs/keys.md, written from the actions. `python -m tui.keys_page > docs/keys.md`; a test holds the two equal."""

import sys
from itertools import groupby

from tui.actions import APP_ACTIONS, Action
from tui.keymap import keys_of
from tui.places import all_places

_INTRO = """\
# Keys

Every key below can be changed in `config.yaml` (see [configuration](configuration.md)) or on the settings screen
(`F3`), by the name of its action:

```yaml
keys:
  board.lift: "space,m"
  app.undo: ctrl+z
```

`?` shows the keys of the place you are in, `ctrl+p` finds any command by name. No key needs the kitty keyboard
protocol, and none is one that WezTerm keeps for itself. In dialogs, `esc` leaves, `enter` confirms, and `ctrl+s` saves
where `enter` writes a new line. The names of the keys are Textual's: `question_mark`, `ctrl+k`, `f5`, `shift+left`.
"""


def keys_page() -> str:
    """The page."""
    places = (_section(place.__name__.removesuffix("Screen"), place.ACTIONS) for place in all_places())
    return "\n".join([_INTRO, _section("Everywhere", APP_ACTIONS), *places])


def _section(title: str, actions: tuple[Action, ...]) -> str:
    lines = [f"## {title}", ""]
    for group, members in groupby(
        sorted(actions, key=lambda each: _first(actions, each.group)), lambda each: each.group
    ):
        if group != title:
            lines += [f"### {group}", ""]
        lines += ["| keys | does | name |", "| --- | --- | --- |"]
        for action in members:
            keys = " ".join(f"`{key}`" for key in keys_of(action, {}))
            lines.append(f"| {keys} | {action.help} | `{action.id}` |")
        lines.append("")
    return "\n".join(lines)


def _first(actions: tuple[Action, ...], group: str) -> int:
    return next(index for index, each in enumerate(actions) if each.group == group)


if __name__ == "__main__":
    sys.stdout.write(keys_page())
