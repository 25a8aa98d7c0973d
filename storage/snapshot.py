"""Snapshots: a whole database as one finished file, copied, checked and compared through SQLite alone."""

from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import apsw

from storage.engine import looking, looking_at_finished, writing

_FOREVER: Final = -1
"""All pages in one step: smaller steps start anew with every commit of another process and may never end."""


def take_snapshot(database: Path, snapshot: Path) -> None:
    """Write one consistent state of a live database to `snapshot`, an empty file; writers go on meanwhile."""
    with looking(database) as connection:
        connection.execute("VACUUM INTO ?", (str(snapshot),)).fetchall()


def copy_into(finished: Path, database: Path) -> None:
    """Make `database` hold what `finished` holds, in one transaction, whoever has it open."""
    with looking_at_finished(finished) as source, writing(database) as engine:
        target: apsw.Connection = engine.connection()
        with target.backup("main", source, "main") as backup:
            backup.step(_FOREVER)


def flaws(connection: apsw.Connection) -> list[str]:
    """What SQLite finds wrong with the file; nothing if it is sound."""
    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)").fetchall()]
    return [] if found == ["ok"] else found


def digest(connection: apsw.Connection) -> str:
    """A hash of the schema and every row of every table: equal for equal content, however the pages lie."""
    total = sha256()
    for row in connection.execute("SELECT quote(type), quote(name), quote(sql) FROM sqlite_schema ORDER BY type, name"):
        total.update("|".join(map(str, row)).encode())
    for table in tables(connection):
        total.update(f"\n{table}\n".encode())
        total.update(digest_table(connection, table).encode())
    return total.hexdigest()


def digest_table(connection: apsw.Connection, table: str, until: int | None = None) -> str:
    """A hash of a table's rows in the order of its key; only those up to rowid `until`, if given."""
    columns = [(str(each[1]), each[5]) for each in connection.execute(f"PRAGMA table_info({_quoted(table)})")]
    key = [name for place, name in sorted((place, name) for name, place in columns if place)]
    without_rowid = scalar(connection, "SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'", table)
    order = ", ".join(_quoted(name) for name in key) if without_rowid else "rowid"
    row = " || ',' || ".join(f"quote({_quoted(name)})" for name, _ in columns)
    where = "" if until is None else f"WHERE rowid <= {int(until)}"
    total = sha256()
    for (text,) in connection.execute(f"SELECT {row} FROM {_quoted(table)} {where} ORDER BY {order}"):
        total.update(str(text).encode())
        total.update(b"\n")
    return total.hexdigest()


def tables(connection: apsw.Connection) -> list[str]:
    """The names of all tables that hold data, SQLite's sequence counter among them."""
    sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%' ORDER BY name"
    return [str(row[0]) for row in connection.execute(sql).fetchall()]


def scalar(connection: apsw.Connection, sql: str, *values: Any) -> Any:
    """The first value of a query's first row; None where there is no row."""
    rows = connection.execute(sql, values).fetchall()
    return rows[0][0] if rows else None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
