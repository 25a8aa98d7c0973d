"""The home directory of the product: where each file lies. `WEZTERM_PARALLEL_HOME` moves it; mode 0700."""

import os
from dataclasses import dataclass
from pathlib import Path

from storage.errors import StorageError

HOME_VARIABLE = "WEZTERM_PARALLEL_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """The paths under one home. Nothing is created before `create`."""

    path: Path

    @classmethod
    def default(cls) -> "Home":
        """The home that the environment names, else `~/.wezterm-parallel`.

        Raises:
            StorageError: nothing says where that is.
        """
        named = os.environ.get(HOME_VARIABLE)
        try:
            return cls(Path(named).expanduser().absolute() if named else Path.home() / ".wezterm-parallel")
        except RuntimeError as error:  # neither $HOME nor the account says
            raise StorageError(
                "Your home directory cannot be found.", f"Set {HOME_VARIABLE} to a directory."
            ) from error
        except FileNotFoundError as error:
            raise StorageError(
                f"{HOME_VARIABLE} is {named!r}, relative to a current directory that is not there any more.",
                "Make it an absolute path, or go to another directory.",
            ) from error

    @property
    def database(self) -> Path:
        """The one SQLite file that holds all rooms."""
        return self.path / "state.db"

    @property
    def metrics(self) -> Path:
        """The SQLite file of what was measured."""
        return self.path / "metrics.db"

    @property
    def config(self) -> Path:
        """Settings, key bindings, saved filters."""
        return self.path / "config.yaml"

    @property
    def backups(self) -> Path:
        """Snapshots of the database, each with its manifest."""
        return self.path / "backups"

    @property
    def backup_lock(self) -> Path:
        """Held while a backup is made or restored."""
        return self.backups / ".lock"

    @property
    def trash(self) -> Path:
        """What was replaced or set aside, a folder each time."""
        return self.path / "trash"

    @property
    def logs(self) -> Path:
        """The program's own logs."""
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """What lives only as long as a process: leases and sockets."""
        return self.path / "run"

    def room(self, name: str) -> Path:
        """The folder of one room's projections."""
        return self.path / "rooms" / name

    def create(self) -> None:
        """Create the home and make it the user's alone."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.backups, self.logs, self.run, self.logs / "processes", self.logs / "runs"):
            folder.mkdir(mode=0o700, exist_ok=True)
