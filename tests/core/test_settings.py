"""config.yaml: forgiving to read, careful to write."""

import stat
from pathlib import Path

import pytest

from core.errors import InvalidData
from core.settings import DEFAULTS, Animations, Density, read_settings, write_settings

WITH_COMMENTS = """\
# mine, all mine
density: compact  # more on the screen

keys:
  # I come from vim
  board.lift: "m"
  board.drop: enter
future_setting: 3
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def test_without_a_file_all_stands_at_its_default(config: Path) -> None:
    assert read_settings(config).settings == DEFAULTS
    assert read_settings(config).problems == ()


def test_settings_are_read(config: Path) -> None:
    config.write_text("density: comfortable\nanimations: full\nhighlight_seconds: 1\nfilters: {mine: '@me'}\n")
    settings = read_settings(config).settings
    assert (settings.density, settings.animations, settings.highlight_seconds) == (
        Density.COMFORTABLE, Animations.FULL, 1.0,
    )  # fmt: skip
    assert settings.filters == {"mine": "@me"}


def test_keys_may_be_a_list(config: Path) -> None:
    config.write_text("keys: {board.lift: [space, m], app.board: 1}\n")
    assert read_settings(config).settings.keys == {"board.lift": "space,m", "app.board": "1"}


def test_a_broken_file_is_reported_with_line_and_column_and_left_alone(config: Path) -> None:
    broken = "density: compact\nkeys: [unclosed\ntheme: x\n"
    config.write_text(broken)
    loaded = read_settings(config)
    assert loaded.settings == DEFAULTS
    assert len(loaded.problems) == 1
    assert "line 3, column" in loaded.problems[0]
    with pytest.raises(InvalidData):
        write_settings(config, {"density": Density.NORMAL})
    assert config.read_text() == broken


def test_one_wrong_value_leaves_the_others(config: Path) -> None:
    config.write_text("density: dense\ntheme: nord\n")
    loaded = read_settings(config)
    assert (loaded.settings.density, loaded.settings.theme) == (DEFAULTS.density, "nord")
    assert loaded.problems[0].startswith("config.yaml, line 1, column 1: density:")


@pytest.mark.parametrize("text", ["highlight_seconds: -1", "toast_seconds: 100", "filters: 3", "theme: [a]"])
def test_values_out_of_range_are_reported(config: Path, text: str) -> None:
    config.write_text(text)
    loaded = read_settings(config)
    assert loaded.settings == DEFAULTS
    assert len(loaded.problems) == 1


def test_an_unknown_name_is_reported_with_the_nearest(config: Path) -> None:
    config.write_text("\ndensty: compact\n")
    assert "line 2, column 1: There is no setting 'densty'. Did you mean density?" in read_settings(config).problems[0]


@pytest.mark.parametrize("content", [b"- a\n- b\n", b"just words\n", b"\xff\xfe"])
def test_a_file_of_something_else_is_reported(config: Path, content: bytes) -> None:
    config.write_bytes(content)
    assert read_settings(config).settings == DEFAULTS
    assert len(read_settings(config).problems) == 1


def test_writing_keeps_comments_order_and_unknown_names(config: Path) -> None:
    config.write_text(WITH_COMMENTS)
    keys = {"board.lift": "x", "board.drop": "enter"}
    write_settings(config, {"density": Density.NORMAL, "theme": "nord", "keys": keys})
    assert config.read_text() == WITH_COMMENTS.replace("compact", "normal ").replace('"m"', '"x"') + "theme: nord\n"


def test_a_new_file_says_what_it_is(config: Path) -> None:
    settings = write_settings(config, {"animations": Animations.BASIC})
    assert config.read_text().startswith("# Settings of wezterm-parallel.")
    assert settings.animations is Animations.BASIC
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


def test_a_file_of_comments_only_keeps_them(config: Path) -> None:
    config.write_text("# nothing here yet\n# but soon\n")
    write_settings(config, {"theme": "nord"})
    assert config.read_text() == "# nothing here yet\n# but soon\ntheme: nord\n"


def test_a_wrong_value_is_not_written(config: Path) -> None:
    config.write_text("theme: nord\n")
    with pytest.raises(InvalidData, match="out of range"):
        write_settings(config, {"highlight_seconds": 1000})
    assert config.read_text() == "theme: nord\n"
