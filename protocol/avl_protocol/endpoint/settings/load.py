"""Load: one settings object of a program, of its file, the environment and its flags; and where each value came from.

Flags win over the environment, the environment wins over the file, and the file over the defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from avl_protocol.endpoint.settings.faults import BadSettings, Fault, nearest
from avl_protocol.endpoint.settings.model import Leaf, ProgramSettings, Table, Together, leaves
from avl_protocol.endpoint.settings.tomlfile import Key, TomlFile, read

M = TypeVar("M", bound=ProgramSettings)

#: Where a machine's administrator puts files of settings.
ETC = Path("/etc/avl")
DEFAULT = "default"
#: What stands between a table and a setting in a variable's name.
BELOW = "__"
#: Faults that are told at once: who has more has another kind of file.
MOST_FAULTS = 100
#: Variables that say where everything else is.
FIRST = ("CONFIG", "STATE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one source says, as tables in tables. `place(key)` is where it says that; `name` tells it from others."""

    values: Mapping[str, Any]
    place: Callable[[Key], str]
    name: str = ""

    def has(self, key: Key) -> bool:
        """Whether it says anything of a setting, or of a part of it."""
        found: Any = self.values
        for name in key:
            if not isinstance(found, Mapping) or name not in found:
                return False
            found = found[name]
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(Generic[M]):
    """Settings, and where they came from: `layers`, the highest first. `file`: the one that was read. `notes`: what
    somebody may want to know, though nothing is wrong."""

    settings: M
    layers: tuple[Layer, ...]
    file: Path | None
    notes: tuple[str, ...] = ()

    def place(self, key: Key) -> str:
        """Where a setting's value came from: FILE:LINE, a variable, a flag, or "default"."""
        return next((layer.place(key) for layer in self.layers if layer.has(key)), DEFAULT)


def file_of(
    model: type[ProgramSettings], given: Path | None, folder: Path, variables: Mapping[str, str]
) -> Path | None:
    """The file that a program reads: the one that is named by `--config`, else by PREFIX_CONFIG; else the first that is
    there: PROGRAM.toml in the state folder, and in /etc/avl. None: there is none."""
    if given is not None:
        return given
    if named := variables.get(f"{model.prefix}CONFIG"):
        return Path(named)
    name = f"{model.program}.toml"
    return next((path for path in (folder / name, ETC / name) if path.exists()), None)


def load(
    model: type[M],
    *,
    file: Path | None,
    variables: Mapping[str, str],
    flags: Sequence[Layer] = (),
    changed: Layer | None = None,
) -> Loaded[M]:
    """The settings. `flags`: layers above the environment, the highest first; `changed`: one that lies between file and
    environment. Raises BadSettings, which names every fault."""
    said = [] if file is None else [read(file)]
    environment, notes = from_environment(model, variables)
    below = [] if changed is None else [changed]
    layers = (*flags, environment, *below, *(Layer(values=one.values, place=one.place) for one in said))
    faults = [fault for one in said for fault in _not_for_files(model, one)]
    try:
        settings = model(*(layer.values for layer in layers))
    except ValidationError as error:
        raise BadSettings([*_explained(model, layers, error), *faults]) from None
    if faults:
        raise BadSettings(faults)
    notes += [note for one in said for note in _open_secrets(model, one)]
    return Loaded(settings=settings, layers=layers, file=file, notes=tuple(notes))


def from_environment(model: type[ProgramSettings], variables: Mapping[str, str]) -> tuple[Layer, list[str]]:
    """What the environment says, and what it may have meant to say. A variable that is empty says nothing; one of an
    unknown name is no fault: container systems make some that begin like ours (AVL_RELAY_PORT_4433_UDP)."""
    known = {_variable(model, leaf.key): leaf.key for leaf in leaves(model)}
    values: dict[str, Any] = {}
    names: dict[Key, str] = {}
    notes: list[str] = []
    older = [(name, (key,)) for name, key in model.variables.items() if variables.get(name)]
    given = [(name, _key(model, name)) for name in sorted(variables) if name.startswith(model.prefix)]
    for name, key in [*older, *given]:
        if name.removeprefix(model.prefix) in FIRST or not variables[name]:
            continue
        if not any(key[: len(leaf)] == leaf for leaf in known.values()):
            if meant := nearest(name, known, 0.8):
                notes.append(f"{name} is no setting of {model.program}{meant}")
            continue
        names[key] = name
        at = values
        for part in key[:-1]:
            at = at.setdefault(part, {})
        at[key[-1]] = variables[name]

    def place(key: Key) -> str:
        return next((name for whole, name in names.items() if whole[: len(key)] == key), _variable(model, key))

    return Layer(values=values, place=place), notes


