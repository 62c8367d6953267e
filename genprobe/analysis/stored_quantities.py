"""What estimators are functions of, from a store: its parts rebuilt by name, its queries drawn."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch

from genprobe.aggregate.counted import counted_queries
from genprobe.aggregate.distinct import DistinctExamples, distinct_examples
from genprobe.aggregate.fitted import FittedMarginal, fit_marginal
from genprobe.aggregate.queries import Queries, draw_queries
from genprobe.aggregate.tally import Tally
from genprobe.analysis.options import Options
from genprobe.encoding.parts import Parts
from genprobe.encoding.resolve import bind_prior, require_fit
from genprobe.errors import ModelError, PluginError
from genprobe.estimators.quantities import Quantities
from genprobe.loaders.codebook import codebook_of
from genprobe.loaders.prior_file import prior_from_file
from genprobe.plugins import plugins
from genprobe.report import Estimate
from genprobe.runtime.progress import Progress, silent
from genprobe.runtime.ranks import ALONE, Ranks
from genprobe.store.format import Header
from genprobe.store.read import Store
from genprobe.types import Family, Likelihood, NamedPrior, Prior, PriorLike


class StoredParts(NamedTuple):
    """What a store's numbers are read by; a part that cannot be rebuilt is None."""

    family: Family
    prior: Prior | None
    likelihood: Likelihood | None


def stored_parts(store: Store, options: Options, parts: Parts | None = None) -> StoredParts:
    """The parts of a store: the model's if they are at hand, else as plugins rebuild them.

    Args:
        store: finished.
        options: for another prior.
        parts: of the model.

    Raises:
        GenprobeError: if no plugin provides the family, or the prior asked for does not fit.
    """
    family = parts.posterior if parts else plugins().get("families", store.header.family)
    return StoredParts(
        family=family,
        prior=choose_prior(store, parts, family, options.prior),
        likelihood=choose_likelihood(store.header, parts),
    )


def quantities_of(
    store: Store,
    known: StoredParts,
    options: Options,
    *,
    device: torch.device | None = None,
    progress: Progress = silent,
    ranks: Ranks = ALONE,
    fit: Callable[[], FittedMarginal] | None = None,
    distinct: DistinctExamples | None,
    tally: Tally | None = None,
) -> Quantities:
    """What estimators are functions of, each worked out when it is first asked for.

    Args:
        store: finished.
        known: its parts.
        options: what the user chose.
        device: as for ``build_report``.
        progress: as for ``build_report``.
        ranks: as for ``build_report``.
        fit: as for ``build_report``.
        distinct: the distinct examples, if some are equal.
        tally: what the queries are to sum by column besides.
    """
    return Quantities(
        store,
        known.family,
        known.prior,
        known.likelihood,
        replaced=options.prior is not None,
        bin_width=options.bin_width,
        draw=functools.partial(
            draw_for,
            store,
            known.family,
            options,
            device=device,
            progress=progress,
            ranks=ranks,
            distinct=distinct,
            tally=tally,
        ),
        fit=fit or functools.partial(fit_best_marginal, store, known.family, progress),
        distinct=distinct,
    )


def draw_for(
    store: Store,
    family: Family,
    options: Options,
    information: Callable[[Queries], Estimate],
    *,
    device: torch.device | None,
    progress: Progress,
    ranks: Ranks,
    distinct: DistinctExamples | None,
    tally: Tally | None,
) -> Queries:
    """As many queries as bring the error of I(n;z) to the tolerance; it is shown on the way.

    Args:
        store: finished.
        family: of its posteriors.
        options: what the user chose.
        information: the estimate of I(n;z) from some queries.
        device: where pairs are worked out; the CPU by default.
        progress: display.
        ranks: the group.
        distinct: the distinct examples, if some are equal.
        tally: what is summed by column besides.
    """

    def error(queries: Queries) -> float:
        found = information(queries)
        error = found.se or 0.0  # none where there is nothing to err on
        progress.say("aggregate", f"I(n;z) {found.value:.3f} ± {error:.3f} nats")
        return error

    if family.certain is not None and tally is None:
        return counted_queries(store, family, distinct)
    return draw_queries(
        store,
        family,
        error,
        tolerance=options.tolerance,
        max_queries=options.max_queries,
        seed=store.header.seed,
        device=device,
        progress=progress,
        ranks=ranks,
        distinct=distinct,
        tally=tally,
    )


def fit_best_marginal(store: Store, family: Family, progress: Progress = silent) -> FittedMarginal:
    """The best marginal among every prior that can be fitted to the codes of a store.

    Args:
        store: finished.
        family: of its posteriors.
        progress: display.

    Raises:
        UnavailableError: if no prior can be fitted.
    """
    return fit_marginal(
        store,
        family,
        plugins().all("priors"),
        seed=store.header.seed,
        progress=progress,
        distinct=distinct_examples(store),
    )


def with_files_read(options: Options) -> Options:
    """The options with the prior and the codebook of a file in the place of its path.

    Args:
        options: what the user chose.

    Raises:
        GenprobeError: if a file holds no such thing, or no prior has that name.
    """
    prior = options.prior if options.prior is None else prior_from_file(options.prior)
    if isinstance(prior, str | NamedPrior):
        plugins().get("priors", prior if isinstance(prior, str) else prior.name)
    return replace(options, prior=prior, codebook=codebook_of(options.codebook))


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
