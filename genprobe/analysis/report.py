"""From a finished store to a report: estimates, dimensions, regime, warnings, provenance."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from genprobe.aggregate.distinct import distinct_examples
from genprobe.aggregate.fitted import FittedMarginal
from genprobe.analysis.decoder_alone import UNPLACED
from genprobe.analysis.diffusion import UNPLACED as WITHOUT_REGIME
from genprobe.analysis.diffusion import tolerance_missed
from genprobe.analysis.evidence import columns_of, evidence_of
from genprobe.analysis.findings import findings, stakes
from genprobe.analysis.labels import asked_labels, given_to_model
from genprobe.analysis.levels import progressive_curve, stated_levels
from genprobe.analysis.options import Options
from genprobe.analysis.provenance import describe_run
from genprobe.analysis.refitted_prior import prior_of_these
from genprobe.analysis.regimes import DEFAULT_CUTS, Cuts, Entropy, place, smallest, undetermined
from genprobe.analysis.replicates import bound_of_examples, resampled_points, resampled_slopes
from genprobe.analysis.sections import sections_of
from genprobe.analysis.stored_labels import TalliedLabels, tallied_labels
from genprobe.analysis.stored_quantities import (
    quantities_of,
    stored_parts,
    with_files_read,
)
from genprobe.analysis.withheld import stated, stated_channels, stated_dimensions, vacuous
from genprobe.encoding.parts import Parts
from genprobe.encoding.probe_settings import SETTINGS
from genprobe.encoding.probed import ABSENT
from genprobe.errors import Notice
from genprobe.estimators.annealing import NOT_ASKED
from genprobe.estimators.call import Estimator, estimate
from genprobe.estimators.dimensions import dimensions
from genprobe.estimators.quantities import Quantities
from genprobe.plugins import plugins
from genprobe.report import OWN, Dimension, Estimate, Regime, Report
from genprobe.runtime.progress import Progress, silent
from genprobe.runtime.ranks import ALONE, Ranks
from genprobe.store.format import Header
from genprobe.store.read import Store
from genprobe.types import Family, PriorLike


def report_from_store(
    store: Store,
    *,
    prior: PriorLike | None = None,
    tolerance: float = 0.01,
    max_queries: int | None = None,
    entropy: float | None = None,
    bin_width: float | None = None,
    estimators: Mapping[str, Estimator] | Collection[str] | None = None,
    cuts: Cuts = DEFAULT_CUTS,
    device: torch.device | None = None,
    progress: Progress = silent,
    leaks: Collection[str] | None = None,
) -> Report:
    """The report of a finished store; no model is needed.

    Args:
        store: finished.
        prior: another prior than the store was made with.
        tolerance: wanted Monte Carlo standard error of I(n;z), nats.
        max_queries: most queries of the aggregate posterior.
        entropy: an upper bound on the entropy of the data, nats.
        bin_width: δ of quantised data under a density.
        estimators: names of registered ones, or functions by name; by default every registered one.
        cuts: thresholds of the regimes.
        device: where the aggregate posterior is worked out; the CPU by default.
        progress: display.
        leaks: names of labels of the store of which the code should know nothing, besides those
            that are marked there.

    Raises:
        UsageError: if a choice makes no sense, or the store has no such label.
        GenprobeError: if the store is damaged, or names a family that no plugin provides.

    Example:
        >>> import tempfile, torch, genprobe
        >>> params = {"loc": torch.arange(50.0)[:, None], "scale": torch.full((50, 1), 0.01)}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     made = genprobe.evaluate_posteriors(params, store=f"{folder}/s.h5")
        ...     again = genprobe.report_from_store(genprobe.open_store(f"{folder}/s.h5"))
        >>> again["rate"] == made["rate"]
        True
    """
    facts = {"store": store.path, "device": str(device or "cpu")}
    options = Options.from_arguments({**locals(), **facts, "leaks": None})
    options.require_valid()
    return build_report(store, options, device=device, progress=progress, leaks=leaks)


def build_report(
    store: Store,
    options: Options,
    *,
    parts: Parts | None = None,
    device: torch.device | None = None,
    progress: Progress = silent,
    ranks: Ranks = ALONE,
    fit: Callable[[], FittedMarginal] | None = None,
    provenance: Mapping[str, Any] | None = None,
    leaks: Collection[str] | None = None,
) -> Report:
    """The report of a finished store, with options that were checked.

    Args:
        store: finished.
        options: what the user chose.
        parts: of the model, if they are at hand; else plugins rebuild them by name.
        device: where the aggregate posterior is worked out; the CPU by default.
        progress: display.
        ranks: the group whose others ``serve_queries``; rank 0 alone calls this.
        fit: gives the fitted marginal; by default ``fit_best_marginal`` of this store.
        provenance: further facts.
        leaks: as for ``report_from_store``.

    Raises:
        GenprobeError: if the store is damaged, or names a family that no plugin provides.
    """
    options = with_files_read(options)
    known = stored_parts(store, options, parts)
    distinct = distinct_examples(store)
    labels = tallied_labels(asked_labels(store, leaks or ()), distinct)
    quantities = quantities_of(
        store,
        known,
        options,
        device=device,
        progress=progress,
        ranks=ranks,
        fit=fit,
        distinct=distinct,
        tally=labels.tally,
    )
    prior = store.header.prior if known.prior is None else known.prior.name
    facts = {"prior": prior, **(provenance or {})}
    report = estimate_report(store, known.family, quantities, options, facts, labels, progress)
    plugins().tell("genprobe_report_ready", report=report, store=store)
    return report


def estimate_report(
    store: Store,
    family: Family,
    quantities: Quantities,
    options: Options,
    provenance: Mapping[str, Any],
    labels: TalliedLabels,
    progress: Progress,
) -> Report:
    """Estimate everything and put it into a report.

    Args:
        store: finished.
        family: of its posteriors.
        quantities: of the store.
        options: what the user chose.
        provenance: further facts.
        labels: of the store.
        progress: display.
    """
    header, wanted, observed = store.header, options.estimators, quantities.observations
    estimates, absent, failed = estimate(
        plugins().all("estimators") if wanted is None else wanted, quantities
    )
    coded = header.encoder and header.diffusion is None
    latents = latents_of(quantities) if coded else ()
    found = sections_of(store, family, quantities, estimates, options, labels, progress)
    said = [
        *(n for n in store.notices() if not n.code.startswith((ABSENT, SETTINGS))),
        *([] if family.notice is None else [family.notice]),
        *prior_of_these(options.prior, header),
    ]
    regime = regime_of(quantities, estimates, said, options)
    evidence = replace(
        evidence_of(store, family, quantities, estimates, latents, options, [*failed, *said]),
        labels=found.labels,
        labels_given=given_to_model(store, labels.labels) if labels.labels else (),
        inference=found.inference,
        channels=found.channels,
        tokens=found.tokens,
        levels=found.levels,
        progressive=found.along_time,
    )
    missed = tolerance_missed(estimates, store, options.tolerance)
    if missed is not None:
        evidence = replace(evidence, missed=missed)
    of_code = {**estimates, **({"rate": found.levels[0]["rate"]} if found.levels else {})}
    reasons, at_stake = {**absent, **found.unsaid}, stakes(evidence)
    facts = {
        **describe_run(quantities, estimates, options),
        "absent": {k: why for k, why in reasons.items() if why != NOT_ASKED},
        "vacuous": vacuous(of_code),
        **({"at_stake": at_stake} if at_stake else {}),
        **({"labels_given": evidence.labels_given} if labels.labels else {}),
        **provenance,
    }
    return Report(
        model=header.model,
        dataset=header.dataset,
        n=header.n,
        estimates={**stated(estimates, observed), **entropy_estimate(regime, header.n)},
        dimensions=stated_dimensions(latents, observed),
        regime=regime,
        warnings=findings(evidence),
        provenance=facts,
        labels=found.labels,
        inference=found.inference,
        channels=stated_channels(found.channels, observed),
        grid=found.grid,
        tokens=found.tokens,
        levels=stated_levels((*found.levels, *found.octaves), observed),
        progressive=found.along_time or progressive_curve(store, quantities),
        store=store,
    )


def latents_of(quantities: Quantities) -> Sequence[Dimension]:
    """The latent dimensions of a store."""
    # The marginals q(z_d) cost as much as all else: what nobody asked for is not worked out here.
    return dimensions(
        quantities.mean_moments,
        quantities.rate_moments,
        quantities.dimension_kl if quantities.has("log_qzj") else None,
    )


def regime_of(
    quantities: Quantities,
    estimates: Mapping[str, Estimate],
    notices: Sequence[Notice],
    options: Options,
) -> Regime:
    """The regime, by position where the distortion is a log-probability of the data, and slope.

    Args:
        quantities: of the store.
        estimates: by name.
        notices: what was said while encoding.
        options: for the bound on the entropy and the cuts.
    """
    header = quantities.header
    grey = any(notice.code == "bernoulli-on-grey" for notice in notices)
    probability = (header.discrete and not grey) or quantities.bin_width is not None
    if not header.encoder:
        known = bounds_alone(header, estimates, options.entropy) if probability else []
        return undetermined(smallest(known), UNPLACED)
    rate, distortion = estimates.get("rate"), estimates.get("distortion")
    if header.diffusion is not None:
        known = []
        if probability and rate is not None and distortion is not None:
            known = entropy_bounds(header, estimates, rate, distortion, options.entropy)
        return undetermined(smallest(known), WITHOUT_REGIME)
    if rate is None and "rate" not in columns_of(quantities):
        return undetermined(None, "the rate of a point is infinite")
    if rate is None:
        rate = plugins().get("estimators", "rate")(quantities.rate, quantities.rate_analytic)
    slope = estimates.get("slope")
    slopes = None if slope is None else resampled_slopes(quantities)
    bound, replicates = None, None
    if distortion is not None and probability:
        bound = smallest(entropy_bounds(header, estimates, rate, distortion, options.entropy))
    if bound is not None:
        if bound.source.startswith(OWN):
            bound = replace(bound, each=bound_of_examples(quantities, bound.value))
        replicates = resampled_points(quantities, bound)
    n = quantities.observations
    return place(rate, distortion, slope, bound, replicates, slopes, options.cuts, n=n)


def entropy_bounds(
    header: Header,
    estimates: Mapping[str, Estimate],
    rate: Estimate,
    distortion: Estimate,
    entropy: float | None,
) -> list[Entropy]:
    """Every upper bound on the entropy of the data that is known, with its source."""
    own = Entropy(value=rate.value + distortion.value, source=OWN + "R + D")
    return [*bounds_alone(header, estimates, entropy), own]


def bounds_alone(
    header: Header, estimates: Mapping[str, Estimate], entropy: float | None
) -> list[Entropy]:
    """Those that do not rest on the encoder's R and D."""
    known = [(entropy, "given"), (header.entropy, "the data set")]
    if "iwae_bound" in estimates:
        known.append((estimates["iwae_bound"].value, f"{OWN}IWAE bound (K = {header.draws})"))
    if "ais_bound" in estimates and not header.encoder:
        known.append((estimates["ais_bound"].value, f"{OWN}AIS bound"))
    return [Entropy(value=value, source=source) for value, source in known if value is not None]


def entropy_estimate(regime: Regime, n: int) -> dict[str, Estimate]:
    """Ĥ as an estimate, where there is one."""
    if regime.entropy is None:
        return {}
    bound = Estimate(
        name="entropy_bound", value=regime.entropy, se=None, se_data=None, kind="upper", n=n
    )
    return {"entropy_bound": bound}
