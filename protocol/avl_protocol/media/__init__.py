"""Storey 2, frames: encoded pictures as objects, objects as datagrams, datagrams as frames again."""
