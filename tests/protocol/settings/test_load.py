"""Settings of a program: which source wins, where a value came from, and files that hold anything."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest
from pydantic import AfterValidator, SecretStr, model_validator

from avl_protocol.endpoint.settings import tomlfile
from avl_protocol.endpoint.settings.faults import BadSettings
from avl_protocol.endpoint.settings.load import DEFAULT, Loaded, file_of, from_flags, load
from avl_protocol.endpoint.settings.model import (
    HIDDEN,
    PASSWORD,
    WHOLE,
    Number,
    ProgramSettings,
    Table,
    Texts,
    Together,
    Whole,
    leaves,
    setting,
    without_password,
)
from avl_protocol.endpoint.settings.reload import Change, Current
from avl_protocol.endpoint.settings.report import as_json, explained, shown, toml


def _even(number: int) -> int:
    if number % 2:
        raise ValueError(f"--pairs {number}: an even number")
    return number


class Kitchen(Table):
    """Settings below another."""

    hot: bool = setting(False, "Whether it is.", live=True)
    pans: Whole = setting(3, "As many as fit.")


class House(ProgramSettings):
    """A program's settings, of every kind."""

    program: ClassVar[str] = "house"
    prefix: ClassVar[str] = "HOUSE_"
    variables: ClassVar[dict[str, str]] = {"DOOR_CODE": "code"}

    name: str = setting("home", "What it is called.", live=True)
    doors: Whole = setting(2, "In and out.", ge=1, le=9)
    pairs: Annotated[Whole, AfterValidator(_even)] = setting(4, "Of shoes.")
    height: Number = setting(2.5, "In metres.", live=True)
    lit: bool = setting(True, "Light.", live=True)
    guests: Texts = setting((), "Who may come.")
    code: SecretStr | None = setting(None, "Opens the door.", secret=WHOLE, example='"1234"')
    cellar: str | None = setting(None, "Where things are.", secret=PASSWORD, example='"db://a:b@c"')
    state: Path | None = setting(None, "Its folder.", filed=False)
    kitchen: Kitchen = Kitchen()

    @model_validator(mode="after")
    def _fits(self) -> House:
        if self.doors > 5 and not self.lit:
            raise Together(("doors", "--doors: so many in the dark"), ("lit", "--lit: with so many doors"))
        return self


def of(
    folder: Path, text: str | bytes | None = None, variables: dict[str, str] | None = None, **flags: Any
) -> Loaded[House]:
    """What these three say together."""
    file = None
    if text is not None:
        file = folder / "house.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        file.chmod(0o600)
    return load(House, file=file, variables=variables or {}, flags=[from_flags(flags)])


def faults(folder: Path, text: str | bytes | None = None, variables: dict[str, str] | None = None, **flags: Any) -> str:
    """What is wrong with that, without the folder."""
    with pytest.raises(BadSettings) as wrong:
        of(folder, text, variables, **flags)
    return str(wrong.value).replace(f"{folder}/", "")


# ----------------------------------------------------------------------------------------------------------- who wins

#: A setting of each kind: in a file, in the environment, as a flag, and what each of them means.
KINDS: dict[tuple[str, ...], tuple[tuple[str, Any], tuple[str, Any], tuple[Any, Any]]] = {
    ("name",): (('"file"', "file"), ("environment", "environment"), ("flag", "flag")),
    ("doors",): (("3", 3), ("4", 4), (5, 5)),
    ("height",): (("3", 3.0), ("4.5", 4.5), (5.5, 5.5)),
    ("guests",): (('["a"]', ("a",)), ("b, c", ("b", "c")), (["d"], ("d",))),
    ("code",): (('"aaaa"', "aaaa"), ("bbbb", "bbbb"), ("cccc", "cccc")),
    ("kitchen", "pans"): (("5", 5), ("6", 6), (7, 7)),
}


