"""The official conformance suite against our dispatcher, once for each revision whose requirements are frozen.

It speaks HTTP only: see tests/support/mcp_http.py. What we are not meant to pass stands in tests/system/conformance.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.examiners import CONFORMANCE, LISTED, examine
from tests.support.processes import REPOSITORY

pytestmark = pytest.mark.system


@pytest.fixture
def url() -> Iterator[str]:
    """Where the fixtures are served."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.mcp_http"], cwd=REPOSITORY, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        try:
            yield json.loads(server.stdout.readline())["url"]
        finally:
            server.kill()


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_the_dispatcher_meets_the_requirements_of_a_revision(url: str, revision: str, tmp_path: Path) -> None:
    done = examine(
        CONFORMANCE,
        [
            "server", "--url", url, "--requirements", revision,
            "--expected-failures", str(LISTED / f"expected-{revision}.yml"), "--output-dir", str(tmp_path),
        ],
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[done.stdout.find("=== SUMMARY") :] + done.stderr
    assert "tools-call-simple-text: 2 passed, 0 failed" in done.stdout
