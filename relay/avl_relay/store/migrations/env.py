"""Alembic's entrance: it migrates over the connection, and within the transaction, that it is given."""

from __future__ import annotations

from alembic import context

from avl_relay.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