@pytest.mark.parametrize(
    ("key", "there"), [(key, there) for key in KINDS for there in itertools.product((False, True), repeat=3)]
)
def test_flags_win_over_the_environment_and_that_over_the_file(
    key: tuple[str, ...], there: tuple[bool, bool, bool], tmp_path: Path
) -> None:
    (text, filed), (variable, named), (flag, flagged) = KINDS[key]
    name = "HOUSE_" + "__".join(key).upper()
    flags: dict[str, Any] = {}
    if there[2]:
        flags = {key[0]: flag} if len(key) == 1 else {key[0]: {key[1]: flag}}
    loaded = of(
        tmp_path,
        f"{'.'.join(key)} = {text}" if there[0] else None,
        {name: variable} if there[1] else {},
        **flags,
    )
    default = next(leaf.default for leaf in leaves(House) if leaf.key == key)
    values = [value for value, said in ((flagged, there[2]), (named, there[1]), (filed, there[0])) if said]
    places = [f"--{key[0]}"] * there[2] + [name] * there[1] + [f"{tmp_path / 'house.toml'}:1"] * there[0]
    assert loaded.settings.written(key) == [*values, default][0]
    assert loaded.place(key) == [*places, DEFAULT][0]


def test_sources_add_up_within_a_table(tmp_path: Path) -> None:
    loaded = of(tmp_path, "\n[kitchen]\nhot = true\n", {"HOUSE_KITCHEN__PANS": "8"}, doors=4)
    assert loaded.settings.kitchen == Kitchen(hot=True, pans=8) and loaded.settings.doors == 4
    assert loaded.place(("kitchen", "hot")).endswith("house.toml:3")
    assert loaded.place(("kitchen", "pans")) == "HOUSE_KITCHEN__PANS"


def test_a_variable_of_before_is_heard_unless_there_is_the_new_one(tmp_path: Path) -> None:
    old = of(tmp_path, None, {"DOOR_CODE": "aaaa"})
    assert (old.settings.written(("code",)), old.place(("code",))) == ("aaaa", "DOOR_CODE")
    both = of(tmp_path, None, {"DOOR_CODE": "aaaa", "HOUSE_CODE": "bbbb"})
    assert (both.settings.written(("code",)), both.place(("code",))) == ("bbbb", "HOUSE_CODE")


def test_a_variable_that_is_empty_says_nothing_and_one_of_another_name_is_no_fault(tmp_path: Path) -> None:
    loaded = of(tmp_path, None, {"HOUSE_DOORS": "", "HOUSE_DOOR": "3", "HOUSE_PORT_80_TCP": "tcp://1"})
    assert loaded.settings.doors == 2
    assert loaded.notes == ("HOUSE_DOOR is no setting of house; did you mean HOUSE_DOORS?",)


def test_the_file_is_the_one_that_is_named_or_lies_in_the_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avl_protocol.endpoint.settings.load.ETC", tmp_path / "etc")
    state = tmp_path / "state"
    assert file_of(House, None, state, {}) is None
    for folder in (tmp_path / "etc", state):
        folder.mkdir()
        (folder / "house.toml").touch()
        assert file_of(House, None, state, {}) == folder / "house.toml"
    assert file_of(House, None, state, {"HOUSE_CONFIG": "/other"}) == Path("/other")
    assert file_of(House, Path("/named"), state, {"HOUSE_CONFIG": "/other"}) == Path("/named")


# ------------------------------------------------------------------------------------------------------ what is wrong


