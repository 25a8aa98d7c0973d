"""The version that the program says is the one that it is packaged with."""

import re
import tomllib
from pathlib import Path

from core.version import VERSION

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_package_takes_its_version_from_the_program():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    source = project["tool"]["hatch"]["version"]
    assert "version" in project["project"]["dynamic"]
    found = re.search(source["pattern"], (REPOSITORY / source["path"]).read_text())
    assert found is not None
    assert found["version"] == VERSION
