"""What a reader can set in a served program: numbers and strings at its top level."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Value: TypeAlias = int | float | str

_NUMBER = r"-?\d+(?:\.\d+)?"
CONTROL = re.compile(
    rf"# Control: (?P<name>[A-Za-z_]\w*) "
    rf"(?:(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})(?: by (?P<step>{_NUMBER}))?(?: (?P<unit>[^\W\d]+))?"
    rf'|"(?P<text>[^"]*)")'
)
"""The line of a script that lets a reader set a number within a range, or a string."""


class Range(NamedTuple):
    """The numbers that a slider offers."""

    low: float
    high: float
    step: float
    unit: str
    """Such as `s`. Empty: none."""


class Control(NamedTuple):
    """A name that a reader can set."""

    name: str
    range: Range | None
    """`None`: it's a string, for a field."""
    value: Value
    """What the script sets it to."""


def number(text: str) -> float:
    """Return a number as Python has it: an int unless it has a decimal point."""
    return float(text) if "." in text else int(text)


def controls_in(script: str, names: Mapping[str, Any]) -> list[Control]:
    """Return what the comments of a script let a reader set, with the values that the names have now."""
    found = [control._replace(value=names[control.name]) for control in declared(script) if control.name in names]
    return [control for control in found if fits(control, control.value)]


def fits(control: Control, value: object) -> bool:
    """Return whether the name could have this value: a string or a number, as its line says."""
    kinds = str if control.range is None else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool)


def declared(script: str) -> Iterator[Control]:
    """Yield what the comments of a script let a reader set. A number has the lowest value."""
    for line in script.split("\n"):
        if control := control_on(line):
            yield control


def control_on(line: str) -> Control | None:
    """Return what a line of a script lets a reader set. A number has the lowest value."""
    found = CONTROL.fullmatch(line.rstrip())
    if found is None:
        return None
    if found["text"] is not None:
        return Control(found["name"], None, found["text"])
    low, high, step = number(found["low"]), number(found["high"]), number(found["step"] or "1")
    return Control(found["name"], Range(low, high, step, found["unit"] or ""), low)
