"""The closed list of what an estimator may ask for, each computed on first use from the store."""

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.aggregate.queries import Queries
from genprobe.errors import PluginError, UnavailableError
from genprobe.estimators.dimensions import Moments, dimension_moments
from genprobe.probes.rate import rate as pointwise_rate
from genprobe.store.format import Header
from genprobe.store.read import Store
from genprobe.types import Estimate, Family, Prior

Estimator = Callable[..., Estimate]


class Quantities:
    """Arrays and numbers that estimators are functions of; nats, float64.

    Args:
        store: finished.
        family: of its posteriors.
        prior: p(z); None where it cannot be rebuilt, and what the store says of it must do.
        replaced: whether the prior is another than the store was made with.
        bin_width: δ of quantised data, by which a density becomes a probability.
        draw: makes the queries, when first needed.
    """

    def __init__(
        self,
        store: Store,
        family: Family,
        prior: Prior | None,
        *,
        replaced: bool,
        bin_width: float | None,
        draw: Callable[[], Queries],
    ) -> None:
        self._store = store
        self._family = family
        self._prior = prior
        self._replaced = replaced
        self._bin_width = bin_width
        self._draw = draw

    @property
    def queried(self) -> bool:
        """Whether any queries of the aggregate posterior were made."""
        return "_queries" in vars(self)

    @property
    def header(self) -> Header:
        """What the store says of itself."""
        return self._store.header

    @property
    def bin_width(self) -> float | None:
        """δ of quantised data, if known."""
        return self._bin_width

    @cached_property
    def _queries(self) -> Queries:
        return self._draw()

    @cached_property
    def n(self) -> int:
        """The number of examples N."""
        return self._store.header.n

    @cached_property
    def log_n(self) -> float:
        """Log N."""
        return math.log(self.n)

    @cached_property
    def rate(self) -> Float64[Tensor, "draw n"]:
        """KL(q(z|x_n)‖p(z)): (1, n) if analytic, else (draw, n)."""
        if self._prior is None or not self._replaced:
            return self._store.column("probes/rate")
        return torch.cat(list(self._recomputed_rates()), 1)

    def _recomputed_rates(self) -> Iterable[Float64[Tensor, "draw batch"]]:
        if self._prior is None:
            return
        log_qz_x = self._store.column("draws/log_qz_x")
        for start, params in self._store.blocks():
            index = torch.arange(start, start + len(next(iter(params.values()))))
            draws = range(self._store.header.draws)
            z = torch.stack([self._store.gather("draws/z", draw, index) for draw in draws])
            log_pz = self._prior.log_prob(z.double()).double()
            yield pointwise_rate(self._family, self._prior, params, log_qz_x[:, index], log_pz)

    @cached_property
    def rate_analytic(self) -> bool:
        """Whether the rate is a closed form."""
        if self._prior is None or not self._replaced:
            return self._store.header.rate_analytic
        _, params = next(iter(self._store.blocks(1)))
        return self._prior.kl(self._family, params) is not None

    @cached_property
    def distortion(self) -> Float64[Tensor, "draw n"]:
        """−log p(x_n|z) at every draw (draw, n), of the bins where a bin width is known."""
        if not self._store.has("probes/distortion"):
            raise UnavailableError("No distortion: the model has no decoder.")
        values = self._store.column("probes/distortion")
        if self._bin_width is None or self._store.header.discrete:
            return values
        return values - math.prod(self._store.header.event_shape) * math.log(self._bin_width)

    @cached_property
    def query(self) -> Int64[Tensor, " m"]:
        """The example each query was drawn from (m,)."""
        return self._queries.index

    @cached_property
    def z(self) -> Tensor:
        """The queries (m, *latent)."""
        return self._queries.z

    @cached_property
    def log_qz_x(self) -> Float64[Tensor, " m"]:
        """Log q(z|x_query) (m,)."""
        return self._queries.log_qz_x

    @cached_property
    def log_qz(self) -> Float64[Tensor, " m"]:
        """Log q(z), the aggregate posterior over all N (m,)."""
        return self._queries.density.log_qz

    @cached_property
    def log_qz_loo(self) -> Float64[Tensor, " m"]:
        """Log q(z) without the query's own example (m,)."""
        log_qz_loo = self._queries.density.log_qz_loo
        if log_qz_loo is None:
            raise UnavailableError("No leave-one-out density: the queries have no own example.")
        return log_qz_loo

    @cached_property
    def log_pz(self) -> Float64[Tensor, " m"]:
        """Log p(z) at the queries (m,)."""
        if self._prior is not None and self._replaced:
            return self._prior.log_prob(self.z.double()).double()
        return self._queries.log_pz

    @cached_property
    def largest_share(self) -> Float64[Tensor, " m"]:
        """The largest posterior's share of q(z) at each query (m,)."""
        return self._queries.density.largest_share

    @cached_property
    def max_error(self) -> float:
        """Largest deviation of log q(z) seen from the float64 difference form, nats."""
        return self._queries.density.max_error

    @cached_property
    def _dimension_moments(self) -> tuple[Moments, Moments | None]:
        return dimension_moments(self._store.blocks(), self._family, self._prior)

    @cached_property
    def mean_moments(self) -> Moments:
        """Mean and variance over examples of the posterior means, by dimension."""
        return self._dimension_moments[0]

    @cached_property
    def rate_moments(self) -> Moments | None:
        """Mean and variance over examples of KL_d, by dimension; None if it does not factorise."""
        return self._dimension_moments[1]

    @cached_property
    def mean_variance(self) -> Float64[Tensor, " dimension"]:
        """Variance over examples of the posterior mean (dimension,)."""
        return self.mean_moments.variance()


QUANTITIES: Mapping[str, str] = {
    name: inspect.getdoc(member) or ""
    for name, member in vars(Quantities).items()
    if isinstance(member, cached_property) and not name.startswith("_")
}
"""Name and meaning of every quantity an estimator may name."""


def require_known(name: str, estimator: Estimator) -> None:
    """Check that an estimator asks only for quantities that exist.

    Raises:
        PluginError: naming the unknown one and listing those there are.
    """
    unknown = inspect.signature(estimator).parameters.keys() - QUANTITIES.keys()
    if unknown:
        raise PluginError(
            f"The estimator {name} asks for {', '.join(sorted(unknown))}, which is not a quantity.",
            f"The quantities are {', '.join(QUANTITIES)}.",
        )


def estimate(
    estimators: Mapping[str, Estimator], quantities: Quantities
) -> tuple[dict[str, Estimate], dict[str, str]]:
    """Every estimate that exists for this store, and why the others do not.

    Args:
        estimators: by name.
        quantities: of the store.

    Returns:
        Estimates by name, and reasons by the name of each that is missing.
    """
    found: dict[str, Estimate] = {}
    absent: dict[str, str] = {}
    for name, estimator in estimators.items():
        require_known(name, estimator)
        try:
            needed = {k: getattr(quantities, k) for k in inspect.signature(estimator).parameters}
            found[name] = estimator(**needed)
        except UnavailableError as error:
            absent[name] = str(error)
    return found, absent
