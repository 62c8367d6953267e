r"""Names from files as they are shown: what could move a cursor, colour or turn a line is spelt.

Whoever makes a file chooses its names, so everything that shows some passes here: the renderers
with the record they are given, errors with their words, and log lines with their arguments.
"""

import dataclasses
import logging
import unicodedata
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, TypeVar, cast

__all__ = ["escape"]

T = TypeVar("T")


def escape(text: str) -> str:
    r"""A text in which every character that shows nothing of itself is spelt, as ``\x1b``.

    These are controls, line ends, marks of direction and of no width, and halves of characters.

    >>> print(escape("red\x1b[31m\r\n"), escape("a\u202eb\ufeff"), escape("β ± 中"))
    red\x1b[31m\r\n a\u202eb\ufeff β ± 中
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or is_blank(c) else ascii(c)[1:-1] for c in text)


def is_blank(character: str) -> bool:
    """Whether a character is a space of some width."""
    return unicodedata.category(character) == "Zs"


def escaped(record: T) -> T:
    r"""A record with every text in it escaped; the record itself where there is nothing to escape.

    Args:
        record: of dataclasses, mappings, lists, tuples and plain values. Fields of a dataclass that
            are no part of its content (``compare=False``) stay as they are.

    >>> escaped({"a\n": ["b\t", 0.5]})
    {'a\\n': ['b\\t', 0.5]}
    """
    found: Any = record
    if isinstance(record, str):
        found = escape(record)
    elif isinstance(record, Mapping):
        pairs = [(escaped(key), escaped(value)) for key, value in record.items()]
        same = all(k is a and v is b for (k, v), (a, b) in zip(pairs, record.items(), strict=True))
        found = record if same else dict(pairs)
    elif isinstance(record, list | tuple) and type(record) in (list, tuple):
        items = type(record)(map(escaped, record))
        found = record if all(a is b for a, b in zip(items, record, strict=True)) else items
    elif dataclasses.is_dataclass(record) and not isinstance(record, type):
        fields = {f.name: getattr(record, f.name) for f in dataclasses.fields(record) if f.compare}
        changed = {name: escaped(value) for name, value in fields.items()}
        same = all(changed[name] is value for name, value in fields.items())
        found = record if same else dataclasses.replace(record, **changed)
    return cast(T, found)


def escape_arguments(record: logging.LogRecord) -> bool:
    """A filter of log lines that lets all pass, with the texts and paths in them escaped."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            escape(str(value)) if isinstance(value, str | PurePath) else value
            for value in record.args
        )
    return True


logging.getLogger("genprobe").addFilter(escape_arguments)
