"""Untrusted JSON, read into numbers that are numbers, and checked against a JSON Schema.

As much of JSON Schema (2020-12) as the schemas of genprobe use; the tests hold it against the
library jsonschema, which would bring a compiled library with it.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}
LARGEST = 2**63


def parse(text: str) -> Any:
    """What JSON text says, without numbers that are none.

    Args:
        text: of any kind.

    Raises:
        ValueError: if it is no JSON, or has a number beyond float64 or 64 bits, NaN among them.
        RecursionError: if it is nested too deeply.

    Example:
        >>> parse('{"n": 1e999}')
        Traceback (most recent call last):
            ...
        ValueError: 1e999 is no number
    """
    return json.loads(text, parse_constant=refuse_number, parse_float=finite, parse_int=whole)


def refuse_number(text: str) -> NoReturn:
    """Refuse a number that is none, such as NaN.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"{text[:20]} is no number")


def finite(text: str) -> float:
    """A number that float64 has."""
    found = float(text)
    return found if math.isfinite(found) else refuse_number(text)


def whole(text: str) -> int:
    """A whole number of 64 bits."""
    found = int(text) if len(text) <= len(str(-LARGEST)) else LARGEST
    return found if abs(found) < LARGEST else refuse_number(text)


def require_valid(content: Any, schema: Mapping[str, Any]) -> None:
    """Check that content is what a schema says.

    Args:
        content: plain types.
        schema: without references to others.

    Raises:
        ValueError: naming the first place that is not.

    Example:
        >>> require_valid({"n": "3"}, {"properties": {"n": {"type": ["integer", "null"]}}})
        Traceback (most recent call last):
            ...
        ValueError: n is "3", not integer or null
    """
    fault = next(faults(content, schema, ""), None)
    if fault is not None:
        raise ValueError(fault)


def faults(content: Any, schema: Mapping[str, Any], place: str) -> Iterator[str]:
    """What is wrong with content, in words.

    Args:
        content: of a part.
        schema: of that part.
        place: the part, as a dotted path.
    """
    where = place or "it"
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(is_of(content, kind) for kind in kinds):
        yield f"{where} is {shown(content)}, not {' or '.join(kinds)}"
        return
    if content not in schema.get("enum", [schema.get("const", content)]):
        yield f"{where} is {shown(content)}, which it cannot be"
    if isinstance(content, int | float) and not isinstance(content, bool):
        yield from faults_of_number(content, schema, where)
    elif isinstance(content, str):
        if not re.search(schema.get("pattern", ""), content):
            yield f"{where} is {shown(content)}, which it cannot be"
        if len(content) < schema.get("minLength", 0):
            yield f"{where} is empty"
    elif isinstance(content, list):
        yield from faults_of_array(content, schema, place)
    elif isinstance(content, dict):
        yield from faults_of_object(content, schema, place)


def faults_of_number(content: float, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    """What is wrong with a number."""
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    if not low <= content <= high:
        yield f"{where} is {shown(content)}, not from {low} to {high}"


def faults_of_array(content: list[Any], schema: Mapping[str, Any], place: str) -> Iterator[str]:
    """What is wrong with a list."""
    if not schema.get("minItems", 0) <= len(content) <= schema.get("maxItems", len(content)):
        yield f"{place or 'it'} has {len(content)} entries"
    first = schema.get("prefixItems", [])
    for i, item in enumerate(content):
        inner = first[i] if i < len(first) else schema.get("items", {})
        yield from faults(item, inner, f"{place}[{i}]")


def faults_of_object(
    content: dict[str, Any], schema: Mapping[str, Any], place: str
) -> Iterator[str]:
    """What is wrong with a mapping."""
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name in schema.get("required", []):
        if name not in content:
            yield f"{place or 'it'} has no {name}"
    for name, value in content.items():
        inner = f"{place}.{name}" if place else name
        yield from faults(name, schema.get("propertyNames", {}), f"the name {inner}")
        if name in known:
            yield from faults(value, known[name], inner)
        elif isinstance(others, Mapping):
            yield from faults(value, others, inner)
        elif not others:
            yield f"{inner} is nothing that is known"


def is_of(content: Any, kind: str) -> bool:
    """Whether content is of a type; a truth value is no number, though Python says so."""
    if isinstance(content, bool):
        return kind == "boolean"
    return isinstance(content, TYPES[kind])


def shown(content: Any) -> str:
    """A value as JSON has it, shortened."""
    if isinstance(content, dict | list):
        return "an object" if isinstance(content, dict) else "an array"
    text = json.dumps(content)
    return text if len(text) <= 40 else f"{text[:39]}…"
