"""The closed list of what an estimator may ask for, each computed on first use from the store."""

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.code_moments import posterior_entropy
from genprobe.aggregate.distinct import DistinctExamples, most_information
from genprobe.aggregate.fitted import AGAIN, FittedMarginal, error_of_fits
from genprobe.aggregate.queries import Queries
from genprobe.aggregate.smooth_marginals import marginals_at_queries
from genprobe.aggregate.tokens import Tokens, tokens_of
from genprobe.errors import UnavailableError
from genprobe.estimators.annealing import Annealing, annealing_of
from genprobe.estimators.control_variates import CodeMoments, Controls, code_moments, controls
from genprobe.estimators.dimensions import Moments, dimension_divergences, dimension_moments
from genprobe.estimators.grid_moments import GridMoments, grid_moments
from genprobe.estimators.mutual_information import mutual_information
from genprobe.estimators.pointwise import (
    FixedScale,
    chain_rates,
    distortions,
    fit_scale,
    fixed_scale,
    log_weights,
    rates_under,
    zero_rate_distortion,
)
from genprobe.estimators.probed import generative_samples, probed_column
from genprobe.estimators.rate_fitted_prior import fitted_rates
from genprobe.report import Estimate
from genprobe.store.format import Header
from genprobe.store.read import Store
from genprobe.types import Family, FittedScale, Likelihood, Prior


