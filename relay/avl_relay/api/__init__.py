"""The control API, version 1: people, devices and permissions as JSON over HTTP/3 and TCP (spec 12-control-api)."""
