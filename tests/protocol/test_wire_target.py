"""What people type: targets, relays, pins, device IDs, codes and chords."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avl_protocol.wire import device_id, keys, target
from avl_protocol.wire.registry import Modifier
from avl_protocol.wire.target import RelayAddress, Target, parse_relay, parse_target, relays_elsewhere

NUMBERS = st.integers(0, (1 << 130) - 1)
PINS = st.one_of(st.none(), st.binary(min_size=32, max_size=32))
HOSTS = st.one_of(st.sampled_from(["relay.example", "127.0.0.1", "::1", "2001:db8::7", "localhost"]))
DEVICE = device_id.to_text(12345)


@given(HOSTS, st.integers(1, 65535), NUMBERS, PINS)
def test_a_target_reads_back(host: str, port: int, number: int, pin: bytes | None) -> None:
    given_target = Target(RelayAddress(host, port, pin), number)
    assert parse_target(str(given_target)) == given_target
    assert parse_relay(str(given_target.relay)) == given_target.relay


@given(st.text(max_size=60))
def test_any_text_is_a_target_or_a_value_error_that_says_why(text: str) -> None:
    for candidate in (text, f"avl://{text}", f"avl://h:1/{text}", f"avl://h:1/{DEVICE}?pin={text}"):
        try:
            parse_target(candidate)
        except ValueError as error:
            assert str(error)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    for read in (target.parse_address, parse_relay, target.parse_pin):
        try:
            read(text)
        except ValueError as error:
            assert str(error)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h:1",
        "http://h:1/x",
        f"avl://h/{DEVICE}",
        f"avl://:1/{DEVICE}",
        f"avl://h:0/{DEVICE}",
        f"avl://h:70000/{DEVICE}",
        f"avl://user@h:1/{DEVICE}",
        "avl://h:1/",
        f"avl://h:1/{DEVICE[:-1]}",
        f"avl://h:1/{DEVICE}?pin=short",
        f"avl://h:1/{DEVICE}?pin=",
        f"avl://x';reboot;':1/{DEVICE}",
        f"avl://h\x1b[2J:1/{DEVICE}",
        f"avl://h\u202eg:1/{DEVICE}",
        f"avl://h h:1/{DEVICE}",
        f"avl://$(id):1/{DEVICE}",
    ],
)
def test_a_wrong_target_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_target(text)


@pytest.mark.parametrize(
    ("given_as", "page"),
    [
        ("relay.example", "https://relay.example/"),
        ("relay.example", "https://Relay.Example:8443/desk/"),
        ("relay.example", "http://relay.example:8080"),
        ("127.0.0.1", "http://localhost:8080/"),
        ("localhost", "http://[::1]:8080/"),
        ("2001:db8::7", "https://[2001:db8::7]:8443/"),
    ],
)
def test_a_relay_s_own_page_is_shown(given_as: str, page: str) -> None:
    assert target.own_page(page, RelayAddress(given_as, 4433)) == page


@pytest.mark.parametrize(
    "page",
    [
        "",
        "https://elsewhere.example/",
        "https://relay.example.evil/",
        "https://evil/relay.example",
        "https://relay.example@evil/",
        "https://relay.example\\@evil/",
        "https://evil#@relay.example/",
        "https://relay.example/#c=1",
        "https://relay.example/?x",
        "javascript:alert(1)",
        "ftp://relay.example/",
        "https://relay.example/\x1b[2J",
        "https://relay.example/\u202e",
        "https://relay.example/ https://evil",
        "https://relay.example/\n",
        "http://localhost:1/",
    ],
)
def test_a_page_that_is_not_the_relay_s_own_is_not_shown(page: str) -> None:

    assert target.own_page(page, RelayAddress("relay.example", 4433)) == ""


def test_two_different_pins_for_one_relay_are_an_error() -> None:
    one, other = target.show_pin(bytes(32)), target.show_pin(b"\1" * 32)
    assert parse_relay(f"h:1?pin={one}", one).pin == bytes(32)
    assert parse_relay("h:1", one).pin == bytes(32)
    with pytest.raises(ValueError, match="two different pins"):
        parse_relay(f"h:1?pin={one}", other)


# -- device IDs --------------------------------------------------------------------------------------------------------


@given(NUMBERS, st.randoms())
def test_a_device_id_reads_back_however_it_is_written(number: int, chance: object) -> None:
    text = device_id.to_text(number)
    assert len(text) == 34
    assert device_id.from_text(text) == number
    loose = text.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert device_id.from_text(loose) == number
    assert device_id.from_text(text.replace("-", "").replace("1", "I")) == number


@given(NUMBERS, st.integers(0, 27), st.sampled_from(device_id.ALPHABET))
def test_one_wrong_character_is_noticed(number: int, place: int, character: str) -> None:
    text = device_id.to_text(number).replace("-", "")
    wrong = text[:place] + character + text[place + 1 :]
    if wrong != text:
        with pytest.raises(ValueError, match="typing error"):
            device_id.from_text(wrong)


@given(NUMBERS, st.integers(0, 26))
def test_two_neighbours_exchanged_are_noticed(number: int, place: int) -> None:
    text = device_id.to_text(number).replace("-", "")
    wrong = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if wrong != text:
        with pytest.raises(ValueError):
            device_id.from_text(wrong)


@given(st.text(max_size=40))
def test_any_text_is_a_device_id_or_a_value_error(text: str) -> None:
    try:
        number = device_id.from_text(text)
    except ValueError as error:
        assert str(error)
    else:
        assert device_id.from_text(device_id.to_text(number)) == number


@pytest.mark.parametrize(
    ("typed", "normal"),
    [("7k3p-9qx2", "7K3P9QX2"), (" o0-iIlL1 ", "0011111"), ("ü!?", ""), ("pass word", "PASSW0RD"), ("①²", "")],
)
def test_codes_are_compared_without_what_people_get_wrong(typed: str, normal: str) -> None:
    assert device_id.normalise_code(typed) == normal


def test_a_code_is_shown_in_groups_of_four() -> None:
    assert device_id.show_code("7K3P9QX2") == "7K3P-9QX2"


# -- chords ------------------------------------------------------------------------------------------------------------


def test_a_chord_names_its_modifiers_and_its_key() -> None:
    chord = keys.parse_chord("Ctrl+ALT+t")
    assert (chord.usage, chord.text) == (0x17, "t")
    assert keys.modifiers_of(chord.held) == Modifier.CONTROL | Modifier.ALT


@pytest.mark.parametrize("name", ["enter", "f5", "f12", "escape", "a", "0", "ctrl+d", "shift+tab", "pageup"])
def test_named_keys_are_known_in_any_case(name: str) -> None:
    assert keys.parse_chord(name) == keys.parse_chord(name.upper())


@given(st.text(max_size=20))
def test_any_text_is_a_chord_or_a_value_error(text: str) -> None:
    try:
        keys.parse_chord(text)
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize("text", ["", "ctrl+", "ctrl+nokey", "nokey", "a+b", "f99"])
def test_an_unknown_chord_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        keys.parse_chord(text)


def test_of_the_relays_that_a_goaway_names_at_most_four_are_taken_and_none_that_is_known() -> None:
    known = RelayAddress("a.test", 1)
    assert relays_elsewhere((), (known,)) == relays_elsewhere(("a.test:1", "no address", "avl://b:2/X"), (known,)) == ()
    named = relays_elsewhere([f"b{number}.test:4433" for number in range(9)])
    assert named == tuple(RelayAddress(f"b{number}.test", 4433) for number in range(4))
    pinned = RelayAddress("b.test", 1, bytes(range(32)))
    assert relays_elsewhere((str(pinned), "b.test:1")) == (pinned,)
