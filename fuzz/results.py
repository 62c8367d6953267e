"""Results on disk: a JSON line a case, and a line in front that says of which code they are."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import fuzz
import genprobe

Row = dict[str, Any]


def code_fingerprint() -> str:
    """A hash of the package's code, and of what tries it."""
    found = hashlib.sha256()
    for module in (genprobe, fuzz):
        root = Path(str(module.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            found.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:16]


def begin(path: Path, any_code: bool) -> None:
    """Make a file of rows ready; rows of other code are set aside, unless any code will do."""
    header = {"code": code_fingerprint()}
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        there = json.loads(path.read_text(encoding="utf-8").partition("\n")[0])
        if any_code or there == header:
            return
        path.replace(path.with_suffix(".old"))
    path.write_text(json.dumps(header) + "\n", encoding="utf-8")


def append(path: Path, row: Row) -> None:
    """Add a row, in one write: several processes may do so at once."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def read_rows(path: Path) -> list[Row]:
    """The last row of each case; a line that was cut short is passed over."""
    if not path.exists():
        return []
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[row["case"]] = row
    return list(found.values())


def missing(path: Path, names: Iterable[str]) -> set[str]:
    """Those of some cases that have no row."""
    return {*names} - {row["case"] for row in read_rows(path)}
