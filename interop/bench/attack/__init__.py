"""`./dev bench attack`: what strangers can do to a relay on which sessions run."""
