"""A page of Markdown as a Jupyter notebook."""

import json
import re
from typing import Any

FENCE = re.compile(r"^```(python|console)\n(.*?)^```\n?", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w-]+\.(?:py|toml))\n")
"""The first line of code that is to be a file: a comment with its name."""


def notebook(page: str) -> str:
    """The JSON of a notebook whose cells are the text and the fences of a page.

    Args:
        page: Markdown, whose fences of ``python`` and ``console`` run.
    """
    pieces = FENCE.split(page)
    cells = [text_cell(pieces[0])]
    for language, code, text in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        cells += [code_cell(language, code.rstrip("\n")), text_cell(text)]
    kept = [cell for cell in cells if cell["source"]]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": kept, "metadata": kernel, "nbformat": 4, "nbformat_minor": 4})


def text_cell(text: str) -> dict[str, Any]:
    """Markdown, without the marks of tabs and cards that a notebook does not know."""
    lines = [line for line in text.splitlines() if not line.startswith(":::")]
    return {"cell_type": "markdown", "metadata": {}, "source": "\n".join(lines).strip()}


def code_cell(language: str, code: str) -> dict[str, Any]:
    """Code; commands and files by the magic that a notebook has for them."""
    named = FILE.match(code)
    if language == "console":
        code = re.sub(r"^\$ ", "!", code, flags=re.MULTILINE)
    elif named:
        code = f"%%writefile {named[1]}\n{code}"
    outputs: list[Any] = []
    cell = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": outputs}
    return {**cell, "source": code}
