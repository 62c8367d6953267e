"""From a finished store to a report: estimates, dimensions, regime, warnings, provenance."""

import math
import platform
from collections.abc import Callable, Mapping
from typing import Any

import torch

from genprobe._version import __version__
from genprobe.aggregate.fitted import FittedMarginal, fit_marginal
from genprobe.aggregate.queries import Queries, draw_queries
from genprobe.analysis.notices import report_notices
from genprobe.analysis.regimes import DEFAULT_CUTS, Cuts, Entropy, bootstrap, place, smallest
from genprobe.encoding.encode import Parts
from genprobe.encoding.resolve import bind_prior, require_fit
from genprobe.errors import ModelError, PluginError, UsageError
from genprobe.estimators.dimensions import dimensions
from genprobe.estimators.quantities import Estimator, Quantities, estimate
from genprobe.plugins import plugins
from genprobe.report import Estimate, Notice, Regime, Report
from genprobe.runtime.progress import Progress, silent
from genprobe.runtime.ranks import ALONE, Ranks
from genprobe.store.format import Header
from genprobe.store.read import Store
from genprobe.types import Family, Likelihood, Prior, PriorLike

OWN = "this model's "
"""How the source of a bound begins that comes from the model itself."""


def report_from_store(
    store: Store,
    *,
    parts: Parts | None = None,
    prior: PriorLike | None = None,
    tolerance: float = 0.01,
    max_queries: int | None = None,
    entropy: float | None = None,
    bin_width: float | None = None,
    estimators: Mapping[str, Estimator] | None = None,
    cuts: Cuts = DEFAULT_CUTS,
    device: torch.device | None = None,
    progress: Progress = silent,
    provenance: Mapping[str, Any] | None = None,
    ranks: Ranks = ALONE,
    fit: Callable[[], FittedMarginal] | None = None,
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
        cuts: thresholds of the regimes.
        device: where the aggregate posterior is worked out; the CPU by default.
        progress: display.
        provenance: further facts.
        ranks: the group whose others ``follow`` the queries; rank 0 alone calls this.
        fit: gives the fitted marginal; by default ``fit_ladder`` of this store.

    Raises:
        UsageError: if a number that was chosen makes no sense.
        GenprobeError: if the store is damaged, or names a family that no plugin provides.
    """
    require_positive(
        tolerance=tolerance, max_queries=max_queries, bin_width=bin_width, entropy=entropy
    )
    header = store.header
    family = parts.posterior if parts else plugins().get("families", header.family)
    chosen = choose_prior(store, parts, family, prior)
    quantities = Quantities(
        store,
        family,
        chosen,
        choose_likelihood(header, parts),
        replaced=prior is not None,
        bin_width=bin_width,
        draw=lambda information: draw_queries(
            store,
            family,
            told(information, progress),
            tolerance=tolerance,
            max_queries=max_queries,
            seed=header.seed,
            device=device,
            progress=progress,
            ranks=ranks,
        ),
        fit=fit or (lambda: fit_ladder(store, family, progress)),
    )
    estimates, absent, failed = estimate(
        plugins().all("estimators") if estimators is None else estimators, quantities
    )
    wanted = "total_correlation" in estimates
    latents = dimensions(
        quantities.mean_moments,
        quantities.rate_moments,
        quantities.dimension_kl if wanted else None,
    )
    said = [*store.notices(), *([] if family.notice is None else [family.notice])]
    notices = report_notices(
        estimates,
        latents,
        rate_analytic=quantities.rate_analytic,
        discrete=header.discrete,
        bin_width=bin_width,
        max_error=quantities.max_error if quantities.queried else None,
        decoded=header.likelihood is not None,
    )
    regime = regime_of(quantities, estimates, said, entropy, cuts)
    report = Report(
        model=header.model,
        dataset=header.dataset,
        n=header.n,
        estimates={**estimates, **entropy_estimate(regime, header.n)},
        dimensions=latents,
        regime=regime,
        warnings=[*failed, *said, *notices],
        provenance={
            **describe_run(store, quantities, estimates, tolerance),
            "prior": header.prior if chosen is None else chosen.name,
            "tolerance": tolerance,
            "bin_width": bin_width,
            "absent": absent,
            **(provenance or {}),
        },
        store=store,
    )
    plugins().tell("genprobe_report_ready", report=report, store=store)
    return report


def require_positive(**numbers: float | None) -> None:
    """Check numbers that a user chose, by name; None is no choice.

    A bound on the entropy is among them: it is of probabilities, and a bound below zero would make
    an autoencoder of every model.

    Raises:
        UsageError: naming the first that is not positive, or not finite.
    """
    for name, value in numbers.items():
        if value is not None and not 0 < value < math.inf:
            finite = " and finite" if value > 0 else ""
            raise UsageError(f"{name} must be positive{finite}, not {value}.")


def fit_ladder(store: Store, family: Family, progress: Progress = silent) -> FittedMarginal:
    """The best marginal among every prior that can be fitted to the codes of a store.

    Args:
        store: finished.
        family: of its posteriors.
        progress: display.

    Raises:
        UnavailableError: if no prior can be fitted.
    """
    seed = store.header.seed
    return fit_marginal(store, family, plugins().all("priors"), seed=seed, progress=progress)


def told(
    information: Callable[[Queries], Estimate], progress: Progress
) -> Callable[[Queries], float]:
    """The error of I(n;z) from some queries, nats; the estimate is shown whenever it is asked."""

    def error(queries: Queries) -> float:
        found = information(queries)
        error = found.se or 0.0  # none where there is nothing to err on
        progress.say("aggregate", f"I(n;z) {found.value:.3f} ± {error:.3f} nats")
        return error

    return error


def choose_prior(
    store: Store, parts: Parts | None, family: Family, wanted: PriorLike | None
) -> Prior | None:
    """The prior asked for, else the model's, else as a plugin rebuilds it; None if none can."""
    latent, own = torch.Size(store.header.latent_shape), store.header.prior
    if wanted is not None:
        _, example = next(iter(store.blocks(1)))
        saved = store.prior_params() if wanted == own else {}
        chosen = bind_prior(wanted, latent, saved, family=family, example=example)
        require_fit(chosen, family, example, store.header.seed)
        return chosen
    if parts is not None:
        return parts.prior
    saved = store.prior_params()
    try:
        return bind_prior(own, latent, saved)
    except PluginError:
        return None
    except ModelError:
        if saved:
            raise
        return None  # it has a registered name, and none of the tensors of that prior


def choose_likelihood(header: Header, parts: Parts | None) -> Likelihood | None:
    """The model's likelihood, or the one a plugin provides under its name; None without."""
    if parts is not None:
        return parts.likelihood
    if header.likelihood is None:
        return None
    try:
        found: Likelihood = plugins().get("likelihoods", header.likelihood)
    except PluginError:
        return None
    return found


def regime_of(
    quantities: Quantities,
    estimates: Mapping[str, Estimate],
    notices: list[Notice],
    entropy: float | None,
    cuts: Cuts,
) -> Regime:
    """The regime, by position where the distortion is a log-probability of the data, and slope."""
    header = quantities.header
    rate, distortion = estimates.get("rate"), estimates.get("distortion")
    if rate is None:
        rate = plugins().get("estimators", "rate")(quantities.rate, quantities.rate_analytic)
    slope, slopes = estimates.get("slope"), None
    if slope is not None:
        answers = [quantities.rate_slope.mean(0), quantities.distortion_slope.mean(0)]
        means = bootstrap(torch.stack(answers, 1), header.seed + 1)
        slopes = -means[:, 1] / means[:, 0]
    bound, replicates = None, None
    grey = any(notice.code == "bernoulli-on-grey" for notice in notices)
    probability = (header.discrete and not grey) or quantities.bin_width is not None
    if distortion is not None and probability:
        bound = smallest(entropy_bounds(header, estimates, rate, distortion, entropy))
        pairs = [quantities.rate.mean(0), quantities.distortion.mean(0)]
        replicates = bootstrap(torch.stack(pairs, 1), header.seed)
    return place(rate, distortion, slope, bound, replicates, slopes, cuts)


def entropy_bounds(
    header: Header,
    estimates: Mapping[str, Estimate],
    rate: Estimate,
    distortion: Estimate,
    entropy: float | None,
) -> list[Entropy]:
    """Every upper bound on the entropy of the data that is known, with its source."""
    known = [
        (entropy, "given"),
        (header.entropy, "the data set"),
        (rate.value + distortion.value, OWN + "R + D"),
    ]
    if "iwae_bound" in estimates:
        known.append((estimates["iwae_bound"].value, f"{OWN}IWAE bound (K = {header.draws})"))
    return [Entropy(value=value, source=source) for value, source in known if value is not None]


def entropy_estimate(regime: Regime, n: int) -> dict[str, Estimate]:
    """Ĥ as an estimate, where there is one."""
    if regime.entropy is None:
        return {}
    bound = Estimate(
        name="entropy_bound", value=regime.entropy, se=None, se_data=None, kind="upper", n=n
    )
    return {"entropy_bound": bound}


def count_queries(quantities: Quantities, tolerance: float) -> dict[str, int | None]:
    """Queries made, how many the tolerance takes, and how many the plain paired estimator would.

    The plain one draws independently, so the variance of its terms says what it needs. The other
    is from the error that was reached, which falls as one over the root.
    """
    if not quantities.queried:
        return {"queries": 0, "queries_needed": None, "plain_queries": None}
    made = quantities.log_qz.numel()
    error = quantities.information().se or 0.0
    terms = (quantities.log_qz_x - quantities.log_qz).flatten()
    return {
        "queries": made,
        "queries_needed": math.ceil(made * (error / tolerance) ** 2),
        "plain_queries": math.ceil(float(terms.var(correction=0)) / tolerance**2),
    }


def describe_fit(
    quantities: Quantities, estimates: Mapping[str, Estimate]
) -> dict[str, Any] | None:
    """Which fitted prior did best, and how the others did."""
    if "rate_fitted_prior" not in estimates:
        return None
    fitted = quantities.fitted
    return {"rung": fitted.rung, "folds": fitted.folds, "mean_log_density": dict(fitted.scores)}


def describe_scale(quantities: Quantities, estimates: Mapping[str, Estimate]) -> float | None:
    """The likelihood's scale, where it was fitted to the whole data set."""
    if "distortion" not in estimates or quantities.fitted_scale is None:
        return None
    return quantities.fitted_scale.scale


def describe_run(
    store: Store, quantities: Quantities, estimates: Mapping[str, Estimate], tolerance: float
) -> dict[str, Any]:
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
        "context": list(header.context),
        "fitted_prior": describe_fit(quantities, estimates),
        **count_queries(quantities, tolerance),
        "fitted_scale": describe_scale(quantities, estimates),
        "max_error": quantities.max_error if quantities.queried else None,
        "skipped": quantities.skipped if quantities.queried else None,
    }
