"""The runner: the small program that stands between the supervisor and one process, so that it outlives the TUI.

It is started by file (`start.py`, with `python -I -S`) and runs on the standard library alone; its modules import each
other relatively, so that they are a package `runner` there and `core.processes.runner` for everybody else. What it
costs to start and to hold is a promise (60 ms, 12 MB; benchmarks/runner.py): no asyncio, re, typing, dataclasses,
pathlib, and of json, socket and signal only the halves that are written in C (light.py).

docs/runner.md has the wire and the files.
"""