def _variable(model: type[ProgramSettings], key: Key) -> str:
    return model.prefix + BELOW.join(key).upper()


def _key(model: type[ProgramSettings], variable: str) -> Key:
    return tuple(variable.removeprefix(model.prefix).lower().split(BELOW))


def from_flags(given: Mapping[str, Any]) -> Layer:
    """What was given on the command line: flags by the names of their settings."""
    return Layer(values=given, place=lambda key: "--" + key[0].replace("_", "-"))


def _not_for_files(model: type[ProgramSettings], file: TomlFile) -> list[Fault]:
    layer = Layer(values=file.values, place=file.place)
    return [
        Fault(
            file.place(leaf.key),
            f"{leaf.name}: no file says it, since other commands and this file's place depend on it: "
            f"give it as --{leaf.name} or {_variable(model, leaf.key)}",
        )
        for leaf in leaves(model)
        if not leaf.filed and layer.has(leaf.key)
    ]


def _open_secrets(model: type[ProgramSettings], file: TomlFile) -> list[str]:
    layer = Layer(values=file.values, place=file.place)
    secrets = [leaf.name for leaf in leaves(model) if leaf.secret and layer.has(leaf.key)]
    if not secrets or not file.path.stat().st_mode & 0o077:
        return []
    return [f"others can read {file.path}, which says {', '.join(secrets)}: chmod 600 {file.path}"]


def _explained(model: type[ProgramSettings], layers: Sequence[Layer], error: ValidationError) -> list[Fault]:
    """What pydantic found, each with its place and in our words."""
    known = {leaf.key: leaf for leaf in leaves(model)}
    faults: list[Fault] = []
    for found in error.errors(include_url=False, include_input=False)[:MOST_FAULTS]:
        said = found.get("ctx", {}).get("error")
        if isinstance(said, Together):
            faults += [_fault(layers, (name,), text) for name, text in said.wrong]
            continue
        whole = tuple(str(part) for part in found["loc"])
        key = next((whole[:size] for size in range(len(whole), 0, -1) if whole[:size] in known), whole)
        if found["type"] == "extra_forbidden":
            faults.append(_fault(layers, key, f"no setting is called {'.'.join(key)}{_meant(model, key)}"))
        elif said is not None and str(said).startswith("--"):
            faults.append(_fault(layers, key, str(said)))
        else:
            text = str(said) if said is not None else _expected(found["type"], found.get("ctx", {}), found["msg"])
            fault = _fault(layers, key, text)
            faults.append(fault if fault.place.startswith("--") else Fault(fault.place, f"{'.'.join(key)}: {text}"))
    if (more := error.error_count() - MOST_FAULTS) > 0:
        faults.append(Fault("", f"and {more} more"))
    return faults


def _fault(layers: Sequence[Layer], key: Key, text: str) -> Fault:
    """A sentence that names its flag needs no place where it was one, and has no flag where it was none."""
    place = next((layer.place(key) for layer in layers if layer.has(key)), "")
    if not text.startswith("--"):
        return Fault(place, text)
    return Fault("", text) if place.startswith("--") or not place else Fault(place, text.removeprefix("--"))


def _meant(model: type[BaseModel], key: Key) -> str:
    """Of an unknown name what may be meant: one of another table, else a near one of its own table, else of any."""
    by_last = {leaf.key[-1]: leaf for leaf in leaves(model)}
    found: Leaf | None = by_last.get(key[-1])
    if found is not None:
        above = ".".join(found.key[:-1])
        return f"; it belongs into the table [{above}]" if above else f"; {found.name} stands above all tables"
    table: type[BaseModel] = model
    for name in key[:-1]:
        field = table.model_fields.get(name)
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, Table)):
            return nearest(key[-1], by_last)
        table = field.annotation
    return nearest(key[-1], table.model_fields) or nearest(key[-1], by_last)


def _expected(kind: str, about: Mapping[str, Any], message: str) -> str:
    """What was expected, in words."""
    if kind.startswith("bool"):
        return "true or false is expected"
    if kind.startswith("int"):
        return "a whole number is expected"
    if kind.startswith(("float", "finite", "decimal")):
        return "a number is expected"
    if kind.startswith(("string", "path")):
        return "text is expected, in quotation marks"
    if kind.startswith(("tuple", "list")):
        return 'a list is expected, as in ["one", "two"]'
    if kind.startswith("model"):
        return "a table is expected"
    if kind == "greater_than_equal":
        return f"{about['ge']:g} or more is expected"
    if kind == "less_than_equal":
        return f"{about['le']:g} or less is expected"
    return message