def test_every_fault_is_named_at_once_with_its_place(tmp_path: Path) -> None:
    said = faults(
        tmp_path,
        'nme = "x"\nheight = true\nlit = 3\nguests = 5\n\n[kitchen]\npens = 3\ndoors = 2\n',
        {"HOUSE_DOORS": "many"},
        pairs=3,
    )
    assert sorted(said.splitlines()) == sorted(
        [
            "house.toml:1: no setting is called nme; did you mean name?",
            "house.toml:2: height: a number is expected",
            "house.toml:3: lit: true or false is expected",
            'house.toml:4: guests: a list is expected, as in ["one", "two"]',
            "house.toml:7: no setting is called kitchen.pens; did you mean pans?",
            "house.toml:8: no setting is called kitchen.doors; doors stands above all tables",
            "HOUSE_DOORS: doors: a whole number is expected",
            "--pairs 3: an even number",
        ]
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("doors = 10", "house.toml:1: doors: 9 or less is expected"),
        ("doors = 0", "house.toml:1: doors: 1 or more is expected"),
        ("doors = 1.5", "house.toml:1: doors: a whole number is expected"),
        ("doors = true", "house.toml:1: doors: a number is expected"),
        ("height = nan", "house.toml:1: height: a number is expected"),
        ("height = inf", "house.toml:1: height: a number is expected"),
        ("name = 3", "house.toml:1: name: text is expected, in quotation marks"),
        ("name = 1979-05-27", "house.toml:1: name: text is expected, in quotation marks"),
        ("kitchen = 3", "house.toml:1: kitchen: a table is expected"),
        ("pairs = 3", "house.toml:1: pairs 3: an even number"),
        ("pans = 3", "house.toml:1: no setting is called pans; it belongs into the table [kitchen]"),
        ("\n\nname == 3", "house.toml:3: it is no TOML at column 7: Invalid value"),
        ("name", "house.toml: it is no TOML: Expected '=' after a key in a key/value pair (at end of document)"),
        (
            "state = '/x'",
            "house.toml:1: state: no file says it, since other commands and this file's place depend on it: give it as "
            "--state or HOUSE_STATE",
        ),
        ("doors = 6\nlit = false", "house.toml:1: doors: so many in the dark\nhouse.toml:2: lit: with so many doors"),
    ],
)
def test_a_fault_says_what_is_expected(text: str, said: str, tmp_path: Path) -> None:
    assert faults(tmp_path, text) == said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"name = 'a'\nguests = ['\xff']\n", "house.toml:2: byte 0xFF is not UTF-8: save the file as UTF-8"),
        (b"#" * (10 << 20), "house.toml: it is longer than 128 KiB: is it a file of settings?"),
        (b"name = " + b"[" * 100_000, "nested too deeply"),
        (b"name = [[[[[1]]]]]", "nested too deeply"),
        (b"a." * 50_000 + b"a = 1", "nested too deeply"),
        (b"[" + b"a." * 50_000 + b"a]", "nested too deeply"),
        (b"doors = " + b"9" * 100_000, "it is no TOML: "),
        (b"\0" * 1000, "house.toml:1: it is no TOML at column 1: "),
        (b"name = {a={a={a={a={a=1}}}}}", "nested too deeply"),
    ],
)
def test_a_file_that_holds_anything_is_a_fault_and_no_more(data: bytes, said: str, tmp_path: Path) -> None:
    assert said in faults(tmp_path, data)


def test_a_file_that_is_none_is_a_fault(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, said in ((tmp_path / "pipe", "it is no file"), (tmp_path / "no", "it can't be read: No such file")):
        with pytest.raises(BadSettings, match=said):
            tomlfile.read(path)


def test_many_unknown_names_are_looked_at_in_time(tmp_path: Path) -> None:
    lines = "\n".join(f"name{number} = 1" for number in range(2000))
    said = faults(tmp_path, lines).splitlines()
    assert len(said) == 101 and said[-1] == "and 1900 more"


def test_a_fault_shows_no_secret(tmp_path: Path) -> None:
    said = faults(tmp_path, "code = 123456789\ncellar = 987654321\n")
    assert "123456789" not in said and "987654321" not in said


# ------------------------------------------------------------------------------------------------------ what is shown


def test_what_is_shown_hides_secrets_and_says_where_all_came_from(tmp_path: Path) -> None:
    loaded = of(tmp_path, 'code = "hunter2!"\ncellar = "db://me:hunter3!@there/x"\n', {"HOUSE_LIT": "no"})
    text = shown(loaded)
    assert "hunter" not in text and "hunter" not in str(as_json(loaded)) and "hunter" not in repr(loaded.settings.code)
    lines = {line.partition(" ")[0]: line for line in text.splitlines()}
    assert lines["code"].split("  #") == [
        f'code = "{HIDDEN}"'.ljust(len(lines["code"].split("  #")[0])),
        f" {tmp_path}/house.toml:1",
    ]
    assert f'"db://me:{HIDDEN}@there/x"' in lines["cellar"]
    assert lines["lit"].startswith("lit = false") and lines["lit"].endswith("# HOUSE_LIT")
    assert {row["name"]: row["place"] for row in as_json(loaded)}["doors"] == "default"


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("postgresql://a:b@c/d", "postgresql://a:***@c/d"),
        ("postgresql://a:b@b@c/d", "postgresql://a:***@c/d"),
        ("postgresql://a:b/b@c/d", "postgresql://a:***@c/d"),
        ("postgresql://c/d?user=a&password=b", "postgresql://c/d?user=a&password=***"),
        ("postgresql://a@c/d", "postgresql://a@c/d"),
        ("/a/file", "/a/file"),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, seen: str) -> None:
    assert without_password(address) == seen


