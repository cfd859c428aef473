"""The browser client over TCP and HTTP/3."""
