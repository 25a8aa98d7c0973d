# The daily commands. `just` comes from your package manager, or `pip install rust-just`.

# Set up the virtual environment and the commit hooks.
setup:
    python3 -m venv .venv
    .venv/bin/pip install --quiet --editable '.[dev]'
    .venv/bin/pre-commit install

# Open the app on a room with living data.
demo:
    .venv/bin/wzp demo

# Lint, types, import rules, tests, coverage: what CI runs.
check *tests:
    bash tests/run {{tests}}

# Measure everything that the product promises, against its figures.
bench *options:
    .venv/bin/python benchmarks/run_all.py {{options}}

# Collect the texts of the screens into the catalogues, and compile those.
translations *languages:
    .venv/bin/python docs/translations.py {{languages}}

# Draw the pictures of the docs anew.
shots:
    .venv/bin/python docs/shots.py
