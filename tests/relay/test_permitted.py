"""Rules and plans, without a store: what each rule leaves, and what has to be signed for a change."""

from __future__ import annotations

from avl_protocol.rights.effective import OWNER
from avl_protocol.wire.registry import PRESETS, Permission
from avl_relay.permitted.plan import Change, Refused, Wish, changes, plan
from avl_relay.permitted.rules import NOTHING, Cell, Given, Kind, Limit, Place, Rules

VIEWER, OPERATOR = PRESETS["VIEWER"], PRESETS["OPERATOR"]
DESK, LAB, SHED = "device:desk", "group:lab", "shed"
PLACES = {
    "desk": Place(number="desk", owner="ada", key="k-ada", groups=frozenset({"lab"})),
    "bench": Place(number="bench", owner="ada", key="k-ada", groups=frozenset({"lab"})),
    "shed": Place(number="shed", owner="ben", key="k-ben", groups=frozenset({"lab"})),
}


def given(
    id: str, person: str, audience: str, permissions: Permission, key: str = "k-ada", limited: bool = False
) -> Given:
    return Given(
        id=id,
        person=person,
        key=key,
        audience=audience,
        permissions=permissions,
        role="",
        expires=9,
        limited=limited,
    )


def limit(audience: str, permissions: Permission, key: str = "k-ada") -> Limit:
    return Limit(id=f"of {audience}", key=key, audience=audience, permissions=permissions)


def wish(permissions: Permission, *audiences: str, people: tuple[str, ...] = ("eve",), limit: bool = False) -> Wish:
    if limit:
        return Wish(permissions=permissions, limits=audiences)
    cells = [(person, audience) for person in people for audience in audiences]
    return Wish(permissions=permissions, cells=cells, expires=99)


def test_each_cell_says_which_rules_gave_it() -> None:
    rules = Rules(PLACES, [given("a", "eve", DESK, VIEWER), given("b", "eve", LAB, OPERATOR)], [limit(LAB, VIEWER)])
    assert rules.cell("eve", "desk") == Cell(
        VIEWER, ((Kind.GRANT, "a"), (Kind.GRANT, "b"), (Kind.LIMIT, "of group:lab"))
    )
    assert rules.cell("eve", "bench") == Cell(VIEWER, ((Kind.GRANT, "b"), (Kind.LIMIT, "of group:lab")))
    assert rules.cell("ada", "desk") == Cell(VIEWER, ((Kind.OWNER, ""), (Kind.LIMIT, "of group:lab")))
    assert rules.cell("ben", "shed") == Cell(OWNER, ((Kind.OWNER, ""),))
    assert rules.cell("ben", "desk") == NOTHING and rules.cell("eve", "nowhere") == NOTHING


def test_what_one_owner_has_signed_counts_at_no_other_owners_device() -> None:
    rules = Rules(PLACES, [given("a", "eve", LAB, OPERATOR, key="k-ben")], [limit(LAB, Permission(0), key="k-ada")])
    assert rules.cell("eve", "desk") == NOTHING
    assert rules.cell("eve", "shed") == Cell(OPERATOR, ((Kind.GRANT, "a"),))


def test_where_no_view_is_left_nothing_is() -> None:
    rules = Rules(PLACES, [given("a", "eve", DESK, OPERATOR)], [limit(DESK, OWNER & ~Permission.VIEW)])
    assert rules.cell("eve", "desk").permissions == Permission(0)


def test_groups_say_what_all_have_and_what_any_has() -> None:
    rules = Rules(PLACES, [given("a", "eve", DESK, VIEWER), given("b", "bo", DESK, OPERATOR)], [])
    both = rules.both(["eve", "bo"], ["desk"])
    assert (both.every, both.some) == (VIEWER, OPERATOR) and both.rules == ((Kind.GRANT, "a"), (Kind.GRANT, "b"))
    assert rules.both(["eve", "bo"], ["desk", "bench"]).every == Permission(0)
    assert rules.both([], ["desk"]).every == Permission(0)


