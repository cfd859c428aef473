"""`./dev bench relay`: how many viewers one core of a relay serves, beside other programs that carry the same bytes."""
