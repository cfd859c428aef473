"""Migrations: how the tables of one version become those of the next. Alembic runs them, all or none."""

#: The newest of them (versions/).
HEAD = "0003"
