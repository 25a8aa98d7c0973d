"""The command: `wezterm-parallel`, alias `wzp`."""


def main() -> None:
    """Enter."""
