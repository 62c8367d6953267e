"""Untrusted JSON, read into numbers that are numbers, and checked against a JSON Schema."""

import json
import math
import textwrap
from collections.abc import Mapping
from typing import Any, NoReturn

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
        schema: of JSON Schema 2020-12.

    Raises:
        ValueError: naming the first place that is not.

    Example:
        >>> require_valid({"n": "3"}, {"properties": {"n": {"type": ["integer", "null"]}}})
        Traceback (most recent call last):
            ...
        ValueError: n: '3' is not of type 'integer', 'null'
    """
    from jsonschema import Draft202012Validator  # as slow to import as all else that is needed

    fault = next(Draft202012Validator(schema).iter_errors(content), None)
    if fault is None:
        return
    whole, place = repr(fault.instance), fault.json_path.removeprefix("$").removeprefix(".")
    said = fault.message.removeprefix(whole)
    if said != fault.message:
        said = textwrap.shorten(whole, 40, placeholder=" …") + said
    raise ValueError(f"{place}: {said[:200]}" if place else said[:200])


def without_infinities(facts: Any) -> Any:
    """Plain facts with words in place of numbers that JSON does not have.

    They are others' facts, such as a loss that a checkpoint recorded, and cost no report.

    >>> without_infinities({"loss": [1.0, math.nan], "best": math.inf})
    {'loss': [1.0, 'nan'], 'best': 'inf'}
    """
    if isinstance(facts, Mapping):
        return {key: without_infinities(value) for key, value in facts.items()}
    if isinstance(facts, (list, tuple)):
        return [without_infinities(value) for value in facts]
    return str(facts) if isinstance(facts, float) and not math.isfinite(facts) else facts
