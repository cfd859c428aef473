"""Migrating: a database becomes that of this program, whole or not at all; a newer one is refused.

Everything happens in one transaction, which both databases know for tables too: who is interrupted has changed nothing,
and of several processes that begin at once one migrates and the others wait.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from avl_relay.store.errors import StoreError
from avl_relay.store.migrations import HEAD

FOLDER = Path(__file__).parent / "migrations"
#: Any number that others of this database's programs do not use.
LOCK = 0x61766C


def version(connection: Connection) -> str | None:
    """Which migration a database has come to; None: it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def current(connection: Connection, where: str) -> str:
    """The version of a database that is this program's. Raises StoreError for any other."""
    before = version(connection)
    if before != HEAD:
        raise StoreError(
            f"the database {where} is of version {before or 'none'}, this program's is {HEAD}: "
            "run 'avl-relay db migrate'"
        )
    return before


def migrate(connection: Connection, where: str) -> str | None:
    """Bring a database to HEAD, within the transaction that the connection is in; the version it had. Raises
    StoreError."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    before = version(connection)
    if before == HEAD:
        return before
    if before is None and (strangers := inspect(connection).get_table_names()):
        raise StoreError(
            f"the database {where} is somebody else's: it has tables ({', '.join(sorted(strangers)[:3])}) and none of "
            "avl-relay. Name an empty one"
        )
    from alembic import command  # only who migrates pays for it
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if before is not None and before not in known:
        raise StoreError(
            f"the database {where} was written by a newer avl-relay (its version is {before}, this program's "
            f"{HEAD}). Run that one, or restore a backup with 'avl-relay db restore'"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before