def test_a_secret_in_a_file_that_others_can_read_is_noted(tmp_path: Path) -> None:
    file = tmp_path / "house.toml"
    file.write_text('code = "aaaa"')
    file.chmod(0o644)
    assert load(House, file=file, variables={}).notes == (f"others can read {file}, which says code: chmod 600 {file}",)
    file.write_text("doors = 3")
    assert load(House, file=file, variables={}).notes == ()


def test_what_is_shown_can_be_read_again(tmp_path: Path) -> None:
    loaded = of(tmp_path, 'name = "a\\"b\\\\\\u0001\\u007f"\nguests = ["x", "y"]\nheight = 1e3\n')
    again = of(tmp_path, shown(loaded))
    assert again.settings == loaded.settings
    assert toml("\x7f") == '"\\u007f"'


def test_a_file_that_explains_all_sets_nothing_and_holds_the_defaults(tmp_path: Path) -> None:
    text = explained(House)
    assert shown(of(tmp_path, text)).splitlines()[1:] == shown(of(tmp_path)).splitlines()[1:]
    uncommented = "\n".join(
        line[1:] if line[:1] == "#" and line[1:2] not in (" ", "") else line for line in text.split("\n")
    )
    loaded = of(tmp_path, uncommented).settings
    for leaf in leaves(House):
        assert leaf.reason.strip() in text.replace("\n# ", " ") or not leaf.filed
        assert leaf.default is None or loaded.written(leaf.key) == leaf.default


# --------------------------------------------------------------------------------------------------------- read anew


def test_what_changes_live_does_and_the_rest_is_named(tmp_path: Path) -> None:
    texts = ['name = "a"\ndoors = 3\n']
    current = Current(of(tmp_path, texts[0]), lambda: of(tmp_path, texts[-1]))
    assert current.reload() == Change((), ())
    texts.append('name = "b"\ndoors = 4\n[kitchen]\nhot = true\npans = 9\n')
    assert current.reload() == Change(("name", "kitchen.hot"), ("doors", "kitchen.pans"))
    assert (current.settings.name, current.settings.doors) == ("b", 3)
    assert (current.settings.kitchen.hot, current.settings.kitchen.pans) == (True, 3)
    assert current.reload() == Change((), ("doors", "kitchen.pans"))  # until it starts again
    texts.append('name = "b"\ndoors = 3\n')
    assert current.reload() == Change(("kitchen.hot",), ())


def test_what_is_wrong_changes_nothing(tmp_path: Path) -> None:
    texts = ['name = "a"\ndoors = 7\n', 'name = "b"\ndoors = "x"\n', 'name = "b"\ndoors = 1\nlit = false\n']
    current = Current(of(tmp_path, texts[0]), lambda: of(tmp_path, texts[1]))
    before = current.settings
    with pytest.raises(BadSettings, match="doors: a whole number"):
        current.reload()
    texts[1] = texts[2]  # right by itself, but not with the doors that stay
    with pytest.raises(BadSettings, match="does not fit what can't"):
        current.reload()
    assert current.settings is before
