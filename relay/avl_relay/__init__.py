"""The relay: it joins viewers to hosts, and forwards sealed bytes between them."""
