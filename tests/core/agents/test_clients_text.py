"""Editing configuration as text: what is not ours stays byte for byte, and taking out undoes putting in."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.agents.clients import json_text, toml_text
from core.errors import InvalidData

KEYS = st.text(max_size=6) | st.sampled_from(["hooks", 'a"b', "\\", "{", "#"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
TEXTS = st.builds(
    lambda value, indent, unicode, end: json.dumps(value, indent=indent, ensure_ascii=unicode) + end,
    st.dictionaries(KEYS, VALUES, max_size=4), st.sampled_from([None, 2, 4, "\t"]), st.booleans(),
    st.sampled_from(["", "\n"]),
)  # fmt: skip


@given(TEXTS, st.lists(st.text(min_size=1, max_size=5).map("~".__add__), min_size=1, max_size=3), VALUES)
def test_what_was_put_in_is_taken_out_again_byte_for_byte(text: str, path: list[str], value: Any):
    filled = json_text.put(text, path, value)
    here = json_text.parse(filled, "f")
    for key in path:
        here = here[key]
    assert here == value
    assert json_text.take_out(filled, path) == text


@given(TEXTS, VALUES)
def test_a_value_is_replaced_where_it_stands(text: str, value: Any):
    for key in json.loads(text):
        replaced = json_text.put(text, (key,), value)
        assert json.loads(replaced) == {**json.loads(text), key: value}
        assert list(json.loads(replaced)) == list(json.loads(text))


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
def test_any_member_can_be_taken_out(value: dict[str, Any]):
    for indent in (None, 2):
        for key in value:
            left = json_text.take_out(json.dumps(value, indent=indent), (key,))
            assert json.loads(left) == {other: each for other, each in value.items() if other != key}


def test_the_users_own_layout_stays():
    text = '{"a": [1,2],   "b" : { "c": "ü}," }\n\n}\n'
    assert json_text.put(text, ("b", "d"), 1) == '{"a": [1,2],   "b" : { "c": "ü},",\n    "d": 1 }\n\n}\n'


def test_the_files_own_indentation_is_taken_up():
    assert json_text.put('{\n\t"a": 1\n}\n', ("b", "c"), [1]) == (
        '{\n\t"a": 1,\n\t"b": {\n\t\t"c": [\n\t\t\t1\n\t\t]\n\t}\n}\n'
    )


def test_an_element_is_added_behind_the_others_and_taken_out_again():
    text = '{"a": [1, 2]}'
    added = json_text.put(text, ("a", 2), 3)
    assert json.loads(added) == {"a": [1, 2, 3]}
    assert json_text.take_out(added, ("a", 2)) == text
    assert json.loads(json_text.take_out(text, ("a", 0))) == {"a": [2]}


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_file_becomes_an_object(text: str):
    assert json_text.put(text, ("a",), 1) == '{\n  "a": 1\n}\n'


@pytest.mark.parametrize(
    "text", ['{"a": 1,}', "// mine\n{}", "{'a': 1}", '{"a": 1', '{"a": 1, "a": 2}', "{} {}", "[" * 100_000],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_what_is_no_strict_json_is_refused_with_its_place(text: str):
    with pytest.raises(InvalidData, match=r"f\.json is not JSON"):
        json_text.parse(text, "f.json")


OURS = ("mcp_servers", "wezterm-parallel")


def filled(text: str) -> str:
    for key, value in (("command", "/p"), ("args", ["x", "mcp"])):
        text = toml_text.put(text, (*OURS, key), value)
    return text


@pytest.mark.parametrize(
    "text",
    [
        "", 'model = "o3"  # best\n', "[features]\nhooks = true\n\n\n",
        '# mine\n[mcp_servers.other]\ncommand = "x" # odd\n\n[projects."/a"]\ntrust_level = "trusted"\n',
        'mcp_servers.a.command = "x"\n', "[[list]]\na = 1\n",
    ],
)  # fmt: skip
def test_a_table_is_added_and_taken_out_byte_for_byte(text: str):
    added = filled(text)
    assert toml_text.parse(added, "f")["mcp_servers"]["wezterm-parallel"] == {"command": "/p", "args": ["x", "mcp"]}
    assert added.startswith(text)
    assert toml_text.take_out(added, OURS) == text


def test_what_stands_behind_the_table_stays():
    added = filled("a = 1\n") + "\n# theirs\n[other]\nb = 2\n"
    assert toml_text.take_out(added, OURS) == "a = 1\n\n# theirs\n[other]\nb = 2\n"


def test_the_tables_below_ours_go_with_it():
    added = filled("") + '\n[mcp_servers."wezterm-parallel".tools.get_task]\napproval_mode = "approve"\n\n[other]\n'
    assert toml_text.take_out(added, OURS) == "\n[other]\n"


def test_a_value_in_the_table_is_replaced_and_the_comments_stay():
    text = filled("").replace('"/p"', '"/old"  # why')
    assert toml_text.put(text, (*OURS, "command"), "/p") == filled("").replace('"/p"', '"/p"  # why')


def test_servers_that_are_written_inline_are_refused():
    with pytest.raises(InvalidData, match="inline"):
        filled("mcp_servers = { a = { command = 'x' } }\n")
    with pytest.raises(InvalidData, match="no table of its own"):
        toml_text.take_out("mcp_servers = { wezterm-parallel = { command = 'x' } }\n", OURS)


def test_broken_toml_is_refused_with_its_place():
    with pytest.raises(InvalidData, match=r"f.toml is not TOML: .*line 2"):
        toml_text.parse("a = 1\nb =\n", "f.toml")
