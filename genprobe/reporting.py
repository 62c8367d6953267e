"""From a finished store to a report: estimates, dimensions, regime, warnings, provenance."""

import platform
from collections.abc import Mapping
from typing import Any

import torch

from genprobe._version import __version__
from genprobe.aggregate.queries import draw_queries
from genprobe.binding import bind_prior
from genprobe.encode import Parts
from genprobe.errors import PluginError
from genprobe.estimators.dimensions import dimensions
from genprobe.estimators.quantities import Estimator, Quantities, estimate
from genprobe.manager import plugins
from genprobe.notices import report_notices
from genprobe.progress import Progress, silent
from genprobe.regimes import Entropy, bootstrap, place, smallest
from genprobe.store.read import Store
from genprobe.types import Estimate, Notice, Prior, Regime, Report

OWN_BOUND = "this model's R + D"


def report_from_store(
    store: Store,
    *,
    parts: Parts | None = None,
    prior: str | Prior | None = None,
    tolerance: float = 0.01,
    max_queries: int | None = None,
    entropy: float | None = None,
    bin_width: float | None = None,
    estimators: Mapping[str, Estimator] | None = None,
    progress: Progress = silent,
    provenance: Mapping[str, Any] | None = None,
) -> Report:
    """The report of a finished store; no model is needed.

    Args:
        store: finished.
        parts: of the model, if they are at hand; else plugins rebuild them by name.
        prior: another prior than the store was made with.
        tolerance: wanted Monte Carlo standard error of I(n;z), nats.
        max_queries: most queries of the aggregate posterior.
        entropy: an upper bound on the entropy of the data, nats.
        bin_width: δ of quantised data under a density.
        estimators: by name; by default every registered one.
        progress: display.
        provenance: further facts.

    Raises:
        GenprobeError: if the store is damaged, or names a family that no plugin provides.
    """
    header = store.header
    family = parts.posterior if parts else plugins().get("families", header.family)
    chosen = choose_prior(store, parts, prior)
    quantities = Quantities(
        store,
        family,
        chosen,
        replaced=prior is not None,
        bin_width=bin_width,
        draw=lambda: draw_queries(
            store,
            family,
            tolerance=tolerance,
            max_queries=max_queries,
            seed=header.seed,
            progress=progress,
        ),
    )
    estimates, absent = estimate(estimators or plugins().all("estimators"), quantities)
    latents = dimensions(quantities.mean_moments, quantities.rate_moments)
    data_notices = store.notices()
    notices = report_notices(
        estimates,
        latents,
        rate_analytic=quantities.rate_analytic,
        discrete=header.discrete,
        bin_width=bin_width,
        max_error=quantities.max_error if quantities.queried else None,
    )
    report = Report(
        model=header.model,
        dataset=header.dataset,
        n=header.n,
        estimates=estimates,
        dimensions=latents,
        regime=regime_of(quantities, estimates, data_notices, entropy),
        warnings=[*data_notices, *notices],
        provenance={
            **describe_run(store, quantities),
            "prior": header.prior if chosen is None else chosen.name,
            "tolerance": tolerance,
            "bin_width": bin_width,
            "absent": absent,
            **(provenance or {}),
        },
    )
    plugins().manager.hook.genprobe_report_ready(report=report, store=store)
    return report


def choose_prior(store: Store, parts: Parts | None, wanted: str | Prior | None) -> Prior | None:
    """The prior asked for, else the model's, else as a plugin rebuilds it; None if none can."""
    latent = torch.Size(store.header.latent_shape)
    if wanted is not None:
        return bind_prior(wanted, latent, store.prior_params())
    if parts is not None:
        return parts.prior
    try:
        return bind_prior(store.header.prior, latent, store.prior_params())
    except PluginError:
        return None


def regime_of(
    quantities: Quantities,
    estimates: Mapping[str, Estimate],
    notices: list[Notice],
    entropy: float | None,
) -> Regime:
    """The regime, by position where the distortion is a log-probability of the data."""
    header = quantities.header
    rate, distortion = estimates.get("rate"), estimates.get("distortion")
    grey = any(notice.code == "bernoulli-on-grey" for notice in notices)
    probability = (header.discrete and not grey) or quantities.bin_width is not None
    bounds = [
        Entropy(value=value, source=source)
        for value, source in ((entropy, "given"), (header.entropy, "the data set"))
        if value is not None
    ]
    if rate is None:
        rate = plugins().get("estimators", "rate")(quantities.rate, quantities.rate_analytic)
    if distortion is None or not probability:
        return place(rate, distortion, None, smallest(bounds))
    bounds.append(Entropy(value=rate.value + distortion.value, source=OWN_BOUND))
    replicates = bootstrap(quantities.rate.mean(0), quantities.distortion.mean(0), header.seed)
    return place(rate, distortion, replicates, smallest(bounds))


def describe_run(store: Store, quantities: Quantities) -> dict[str, Any]:
    """Plain facts that reproduce a report."""
    header = store.header
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
        "queries": len(quantities.query) if quantities.queried else 0,
        "max_error": quantities.max_error if quantities.queried else None,
    }
