"""Rights: what people sign about who may use which desktop, and what a host makes of it (spec 11)."""
