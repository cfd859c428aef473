"""The suite that judges rate controllers: links, traffic, sources and cases in virtual time, and what came of a run.

Virtual time makes an hour of network a minute of one core, and gives the same packets for the same seed: two
controllers meet exactly the same conditions.
"""
