"""avl-relay where whoever waits for a person's approval may ask every second, not every five (RFC 8628 3.2)."""

from __future__ import annotations

from avl_relay import cli
from avl_relay.people import deviceflow

if __name__ == "__main__":
    deviceflow.INTERVAL = 1
    cli.main()
