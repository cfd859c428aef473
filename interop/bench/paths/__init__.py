"""Sessions that never die, in figures: which NATs let two ends meet directly, and how long a picture stands still when
something happens to the way. Whole programs in virtual time; `python -m interop.bench.paths`."""