class Quantities:
    """Arrays and numbers that estimators are functions of; nats, float64.

    Args:
        store: finished.
        family: of its posteriors.
        prior: p(z); None where it cannot be rebuilt, and only what the store says of it is known.
        likelihood: p(x|z); None without a decoder, or where no plugin provides it.
        replaced: whether the prior is another than the store was made with.
        bin_width: δ of quantised data, by which a density becomes a probability.
        draw: makes the queries when first needed, given what estimates I(n;z) from some of them.
        fit: fits the marginals when first needed.
        distinct: the distinct examples, if some are equal.
    """

    def __init__(
        self,
        store: Store,
        family: Family,
        prior: Prior | None,
        likelihood: Likelihood | None,
        *,
        replaced: bool,
        bin_width: float | None,
        draw: Callable[[Callable[[Queries], Estimate]], Queries],
        fit: Callable[[], FittedMarginal],
        distinct: DistinctExamples | None = None,
    ) -> None:
        self.store = store
        self._family = family
        self._prior = prior
        self._likelihood = likelihood
        self._other_prior = prior if replaced else None
        self.bin_width = bin_width
        self._draw = draw
        self._fit = fit
        self.distinct = distinct

    def has(self, name: str) -> bool:
        """Whether an estimator asked for a quantity, so that nothing is left to pay for it."""
        return name in vars(self)

    def _require_spread(self) -> None:
        """Refuse what a posterior that is a point does not have."""
        if self._family.point:
            raise UnavailableError(
                "The code is a point: its rate is infinite, and it has no log q(z)."
            )

    @property
    def header(self) -> Header:
        """What the store says of itself."""
        return self.store.header

    @cached_property
    def n(self) -> int:
        """The number of examples N."""
        return self.store.header.n

    @cached_property
    def log_n(self) -> float:
        """The most that I(n;z) can be: log N, or the entropy of the distinct examples."""
        self._require_spread()
        return most_information(self.n, self.distinct)

    @cached_property
    def which(self) -> Int64[Tensor, " n"] | None:
        """The distinct example that each example is (n,), from 0; None where all differ."""
        return None if self.distinct is None else self.distinct.which

    @cached_property
    def which_probed(self) -> Int64[Tensor, " m"] | None:
        """The same of the examples probed (m,)."""
        return None if self.which is None else self.which[self.store.probed()]

    @property
    def observations(self) -> int:
        """How many distinct examples there are: what errors over the data rest on."""
        return self.n if self.distinct is None else len(self.distinct)

    @cached_property
    def rate(self) -> Float64[Tensor, "draw n"]:
        """KL(q(z|x_n)‖p(z)): (1, n) if analytic, else (draw, n), perhaps of draws of its own."""
        return chain_rates(self.store, self.code_rate)

    @cached_property
    def code_rate(self) -> Float64[Tensor, "draw n"]:
        """The rate of the code that is stored: of the first level of a chain, else all of it."""
        self._require_spread()
        if self._other_prior is None:
            return self.store.column("probes/rate")
        return rates_under(self.store, self._family, self._other_prior)

    @cached_property
    def rate_analytic(self) -> bool:
        """Whether the rate is a closed form."""
        return self.code_rate_analytic and len(self.header.levels) < 2

    @cached_property
    def code_rate_analytic(self) -> bool:
        """Whether the rate of the code that is stored is a closed form."""
        if self._other_prior is None:
            return self.store.header.rate_analytic
        _, params = next(iter(self.store.blocks(1)))
        return self._other_prior.kl(self._family, params) is not None

    @cached_property
    def distortion(self) -> Float64[Tensor, "draw n"]:
        """−log p(x_n|z) at every draw (draw, n), of the bins where a bin width is known."""
        return distortions(self.store, self.fitted_scale, self.bin_width)

    @property
    def fitted_scale(self) -> FittedScale | None:
        """The likelihood's one scale, fitted to all the data; None where there is no such scale."""
        return self._fitted_scale

    @cached_property
    def _fitted_scale(self) -> FittedScale | None:
        return fit_scale(self.store, self._likelihood)

    @property
    def own_scale(self) -> FixedScale | None:
        """The decoder's scale, where it is one constant."""
        return fixed_scale(self.store, self._likelihood, self.bin_width)

    @cached_property
    def log_weight(self) -> Float64[Tensor, "draw n"]:
        """Values of log p(x|z) + log p(z) − log q(z|x) at every draw (draw, n)."""
        self._require_spread()
        if self._other_prior is not None:
            raise UnavailableError("No importance weights under another prior than the model's.")
        return log_weights(self.store, lambda: self.distortion)

    @cached_property
    def rate_slope(self) -> Float64[Tensor, "draw m"]:
        """dR/dε of the examples probed, as every posterior widens by e^ε (1 or draw, m)."""
        return probed_column(self.store, "rate_slope")

    @cached_property
    def distortion_slope(self) -> Float64[Tensor, "draw m"]:
        """dD/dε of the same examples (draw, m)."""
        # At the best scale D does not answer to the scale, so only the factor enters.
        factor = 1.0 if self.fitted_scale is None else self.fitted_scale.factor
        return factor * probed_column(self.store, "distortion_slope")

    @cached_property
    def generative_information(self) -> Float64[Tensor, "draw m"]:
        """Values of log q(z|x) − log p(z) of prior samples and what they decode to (1, m)."""
        return generative_samples(self.store)

    @cached_property
    def annealing(self) -> Annealing:
        """What annealing found of some examples: log weights of its chains, and of posteriors."""
        return annealing_of(self.store, self._other_prior, self.bin_width, self.which)

    @cached_property
    def blind(self) -> float:
        """Distortion of the best constant of the likelihood's family."""
        return zero_rate_distortion(self.store, self._likelihood, self.bin_width)

    @cached_property
    def log_qzj(self) -> Float64[Tensor, "draw some k"]:
        """Values of log q(z_d) of every dimension at the first so many queries (draw, some, k)."""
        return marginals_at_queries(self.z, self.query, self._family, self.store.blocks, self.n)

    @cached_property
    def dimension_kl(self) -> Float64[Tensor, " k"] | None:
        """KL(q(z_d)‖p(z_d)) of every dimension (k,); None where they are not defined."""
        try:
            return dimension_divergences(self._prior, self.z, self.log_qzj)
        except UnavailableError:
            return None

    @cached_property
    def queries(self) -> Queries:
        """The queries of q(z) in one record: N, and their index, z, densities and entropies."""
        self._require_spread()
        return self._draw(self.information)

    @cached_property
    def query(self) -> Int64[Tensor, " m"]:
        """The examples queried (m,)."""
        return self.queries.index

    @cached_property
    def z(self) -> Tensor:
        """The queries (draw, m, *latent)."""
        return self.queries.z

    @cached_property
    def log_qz_x(self) -> Float64[Tensor, "draw m"]:
        """Values of log q(z|x_query) (draw, m)."""
        return self.queries.log_qz_x

    @cached_property
    def log_qz(self) -> Float64[Tensor, "draw m"]:
        """Values of log q(z), the aggregate posterior over all N (draw, m)."""
        return self.queries.log_qz

    @cached_property
    def log_qz_loo(self) -> Float64[Tensor, "draw m"]:
        """Values of log q(z) without the query's own example (draw, m)."""
        return self.queries.log_qz_loo

    @cached_property
    def log_pz(self) -> Float64[Tensor, "draw m"]:
        """Values of log p(z) at the queries (draw, m)."""
        if self._prior is None:
            raise UnavailableError("No log p(z): the prior cannot be rebuilt without the model.")
        return self._prior.log_prob(self.z.double()).double()

    @cached_property
    def index_entropy(self) -> Float64[Tensor, "draw m"]:
        """H[q(n|z)]: what each query leaves open of which example it came from (draw, m)."""
        return self.queries.index_entropy

    @cached_property
    def largest_share(self) -> Float64[Tensor, "draw m"]:
        """The largest posterior's share of q(z) at each query (draw, m)."""
        return self.queries.largest_share

    @cached_property
    def controls(self) -> Controls | None:
        """Control variates of the queries, as mutual_information takes them; None without any."""
        return self._controls_of(self.queries)

    def _controls_of(self, queries: Queries) -> Controls | None:
        if self._code_moments is None:
            return None
        return controls(queries.z, queries.log_qz_x, queries.index, self._code_moments)

    def information(self, queries: Queries) -> Estimate:
        """I(n;z) from some queries."""
        return mutual_information(queries, self._controls_of(queries))

    @cached_property
    def mutual_information(self) -> Estimate:
        """The estimate of I(n;z) from all queries, with its errors."""
        return mutual_information(self.queries, self.controls)

    @cached_property
    def max_error(self) -> float:
        """Largest deviation of log q(z) seen from the float64 difference form, nats."""
        return self.queries.max_error

    @cached_property
    def _code_moments(self) -> CodeMoments | None:
        if self.posterior_entropy is None or self._family.certain is not None:
            return None
        closed = self.code_rate_analytic
        rate = self.code_rate[0] if closed else torch.zeros_like(self.posterior_entropy)
        return code_moments(self.store.blocks, self._family, self.posterior_entropy, rate)

    @cached_property
    def posterior_entropy(self) -> Float64[Tensor, " n"] | None:
        """Entropy of each q(z|x_n) (n,), nats; None where it has no closed form."""
        return posterior_entropy(self.store.blocks(), self._family)

    @cached_property
    def _dimension_moments(self) -> tuple[Moments, Moments | None]:
        return dimension_moments(self.store.blocks(), self._family, self._prior)

    @cached_property
    def mean_moments(self) -> Moments:
        """Mean and variance over examples of the posterior means, by dimension."""
        return self._dimension_moments[0]

    @cached_property
    def rate_moments(self) -> Moments | None:
        """Mean and variance over examples of KL_d, by dimension; None if it does not factorise."""
        return self._dimension_moments[1]

    @cached_property
    def grid(self) -> GridMoments:
        """Moments of every example of a latent with places: of its channels and frequencies."""
        mean, shape = self.mean_moments.mean, self.header.latent_shape
        return grid_moments(self.store.blocks(), self._family, self._prior, mean, shape)

    @cached_property
    def tokens(self) -> Tokens:
        """The class indices of every example, where codes are such and certain."""
        return tokens_of(self.store, self._family)

    @cached_property
    def fitted(self) -> FittedMarginal:
        """The best fitted marginal m(z): the candidate, all scores, log m(z) at every draw."""
        self._require_spread()
        return self._fit()

    @cached_property
    def fitted_rate(self) -> Float64[Tensor, "draw n"]:
        """Values of log q(z|x_n) − log m(z) at every draw (draw, n), m fitted without example n."""
        log_qz_x = self.store.column("draws/log_qz_x")
        return fitted_rates(self.fitted.log_mz, log_qz_x, self.posterior_entropy)

    @cached_property
    def fit_error(self) -> float:
        """Standard error of the mean of those values that the fits alone bring, nats."""
        return error_of_fits(self.fitted)

    def error_of_candidate(self, candidate: str) -> float:
        """The same of the mean under one of the fitted candidates, nats."""
        best = set(self.fitted.picks[:AGAIN]) == {candidate}
        return self.fit_error if best else error_of_fits(self.fitted, candidate)

    @cached_property
    def mean_variance(self) -> Float64[Tensor, " dimension"]:
        """Variance over examples of the posterior mean (dimension,)."""
        found = self.mean_moments.variance()
        if not found.isfinite().all():
            raise UnavailableError(f"No posterior means: the family {self._family.name} has none.")
        return found


QUANTITIES: Mapping[str, str] = {
    name: inspect.getdoc(member) or ""
    for name, member in vars(Quantities).items()
    if isinstance(member, cached_property) and not name.startswith("_")
}
"""Name and meaning of every quantity an estimator may name."""
