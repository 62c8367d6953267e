"""The provenance of a report: plain facts of the store, of the options and of what was fitted."""

import dataclasses
import math
import platform
from collections.abc import Mapping
from typing import Any

import torch

from genprobe._version import __version__
from genprobe.aggregate.queries import DRAWS, first_queries
from genprobe.analysis.options import Options
from genprobe.encoding.probe_settings import settings_by_probe
from genprobe.estimators.quantities import Quantities
from genprobe.report import BOUNDS_ALONE, Estimate

CLOSE = 50
"""The number of queries needed is found to one part in so many."""
FEWEST = 400
"""Fewer queries do not know their own error."""


def count_queries(quantities: Quantities, tolerance: float) -> dict[str, int | None]:
    """Queries made, how many the tolerance takes, and how many the plain paired estimator would.

    The plain one draws independently, so the variance of its terms says what it needs. Neither is
    said below FEWEST.
    """
    if not quantities.has("queries"):
        return {"queries": 0, "queries_needed": None, "plain_queries": None}
    queries = quantities.queries
    terms = (queries.log_qz_x - queries.log_qz).flatten()
    return {
        "queries": len(queries),
        "queries_needed": needed(quantities, tolerance),
        "plain_queries": max(FEWEST, math.ceil(float(terms.var(correction=0)) / tolerance**2)),
    }


def needed(quantities: Quantities, tolerance: float) -> int | None:
    """The fewest queries that reach a tolerance, by trying: the estimate is made from as many.

    An error cannot be carried over to another number of queries. Once every example is taken their
    spread is gone from it, and with fewer of them there are fewer control variates. Where all
    queries do not reach the tolerance their number grows as one over the square of the error.

    None where the error is not known. Never fewer than know their own error.

    Args:
        quantities: of the store, with its queries made.
        tolerance: wanted standard error, nats.
    """
    queries, found = quantities.queries, quantities.mutual_information.se
    if found is None:
        return None

    def reached(count: int) -> bool:
        error = quantities.information(first_queries(queries, count)).se
        return error is not None and error <= tolerance

    made = len(queries)
    if found > tolerance:
        return math.ceil(made * (found / tolerance) ** 2)
    low, high = min(FEWEST, made) - 1, made
    if reached(low + 1):
        return low + 1
    while high - low > max(DRAWS, high // CLOSE):
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def describe_fit(
    quantities: Quantities, estimates: Mapping[str, Estimate]
) -> dict[str, Any] | None:
    """Which fitted prior did best, and how the others did."""
    if "rate_fitted_prior" not in estimates:
        return None
    fitted = quantities.fitted
    return {
        "rung": fitted.candidate,
        "folds": fitted.folds,
        "mean_log_density": dict(fitted.scores),
    }


def describe_scale(quantities: Quantities, estimates: Mapping[str, Estimate]) -> float | None:
    """The likelihood's scale, where it was fitted to the whole data set."""
    stated = {"distortion", *BOUNDS_ALONE} & estimates.keys()
    if not stated or quantities.fitted_scale is None:
        return None
    return quantities.fitted_scale.scale


def chain_facts(said: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a diffusion model: its steps, and how many of an example were looked at."""
    plan = said["plan"]
    looked = {"looked_at": 2 * plan["steps"], "decoded": 2 * plan["decoded"]}
    return {k: said[k] for k in ("steps", "predicts", "variance")} | looked


def describe_run(
    quantities: Quantities, estimates: Mapping[str, Estimate], options: Options
) -> dict[str, Any]:
    """Plain facts that reproduce a report.

    Args:
        quantities: of the store, with all estimates made.
        estimates: by name.
        options: what the user chose.
    """
    header = quantities.header
    probes = settings_by_probe(quantities.store.notices())
    return {
        "genprobe": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "model_fingerprint": header.model_fingerprint,
        "dataset_fingerprint": header.dataset_fingerprint,
        "family": header.family,
        "likelihood": header.likelihood,
        "binarize": header.binarize,
        "event_shape": list(header.event_shape),
        "draws": header.draws,
        "seed": header.seed,
        "dtype": header.dtype,
        "training": dict(header.training),
        "context": list(header.context),
        **({} if quantities.distinct is None else {"distinct_examples": len(quantities.distinct)}),
        "context_fingerprint": header.context_fingerprint,
        **({"teacher_forced": True} if header.teacher_forced else {}),
        **({} if header.encoder else {"encoder": False}),
        **({} if header.diffusion is None else {"diffusion": chain_facts(header.diffusion)}),
        **({"probes": {k: v[0] for k, v in probes.items() if len(v) == 1}} if probes else {}),
        "fitted_prior": describe_fit(quantities, estimates),
        **count_queries(quantities, options.tolerance),
        "fitted_scale": describe_scale(quantities, estimates),
        "max_error": quantities.max_error if quantities.has("queries") else None,
        "skipped": quantities.queries.skipped if quantities.has("queries") else None,
        "tolerance": options.tolerance,
        "bin_width": options.bin_width,
        "regime_cuts": dataclasses.asdict(options.cuts),
    }
