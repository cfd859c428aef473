"""Words: what a grant or a policy leaves, as a person reads it. The page says the same (web/account/words.js)."""

from __future__ import annotations

from avl_protocol.rights.effective import OWNER, Consent
from avl_protocol.rights.hours import DAY_MINUTES, Hours
from avl_protocol.rights.statements import AccessGrant, Policy
from avl_protocol.wire.registry import Permission
from avl_viewer.account.terms import DAYS, NAMES, ROLES

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))
_ASKED = {Consent.ALWAYS: "somebody is asked each time", Consent.FIRST: "somebody is asked the first time"}


def permitted(permissions: Permission) -> str:
    """The role that these are, or the one below them and what they have beyond it."""
    if permissions == OWNER:
        return "Everything"
    rest, below = permissions & ~Permission.DELEGATE, ""
    for role, preset in ROLES.items():
        if preset & ~rest == 0:
            below, beyond = role.capitalize(), rest & ~preset
    if not below:
        return ", ".join(_names(permissions)) or "Nothing"
    beyond |= permissions & Permission.DELEGATE & ~ROLES[below.lower()]
    return f"{below} with {', '.join(_names(beyond))}" if beyond else below


def limits(grant: AccessGrant) -> list[str]:
    """What limits a grant beside its end, and whether it can be handed on."""
    said = [hours(grant.hours)] if grant.hours is not None else []
    if grant.longest is not None:
        said.append(f"sessions of {span(grant.longest)}")
    if grant.uses is not None:
        said.append("1 session" if grant.uses == 1 else f"{grant.uses} sessions")
    if grant.consent in _ASKED:
        said.append(_ASKED[grant.consent])
    return said


def decided(policy: Policy) -> list[str]:
    """What a policy takes away of everything; nothing where it takes nothing."""
    said = []
    left = policy.permissions & OWNER
    if left != OWNER:
        role = next((role for role, preset in ROLES.items() if preset == left), "")
        said.append(f"at most {role.capitalize()}" if role else f"without {', '.join(_names(OWNER & ~left))}")
    if policy.longest is not None:
        said.append(f"sessions of {span(policy.longest)}")
    if policy.consent in _ASKED:
        said.append(_ASKED[policy.consent])
    if not policy.browser:
        said.append("no browsers")
    if policy.staleness is not None:
        said.append(f"only with news of the last {span(policy.staleness)}")
    return said


def span(seconds: int) -> str:
    """A span of time, exactly."""
    unit, name = next(((unit, name) for unit, name in _UNITS if seconds % unit == 0), (1, "s"))
    return f"{seconds // unit} {name}"


def hours(given: Hours) -> str:
    """Times of a week, days of the same times together."""
    days: dict[tuple[int, int], list[int]] = {}
    for day, first, end in sorted(given.rows):
        days.setdefault((first, end), []).append(day)
    return ", ".join(f"{_days(at)} {_times(*times)}" for times, at in days.items()) + f" ({given.zone})"


def _days(days: list[int]) -> str:
    if len(days) == 7:
        return "daily"
    names = [DAYS[day].capitalize() for day in days]
    run = days == list(range(days[0], days[0] + len(days))) and len(days) > 2
    return f"{names[0]}–{names[-1]}" if run else "+".join(names)


def _times(first: int, end: int) -> str:
    if (first, end) == (0, DAY_MINUTES):
        return "all day"
    return f"{first // 60:02}:{first % 60:02}–{end // 60:02}:{end % 60:02}"


def _names(permissions: Permission) -> list[str]:
    return [name for name, one in NAMES.items() if one in permissions]
