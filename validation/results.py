"""Results of cases on disk: a JSON line a seed, and a line in front that says of what.

A file belongs to one definition of its case and one state of the package's code. If either changed,
the old rows are set aside and the case is run anew; so a table never mixes two estimators.
"""

import functools
import hashlib
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import genprobe
from genprobe.self_check.case import Case, Truth, Truths

Row = dict[str, Any]

UNCOUNTED = ("cli", "render", "scaffold", "testing", "self_check")
"""Folders of the package that no number depends on; cases are known by their definitions."""


@functools.cache
def code_fingerprint(
    packages: tuple[ModuleType, ...] = (genprobe,), uncounted: tuple[str, ...] = UNCOUNTED
) -> str:
    """A hash of the code that results depend on.

    Args:
        packages: whose code it is.
        uncounted: folders of theirs that nothing depends on.
    """
    found = hashlib.sha256()
    for package in packages:
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            name = path.relative_to(root)
            if name.parts[0] not in uncounted:
                found.update(name.as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:16]


def described(value: Any, sources: set[str]) -> Any:
    """A function with its arguments as plain types; the modules of all functions are collected."""
    if isinstance(value, partial):
        return [
            described(value.func, sources),
            [described(v, sources) for v in value.args],
            {k: described(v, sources) for k, v in value.keywords.items()},
        ]
    if callable(value):
        if value.__module__.split(".")[0] in ("genprobe", "validation"):
            sources.add(value.__module__)
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, Mapping):
        return {k: described(v, sources) for k, v in value.items()}
    return repr(value)


def fingerprint(*parts: Any) -> str:
    """A hash of functions with their arguments and of the modules in which they are."""
    sources: set[str] = set()
    text = json.dumps([described(part, sources) for part in parts], sort_keys=True)
    code = "".join(inspect.getsource(sys.modules[name]) for name in sorted(sources))
    return hashlib.sha256((text + code).encode()).hexdigest()[:16]


def path_of(folder: Path, name: str) -> Path:
    """The file of a case's rows."""
    return folder / f"{name}.jsonl"


def read_rows(folder: Path, name: str, key: str = "seed") -> list[Row]:
    """The rows of a case, whatever it was run with, in the order of their seeds.

    A line that was cut short is passed over.

    Args:
        folder: of the results.
        name: of the case.
        key: which field tells the rows apart; of several the last one counts.
    """
    path = path_of(folder, name)
    if not path.exists():
        return []
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[row[key]] = row
    return [found[value] for value in sorted(found)]


def begin(folder: Path, name: str, header: Mapping[str, str], any_code: bool = False) -> None:
    """Make the file of a case ready: rows of another definition or code are set aside.

    Args:
        folder: of the results.
        name: of the case.
        header: what its rows depend on.
        any_code: whether rows of other code are kept.
    """
    path = path_of(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        there = json.loads(path.read_text(encoding="utf-8").partition("\n")[0])
        if there == header or (any_code and {**there, "code": header["code"]} == header):
            return
        path.replace(path.with_suffix(".old"))
    path.write_text(json.dumps(header) + "\n", encoding="utf-8")


def append(folder: Path, name: str, rows: Iterable[Row]) -> None:
    """Add rows to a case, on a line of their own even if the last one was cut short.

    In one write: several processes may do so at once.
    """
    with path_of(folder, name).open("ab+", buffering=0) as file:
        file.seek(-1, os.SEEK_END)
        cut = "" if file.read(1) == b"\n" else "\n"
        file.write((cut + "".join(json.dumps(row) + "\n" for row in rows)).encode())


def kept_truths(folder: Path, case: Case) -> Truths:
    """The truths of a case, worked out once for each definition.

    Args:
        folder: of the results.
        case: whose truths.
    """
    return {k: Truth(**v) for k, v in kept(folder, case, "truths", case.truths, plain).items()}


def kept_limits(folder: Path, case: Case) -> Mapping[str, float]:
    """What the bounds of a case bound, worked out once for each definition."""
    found: Mapping[str, float] = kept(folder, case, "limits", case.limits, dict)
    return found


def plain(truths: Truths) -> dict[str, Any]:
    """Truths as plain types."""
    return {k: {"value": t.value, "error": t.error, "source": t.source} for k, t in truths.items()}


def kept(
    folder: Path,
    case: Case,
    what: str,
    make: Callable[[], Any],
    as_plain: Callable[[Any], dict[str, Any]],
) -> dict[str, Any]:
    """Something of a case that is read from its file, or made and written there."""
    path, mark = folder / what / f"{case.name}.json", fingerprint(make)
    if path.exists():
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["made_by"] == mark:
            found: dict[str, Any] = content[what]
            return found
    found = as_plain(make())
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"made_by": mark, what: found}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    return found
