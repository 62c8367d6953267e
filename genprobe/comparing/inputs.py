"""What is compared: reports from files and stores, each under a name of its own."""

import dataclasses
import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from genprobe.analysis.options import Options
from genprobe.analysis.report import build_report
from genprobe.comparing.labels import FILE_KIND, labels
from genprobe.errors import GenprobeError, StoreError, UsageError
from genprobe.loaders.inspect import inspect_file
from genprobe.report import Report
from genprobe.runtime.near_names import hint
from genprobe.runtime.progress import Progress, silent
from genprobe.runtime.untrusted import reading, require_readable
from genprobe.store.label_terms import SUFFIX as TERMS
from genprobe.store.read import Store, open_store
from genprobe.store.report_cache import (
    SUFFIX,
    cached_report,
    find_store,
    is_outdated,
    parse_report,
    write_cached_report,
)

SHARDS, PICTURES = ".shards", ".pictures.npz"
"""What may be beside a store, by the end of its name; besides its report."""

log = logging.getLogger("genprobe")


def read_reports(sources: Sequence[Report | str | Path], progress: Progress) -> list[Report]:
    """The reports of all sources, in their order.

    Args:
        sources: reports, stores and report files.
        progress: display, told of what takes long: reports that have to be made.
    """
    found = []
    for i, source in enumerate(sources):
        if len(sources) > 1:
            progress.say("models", f"{i + 1} of {len(sources)}")
        found.append(read_report(source, progress))
        progress.advance("models", 1, len(sources))
    return found


def read_report(source: Report | str | Path, progress: Progress = silent) -> Report:
    """A report as given, from JSON, kept beside a store, or made from it and then kept.

    Args:
        source: to be read.
        progress: display.

    Raises:
        GenprobeError: if the file is missing or is neither.
    """
    if isinstance(source, Report):
        return source
    path = Path(source)
    if os.path.isdir(path):
        raise GenprobeError(f"{path} is a folder.", f"Give what is in it: {path}/*.h5.")
    require_readable(path, "store or report")
    with path.open("rb") as file:
        start = file.read(1)
    if start == b"{":
        return report_in(path)
    store = store_at(path)
    return cached_report(store) or made_and_kept(store, progress)


def report_in(path: Path) -> Report:
    """The report in a JSON file, with its store if that is at hand.

    Raises:
        GenprobeError: if it is not a report, or of a newer schema.
    """
    with reading(path, "text"):
        text = path.read_text(encoding="utf-8")
    try:
        report, _ = parse_report(text)
    except GenprobeError as error:
        raise GenprobeError(
            error.what.replace("This JSON", str(path), 1),
            error.remedy or "Give stores, or reports that evaluate --json wrote of one model.",
        ) from error
    return dataclasses.replace(report, store=find_store(report, path))


def store_at(path: Path) -> Store:
    """The store in a file.

    Raises:
        GenprobeError: if it is none; saying so if it is a checkpoint.
    """
    try:
        return open_store(path)
    except StoreError as error:
        if inspect_file(path).kind == "unknown":
            raise
        raise GenprobeError(
            f"{path} is a checkpoint, not a store or report.",
            f"Evaluate it first: genprobe evaluate {path} --store {path.stem}.h5",
        ) from error


def without_side_files(sources: Sequence[Report | str | Path]) -> list[Report | str | Path]:
    """Sources but for what genprobe itself put beside stores, as ``runs/*`` names that too.

    Pictures are never compared; a report or shards are passed over where their store is given.

    Args:
        sources: to be compared.
    """
    given = {Path(source) for source in sources if not isinstance(source, Report)}
    cache_path = {p.with_name(p.name + end) for p in given for end in (SUFFIX, SHARDS, TERMS)}
    return [
        source
        for source in sources
        if isinstance(source, Report)
        or not (Path(source) in cache_path or str(source).endswith((PICTURES, TERMS)))
    ]


def made_and_kept(store: Store, progress: Progress) -> Report:
    """The report of a store, kept beside it so that it is made only once.

    One that is there and answers something else, as on another prior, stays.
    """
    facts = {"store": str(store.path)}
    report = build_report(store, Options(), progress=progress, provenance=facts)
    if is_outdated(store):
        write_cached_report(report, store.path)
    return report


def place_of(source: Report | str | Path, report: Report) -> str:
    """Where a report is from: its file or else its store; empty where it is in neither."""
    if not isinstance(source, Report):
        return str(source)
    return str(report.provenance.get("store") or "")


def told_apart(reports: Sequence[Report], origins: Sequence[str]) -> dict[str, Report]:
    """The reports, one that is given twice once, each by its label.

    Args:
        reports: of any models.
        origins: where each is from; empty where nothing says.
    """
    distinct: list[tuple[Report, str]] = []
    for report, origin in zip(reports, origins, strict=True):
        if any(report == other for other, _ in distinct):
            log.warning("%s (%s) is given twice and shown once.", report.model, origin)
        else:
            distinct.append((report, origin))
    names = labels([report.model for report, _ in distinct], [origin for _, origin in distinct])
    return {name: report for name, (report, _) in zip(names, distinct, strict=True)}


def named_by(
    wanted: str, origins: Mapping[str, str], models: Mapping[str, str] | None = None
) -> str:
    """The one model that a user means: by its label, its name, or what tells it from the others.

    ``vae (beta4)`` made from ``runs/beta4.h5`` is also ``runs/beta4.h5``, ``beta4.h5`` and
    ``beta4``.

    Args:
        wanted: as the user wrote it.
        origins: where each model is from, by its label.
        models: the name of each, by its label.

    Raises:
        UsageError: if it names none, or several.
    """
    if wanted in origins:
        return wanted
    own = models or {}
    meant = [
        name
        for name, origin in origins.items()
        if wanted in short_names(name, origin) or wanted == own.get(name)
    ]
    if len(meant) == 1:
        return meant[0]
    raise UsageError(
        f"There is no model {wanted!r} to compare against."
        if not meant
        else f"{wanted!r} to compare against may be any of {len(meant)} models.",
        f"{'' if meant else hint(wanted, origins)}There is {', '.join(meant or origins)}.",
    )


def short_names(name: str, origin: str) -> set[str]:
    """What a model may also be called: its origin or the part of it in its name, and their ends."""
    told = re.search(r"\((.+)\)$", name)
    places = {origin, told[1] if told else ""}
    ends = places | {Path(place).name for place in places}
    return (ends | {FILE_KIND.sub("", end) for end in ends}) - {""}
