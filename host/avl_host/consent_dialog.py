"""placeholder until written"""
class DialogUnavailable(Exception): pass
async def ask(display, text, seconds=30.0, injected_may_allow=False): return False
