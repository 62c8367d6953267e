"""The report cache: the last report of a store, and the way from a report back to its store.

``s.h5`` has its last report in ``s.h5.report.json``. Nothing depends on the file: where it is
missing or of another store, the report is made again.
"""

import contextlib
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from xxhash import xxh3_128_hexdigest

from genprobe._version import __version__
from genprobe.errors import GenprobeError
from genprobe.report import FAILED, Report
from genprobe.runtime.output_file import replace_file
from genprobe.runtime.untrusted import read_whole
from genprobe.store.intact import seal_of
from genprobe.store.label_terms import read_label_terms, write_label_terms
from genprobe.store.whole import WholeStore, whole_store

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


KEPT = "kept"
"""What the provenance of a cached report has besides: the seal of its store, and a checksum."""


def cache_path(store: Path) -> Path:
    """The file of a store's cached report."""
    return store.with_name(store.name + SUFFIX)


def write_cached_report(report: Report, store: Path) -> None:
    """Write the cached report of a store, whole or not at all; a read-only folder is no fault.

    Args:
        report: made from the store.
        store: its path.
    """
    try:
        content = json.loads(report.to_json())
        checksum = checksum_of(content)
        content["provenance"][KEPT] = {"store": seal_of(store), "checksum": checksum}
        text = json.dumps(content, indent=2).encode()
        replace_file(cache_path(store), lambda file: file.write(text))
        write_label_terms(report, store, checksum)
    except (OSError, ValueError, GenprobeError) as error:
        log.info("No report is kept beside %s: %s", store, error)


def checksum_of(content: dict[str, Any]) -> str:
    """The xxh3-128 of a report in plain types, in hexadecimal."""
    return xxh3_128_hexdigest(json.dumps(content, sort_keys=True).encode())


def parse_report(text: str) -> tuple[Report, str]:
    """A report from JSON; if it was kept beside a store, what tells which.

    Raises:
        GenprobeError: if it is no report, or is not as it was kept.
    """
    report = Report.from_json(text)
    if KEPT not in report.provenance:
        return report, ""
    content = json.loads(text)
    kept = content["provenance"].pop(KEPT)
    if not isinstance(kept, dict) or kept.get("checksum") != checksum_of(content):
        raise GenprobeError(
            "This JSON was changed since genprobe kept it beside a store.",
            "Give the store itself: its report is made again.",
        )
    return replace(report, provenance=content["provenance"]), str(kept.get("store"))


def cached_report(store: WholeStore) -> Report | None:
    """The cached report of a store, if it is of this store, this genprobe and the model's prior.

    A report on another prior or a given Ĥ answers "what if", and must not stand for the model; one
    in which an estimator failed is made again.
    """
    report = report_beside(store)
    if report is None:
        return None
    whole = all(notice.code != FAILED for notice in report.warnings)
    current = report.provenance.get("genprobe") == __version__
    return report if whole and current and is_plain(report) else None


def report_beside(store: WholeStore) -> Report | None:
    """The report that was last kept beside a store, if it is of this store, whatever it answers."""
    with contextlib.suppress(UnicodeDecodeError, GenprobeError):
        report, seal = parse_report(read_whole(cache_path(store.path)).decode())
        return report if seal == store.seal else None
    return None


def with_terms(report: Report, store: WholeStore) -> Report:
    """A cached report with what its label information is a mean of, where that is at hand."""
    if not report.labels:
        return report
    checksum = checksum_of(json.loads(report.to_json()))
    terms = read_label_terms(store.path, checksum, store.header.n)
    labels = {k: replace(v, terms=terms.get(k)) for k, v in report.labels.items()}
    return replace(report, labels=labels)


def with_terms_of_store(report: Report, store: WholeStore) -> Report:
    """A report from a file with the terms of the one beside its store, of labels told alike there.

    Args:
        report: read from a file.
        store: that it was made from.
    """
    beside = report_beside(store) if report.labels else None
    if beside is None:
        return report
    known = with_terms(beside, store).labels
    labels = {k: known[k] if known.get(k) == v else v for k, v in report.labels.items()}
    return replace(report, labels=labels)


def is_outdated(store: WholeStore) -> bool:
    """Whether the report that is kept answers what that of this genprobe would.

    What was asked for otherwise stays, and so does what somebody changed.
    """
    with contextlib.suppress(UnicodeDecodeError, GenprobeError):
        report, _ = parse_report(read_whole(cache_path(store.path)).decode())
        return is_plain(report) and matches_store(report, store)
    return not cache_path(store.path).exists()


def is_plain(report: Report) -> bool:
    """Whether a report is the one that its store stands for."""
    asked = report.provenance.get("asked", {})
    return isinstance(asked, dict) and not WHAT_IF & asked.keys()


def find_store(report: Report, read_from: Path) -> WholeStore | None:
    """The store a report was made from, if it is where the report says or next to its file.

    Args:
        report: read from a file.
        read_from: that file.
    """
    named = Path(str(report.provenance.get("store") or read_from.name.removesuffix(SUFFIX)))
    for path in (named, read_from.parent / named.name):
        try:
            store = whole_store(path)
        except (OSError, GenprobeError):
            continue
        if matches_store(report, store):
            return store
    return None


def matches_store(report: Report, store: WholeStore) -> bool:
    """Whether a report says of itself what the store says."""
    facts, header = report.provenance, store.header
    return report.n == header.n and all(facts.get(k) == getattr(header, k) for k in SAME)
