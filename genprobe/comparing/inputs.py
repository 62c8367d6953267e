"""What is compared: reports from files and stores, each under a name of its own."""

import itertools
import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from genprobe.analysis.options import Options
from genprobe.analysis.report import build_report
from genprobe.comparing.model_names import FILE_KIND, model_names
from genprobe.errors import GenprobeError, StoreError, UsageError
from genprobe.loaders.inspect import inspect_file
from genprobe.report import Report
from genprobe.runtime.jobs import require_importable_script, run_jobs
from genprobe.runtime.near_names import hint
from genprobe.runtime.progress import Progress, silent
from genprobe.runtime.untrusted import reading, require_readable
from genprobe.store.label_terms import SUFFIX as TERMS
from genprobe.store.read import Store, open_store, readable
from genprobe.store.report_cache import (
    SUFFIX,
    cached_report,
    find_store,
    is_outdated,
    parse_report,
    with_terms,
    with_terms_of_store,
    write_cached_report,
)

STORES_A_PROCESS = 8
"""Without a report, from which on starting another process pays."""
SHARDS, PICTURES = ".shards", ".pictures.npz"
"""What may be beside a store, by the end of its name; besides its report."""

log = logging.getLogger("genprobe")


def read_reports(
    sources: Sequence[Report | str | Path], progress: Progress = silent, jobs: int = 1
) -> list[Report]:
    """The reports of all sources, in their order: given, from JSON, kept beside a store, or made.

    Args:
        sources: reports, stores and report files.
        progress: display, told of what takes long: reports that have to be made.
        jobs: processes, at most, that make reports, where there are enough to make.

    Raises:
        GenprobeError: if a file is missing or is neither.
    """
    found = [given(source) for source in sources]
    left = itertools.count(1)
    stores = {one.path: one for one in found if isinstance(one, Store)}

    def tell(_: Report) -> None:
        if len(sources) > 1:
            progress.say("models", f"{next(left)} of {len(sources)}")
        progress.advance("models", 1, len(sources))

    for one in found:
        if isinstance(one, Report):
            tell(one)
    made = dict(zip(stores, made_reports(list(stores.values()), progress, jobs, tell), strict=True))
    return [one if isinstance(one, Report) else made[one.path] for one in found]


def given(source: Report | str | Path) -> Report | Store:
    """A report as given, from JSON or kept beside a store; the store, if none is kept.

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
    cached = cached_report(store)
    return store if cached is None else replace(with_terms(cached, store), store=store)


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
    store = find_store(report, path)
    if store is None:
        return report
    return replace(with_terms_of_store(report, store), store=readable(store))


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


def made_reports(
    stores: Sequence[Store], progress: Progress, jobs: int, on_done: Callable[[Report], None]
) -> list[Report]:
    """The reports of stores without one, in their order.

    Args:
        stores: all different.
        progress: display.
        jobs: processes at most.
        on_done: told of each as soon as it is made.

    Raises:
        GenprobeError: if one cannot be made.
    """
    workers = min(jobs, len(stores) // STORES_A_PROCESS)
    if workers < 2:
        reports = []
        for store in stores:
            reports.append(made_and_kept(store, progress))
            on_done(reports[-1])
        return reports
    require_importable_script()
    made = run_jobs(
        made_by_worker,
        stores,
        jobs=workers,
        stage="report",
        total=len(stores),
        progress=silent,
        on_done=on_done,
    )
    return [replace(report, store=store) for report, store in zip(made, stores, strict=True)]


def made_by_worker(store: Store, progress: Progress) -> Report:
    """The same in another process, which has one thread; without the store."""
    torch.set_num_threads(1)
    return replace(made_and_kept(store, progress), store=None)


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
    """The reports, one that is given twice once, each by what it goes by.

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
    names = model_names(
        [report.model for report, _ in distinct], [origin for _, origin in distinct]
    )
    return {name: report for name, (report, _) in zip(names, distinct, strict=True)}


def named_by(
    wanted: str, origins: Mapping[str, str], models: Mapping[str, str] | None = None
) -> str:
    """The one model that a user means: by what it goes by, its name, or its place.

    ``vae (beta4)`` made from ``runs/beta4.h5`` is also ``runs/beta4.h5``, ``beta4.h5`` and
    ``beta4``.

    Args:
        wanted: as the user wrote it.
        origins: where each model is from, by what it goes by.
        models: the name of each, by what it goes by.

    Raises:
        UsageError: if it names none, or several.
    """
    if wanted in origins:
        return wanted
    own = models or {}
    meant = [
        name
        for name, origin in origins.items()
        if wanted in further_names(name, origin) or wanted == own.get(name)
    ]
    if len(meant) == 1:
        return meant[0]
    raise UsageError(
        f"There is no model {wanted!r} to compare against."
        if not meant
        else f"{wanted!r} to compare against may be any of {len(meant)} models.",
        f"{'' if meant else hint(wanted, origins)}There is {', '.join(meant or origins)}.",
    )


def further_names(name: str, origin: str) -> set[str]:
    """What a model may also be called: its origin or the part of it in its name, and their ends."""
    told = re.search(r"\((.+)\)$", name)
    places = {origin, told[1] if told else ""}
    ends = places | {Path(place).name for place in places}
    return (ends | {FILE_KIND.sub("", end) for end in ends}) - {""}
