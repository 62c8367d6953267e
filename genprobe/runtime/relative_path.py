"""Paths as somebody types them who works in the current folder."""

import os
import re

ABSOLUTE = re.compile(r"(?P<before>|[\w.-]+[=:]|-[\w-]+=(?:[\w.-]+[=:])?)(?P<path>/(?!/).*)", re.S)
"""A path from the root, alone or behind the name of an option, a part or a kind of file."""


def relative(word: str) -> str:
    """A word of a command with its path relative to the current folder; other words as they are.

    Args:
        word: of a command line, such as a path, ``--store=PATH`` or ``idx:PATH``.

    Example:
        >>> relative(os.path.join(os.getcwd(), "runs", "a.h5")), relative("https://example.org")
        ('runs/a.h5', 'https://example.org')
    """
    found = ABSOLUTE.fullmatch(word)
    return word if found is None else found["before"] + os.path.relpath(found["path"])
