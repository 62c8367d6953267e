"""JSON on standard output, whatever its encoding is."""

import sys

import click

from genprobe.cli.spelling import has_all


def print_json(text: str) -> None:
    """Print a JSON text, so that it reads as the same whatever the encoding lacks."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    click.echo(text if has_all(text, encoding) else in_ascii(text))


def in_ascii(text: str) -> str:
    r"""A JSON text with every sign that is not ASCII escaped, for encodings that lack some.

    >>> print(in_ascii('{"name": "β"}'))
    {"name": "\u03b2"}
    """
    import json

    return "".join(c if c.isascii() else json.dumps(c)[1:-1] for c in text)
