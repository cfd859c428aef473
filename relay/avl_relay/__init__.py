"""Forwards what it cannot read, and knows who may meet whom."""