def test_what_gives_no_more_than_the_wish_is_not_taken_back_since_sessions_stand_on_it() -> None:
    twice = Rules(PLACES, [given("a", "eve", DESK, VIEWER), given("b", "eve", DESK, VIEWER)], [])
    assert plan(twice, wish(VIEWER, DESK), ["eve"]).signatures == []
    made = plan(twice, wish(OPERATOR, DESK), ["eve"])
    (signed,) = made.signatures
    assert signed.revoke == [] and [one.permissions for one in signed.give] == [OPERATOR]
    assert changes(twice, made.after, ["eve"]) == [Change("eve", "desk", VIEWER, OPERATOR)]
    (signed,) = plan(made.after, wish(VIEWER, DESK), ["eve"]).signatures
    assert len(signed.revoke) == 1 and signed.give == []
    (signed,) = plan(twice, wish(Permission(0), DESK), ["eve"]).signatures
    assert signed.revoke == ["a", "b"]


def test_a_wish_takes_back_what_is_beyond_it_and_gives_what_lacks() -> None:
    before = Rules(PLACES, [given("a", "eve", DESK, OPERATOR), given("b", "eve", DESK, VIEWER, limited=True)], [])
    made = plan(before, wish(VIEWER, DESK), ["eve"])
    (signed,) = made.signatures
    assert signed.person == "ada" and signed.revoke == ["a"]
    assert [(one.person, one.audience, one.permissions, one.expires) for one in signed.give] == [
        ("eve", DESK, VIEWER, 99)
    ]
    assert changes(before, made.after, ["eve"]) == [Change("eve", "desk", OPERATOR, VIEWER)]
    again = plan(made.after, wish(VIEWER, DESK), ["eve"])
    assert again.signatures == []


def test_nothing_is_taken_back_alone_and_needs_no_key() -> None:
    before = Rules(PLACES, [given("a", "eve", DESK, OPERATOR)], [])
    made = plan(before, wish(Permission(0), DESK), [])
    assert made.signatures[0].revoke == ["a"] and made.signatures[0].give == [] and made.refused == []


def test_a_wish_for_a_group_is_signed_by_each_of_its_owners() -> None:
    before = Rules(PLACES, [], [])
    made = plan(before, wish(VIEWER, LAB), ["eve"])
    assert sorted(one.person for one in made.signatures) == ["ada", "ben"]
    assert {one.device for one in changes(before, made.after, ["eve"])} == {"desk", "bench", "shed"}


def test_what_cant_be_had_is_said() -> None:
    made = plan(Rules(PLACES, [], []), wish(VIEWER, DESK, "device:gone", people=("ada", "eve")), [])
    assert set(made.refused) == {
        Refused("ada", DESK, "owner"),
        Refused("eve", DESK, "no-key"),
        Refused("", "device:gone", "nobody"),
    }
    assert made.signatures == []


def test_a_limit_is_for_everybody_the_owner_too_and_gives_nothing() -> None:
    before = Rules(PLACES, [given("a", "eve", DESK, OPERATOR)], [limit(DESK, OWNER)])
    made = plan(before, wish(VIEWER, DESK, people=(), limit=True), [])
    assert [one.permissions for one in made.signatures[0].limit] == [VIEWER]
    found = {(one.person, one.after) for one in changes(before, made.after, ["ada", "eve", "bo"])}
    assert found == {("ada", VIEWER), ("eve", VIEWER)}
    assert plan(made.after, wish(VIEWER, DESK, people=(), limit=True), []).signatures == []


def test_a_wish_is_for_its_cells_and_for_no_other_of_their_rows_and_columns() -> None:
    before = Rules(PLACES, [], [])
    made = plan(before, Wish(permissions=VIEWER, cells=[("eve", DESK), ("bo", "device:bench")]), ["eve", "bo"])
    found = {(one.person, one.device) for one in changes(before, made.after, ["eve", "bo"])}
    assert found == {("eve", "desk"), ("bo", "bench")}
