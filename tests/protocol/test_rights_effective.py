"""The lattice of permissions: every permission, role and layer, and the rule that less given is never more allowed."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.rights.effective import NEVER_IMPLIED, OWNER, Consent, effective, strictest
from avl_protocol.wire.registry import PRESETS, Permission

LAYERS = ("grant", "policies", "host", "consent", "request")
ROLES = ("VIEWER", "ASSISTANT", "OPERATOR", "ADMIN", "OWNER")
bits = st.integers(0, int(OWNER)).map(Permission)


def with_layer(layer: str, value: Permission, others: Permission = OWNER) -> Permission:
    layers = {name: others for name in LAYERS if name != "policies"}
    policies = [others, others]
    if layer == "policies":
        policies = [others, value]
    else:
        layers[layer] = value
    return effective(policies=policies, **layers)


@pytest.mark.parametrize(("permission", "role", "layer"), [*product(Permission, ROLES, LAYERS)])
def test_every_layer_takes_every_permission_from_every_role(permission: Permission, role: str, layer: str) -> None:
    without = with_layer(layer, OWNER & ~permission, PRESETS[role])
    assert not without & permission
    if permission is Permission.VIEW:
        assert without == Permission(0)
    else:
        assert without == PRESETS[role] & ~permission
    assert with_layer(layer, PRESETS[role]) == PRESETS[role]


@pytest.mark.parametrize(("permission", "given_at"), [*product(Permission, range(1 << len(LAYERS)))])
def test_a_permission_needs_every_layer(permission: Permission, given_at: int) -> None:
    layers = {name: Permission.VIEW | (permission if given_at >> at & 1 else 0) for at, name in enumerate(LAYERS)}
    policy = layers.pop("policies")
    found = effective(policies=[policy], **layers)
    assert bool(found & permission) == (given_at == (1 << len(LAYERS)) - 1 or permission is Permission.VIEW)


def test_roles_grow_and_never_bring_what_is_not_implied() -> None:
    for smaller, larger in pairwise(ROLES):
        assert not PRESETS[smaller] & ~PRESETS[larger]
    for role in ("VIEWER", "ASSISTANT", "OPERATOR", "CODE"):
        assert not PRESETS[role] & NEVER_IMPLIED
    assert not PRESETS["ADMIN"] & Permission.DELEGATE
    assert PRESETS["OWNER"] == Permission(sum(Permission))


@given(bits, st.lists(bits, max_size=3), bits, bits, bits, st.integers(0, 4), bits)
def test_less_given_is_never_more_allowed(
    grant: Permission,
    policies: list[Permission],
    host: Permission,
    consent: Permission,
    request: Permission,
    which: int,
    taken: Permission,
) -> None:
    before = effective(grant=grant, policies=policies, host=host, consent=consent, request=request)
    less = [grant, host, consent, request]
    if which < 4:
        less[which] &= ~taken
    else:
        policies = [*policies, OWNER & ~taken]
    after = effective(grant=less[0], policies=policies, host=less[1], consent=less[2], request=less[3])
    assert not after & ~before
    for layer in (grant, host, consent, request, *policies):
        assert not after & ~layer


def test_the_most_careful_consent_counts() -> None:
    assert strictest([]) is Consent.NEVER
    for one, other in product(Consent, Consent):
        both = strictest([one, other])
        assert one.allows(both)
        assert other.allows(both)
        assert both in (one, other)
