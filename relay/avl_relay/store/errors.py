"""What can go wrong with a store, each in a sentence for the person who runs it."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be used as it is; the text says why and what helps."""


class Unavailable(StoreError):
    """The store cannot be used now: it is locked, full, read-only or gone. Trying again later may do."""


class Conflict(StoreError):
    """What was to be written contradicts what is there: a name that is taken, or what is referred to is gone."""
