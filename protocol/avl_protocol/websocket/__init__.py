"""Streams and datagrams in the messages of one WebSocket, for whoever has no UDP (spec 02-transport, 2.10)."""
