"""The report cache: the last report of a store, and the way from a report back to its store.

``s.h5`` has its last report in ``s.h5.report.json``. Nothing depends on the file: where it is
missing or of another store, the report is made again.
"""

import contextlib
import logging
import math
import os
from dataclasses import replace
from pathlib import Path

from genprobe._version import __version__
from genprobe.errors import GenprobeError
from genprobe.report import Report
from genprobe.store.read import Store, open_store

log = logging.getLogger("genprobe")

SUFFIX = ".report.json"
SAME = (
    "model_fingerprint",
    "dataset_fingerprint",
    "context_fingerprint",
    "family",
    "likelihood",
    "draws",
    "seed",
    "dtype",
)
"""What a report's provenance and a store's header must agree on, besides N."""


WHAT_IF = {"prior", "entropy", "estimators", "max_queries"}
"""Options of ``evaluate`` whose report is not the one that a store stands for."""


FAILED = "estimator-failed"
"""The warning of a report that lacks what a plugin may give the next time."""


def cache_path(store: Path) -> Path:
    """The file of a store's cached report."""
    return store.with_name(store.name + SUFFIX)


def write_cached_report(report: Report, store: Path) -> None:
    """Write the cached report of a store, whole or not at all; a read-only folder is no fault.

    Args:
        report: made from the store.
        store: its path.
    """
    path = cache_path(store)
    aside = path.with_name(f"{path.name}.{os.getpid()}.partial")  # others may write theirs
    try:
        aside.write_text(report.to_json(), encoding="utf-8")
        os.replace(aside, path)
    except (OSError, ValueError, GenprobeError) as error:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        log.info("No report is kept beside %s: %s", store, error)


def cached_report(store: Store) -> Report | None:
    """The cached report of a store, if it is of this store, this genprobe and the model's prior.

    A report on another prior or a given Ĥ answers "what if", and must not stand for the model; one
    in which an estimator failed is made again.
    """
    try:
        report = Report.from_json(cache_path(store.path).read_text(encoding="utf-8"))
        facts = report.provenance
        whole = all(notice.code != FAILED for notice in report.warnings)
        plain = facts["genprobe"] == __version__ and not WHAT_IF & facts.get("asked", {}).keys()
        rate = float(store.column("probes/rate").mean())
        same = matches_store(report, store) and math.isclose(
            report["rate"].value, rate, rel_tol=1e-6
        )
    except (OSError, LookupError, TypeError, ValueError, AttributeError, GenprobeError):
        return None
    return replace(report, store=store) if plain and whole and same else None


def find_store(report: Report, read_from: Path) -> Store | None:
    """The store a report was made from, if it is where the report says or next to its file.

    Args:
        report: read from a file.
        read_from: that file.
    """
    named = Path(str(report.provenance.get("store") or read_from.name.removesuffix(SUFFIX)))
    for path in (named, read_from.parent / named.name):
        try:
            store = open_store(path)
        except (OSError, GenprobeError):
            continue
        if matches_store(report, store):
            return store
    return None


def matches_store(report: Report, store: Store) -> bool:
    """Whether a report says of itself what the store says."""
    facts, header = report.provenance, store.header
    return report.n == header.n and all(facts.get(k) == getattr(header, k) for k in SAME)
