"""Bring a database file to the present schema: numbered, forward-only, after a backup. Called under the write lock.

Imported only when a file is missing or older than the program, since the migration runner is heavy.
"""

from pathlib import Path
from typing import Final

from playhouse import migrations

from storage.engine import APPLICATION_ID, connect, corrupted
from storage.errors import UnsafeFilesystem
from storage.home import Home

DIRECTORY: Final = Path(__file__).parent / "migrations"


def newest_migration() -> int:
    """The number of the newest migration in the folder."""
    return max(int(path.name[:4]) for path in DIRECTORY.glob("[0-9]*.py"))


def migrate(home: Home) -> None:
    """Create the database of `home`, or bring it up to date after a backup.

    Raises:
        CorruptedData: the file has lost its content; a new one would hide that.
    """
    path = home.database
    if path.exists() and path.stat().st_size == 0 and any(home.backups.glob("bkp_*.json")):
        raise corrupted(path, "it is empty, though there are backups of it")
    if path.exists() and path.stat().st_size > 0:
        from storage.backup import create_backup

        create_backup(home, reason="before migration")
    bring_up_to_date(path)


def bring_up_to_date(path: Path) -> None:
    """Run the migrations that a file has not had; all of them on a new one."""
    engine = connect(path, create=True)
    try:
        connection = engine.connection()
        path.chmod(0o600)
        if connection.pragma("application_id") != APPLICATION_ID:
            connection.pragma("application_id", APPLICATION_ID)
            mode = connection.pragma("journal_mode", "wal")
            if mode != "wal":  # the pragma answers, it does not raise
                raise UnsafeFilesystem(
                    f"{path} cannot be written ahead: SQLite stays in {mode} mode there.",
                    "Set WEZTERM_PARALLEL_HOME to a directory on a local disk.",
                )
        migrations.run(engine, str(DIRECTORY))
        connection.pragma("user_version", newest_migration())
    finally:
        engine.close()
