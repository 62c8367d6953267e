"""The suite of a family of posteriors: density, draws, and every function that it offers."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.distributions import Distribution, kl_divergence
from torch.distributions.constraints import Constraint

from genprobe.aggregate import log_aggregate
from genprobe.aggregate.blocks import size_of
from genprobe.encoding.checks import require_params
from genprobe.encoding.resolve import bind_prior
from genprobe.errors import ModelError
from genprobe.testing.family_checks import (
    functions_of,
    require_mean,
    require_pairs,
    require_wider,
)
from genprobe.testing.measure import (
    Measure,
    measure_of,
    require_drawn_from,
    require_unit_mass,
)
from genprobe.testing.suite import (
    Suite,
    double,
    evaluated_and_reopened,
    lookup,
    numbers,
    of_one,
    one_by_one,
    plain_prior,
    provided,
    require_one_device,
    require_same_estimates,
    rows,
    support_of,
    unchanged,
    where_defined,
)
from genprobe.types import Family, Model, Params, PriorLike

DRAWS = 20_000
FEW = 16
"""Draws a posterior where every pair is looked at."""


class FamilyTests(Suite):
    """Tests of a ``Family``.

    Attributes:
        part: the family.
        params: parameters of two or more posteriors that differ, each (batch, ...); of a z small
            enough that its density can be summed or integrated.
        support: where z lies, if the distribution does not say.
        priors: those whose closed-form KL with this family is to be checked, as a Model takes them.
    """

    part: Family
    params: Params
    support: Constraint | None = None
    priors: Sequence[PriorLike] = ()

    def measure(self, distribution: Distribution, draws: Tensor) -> Measure:
        """Points over all z of one posterior; override it where torch does not know the support.

        Args:
            distribution: of batch shape (1,).
            draws: (n, *event) of it.
        """
        return measure_of(draws, self.support or support_of(distribution))

    @property
    def distribution(self) -> Distribution:
        """The example posteriors, float64."""
        return self.part.distribution(double(self.params))

    def posteriors(self) -> list[Distribution]:
        """The example posteriors one by one, each of batch shape (1,)."""
        return [self.part.distribution(one) for one in one_by_one(double(self.params))]

    def points(self) -> Tensor:
        """Some draws of every example posterior (m, *event)."""
        z: Tensor = self.distribution.sample(torch.Size([FEW]))
        return z.flatten(0, 1)

    def looped(self, z: Tensor, params: Params) -> Tensor:
        """Log q(z_m|x_n) of every pair (m, n) by the density itself, float64."""
        each = [self.part.distribution(one) for one in one_by_one(double(params))]
        return torch.stack([of_one(q)(z) for q in each], 1).double()

    def test_params_are_those_that_the_constraints_name(self) -> None:
        """The examples have the right names and pass the constraints."""
        assert size_of(self.params) >= 2, "params must be of two or more posteriors"
        require_params("the example", self.part, double(self.params), size_of(self.params), 0)

    def test_parameters_that_are_not_finite_are_refused_by_name(self) -> None:
        """An encoder that gives nan or infinity is told which parameter and which example."""
        for name, values in double(self.params).items():
            for bad in (torch.nan, torch.inf):
                spoilt = {**double(self.params), name: values.index_fill(0, torch.tensor(1), bad)}
                with pytest.raises(ModelError, match=f"{name}.*example 1"):
                    require_params("the example", self.part, spoilt, size_of(self.params), 0)

    def test_what_the_constraints_let_through_has_a_density(self) -> None:
        """No parameter that the constraints allow gives a density that is nan."""
        for name, values in double(self.params).items():
            for what, changed in (("negative", -values), ("0", 0 * values)):
                params = {**double(self.params), name: changed}
                if not self.allowed(params):
                    continue
                try:
                    log_q = self.part.distribution(params).log_prob(self.distribution.sample())
                except (RuntimeError, ValueError) as error:
                    raise AssertionError(
                        f"the constraints allow a {name} that is {what}; the density then raises: "
                        f"{error}"
                    ) from error
                assert not log_q.isnan().any(), (
                    f"the constraints allow a {name} that is {what}, for which the density is nan"
                )

    def allowed(self, params: Params) -> bool:
        """Whether every parameter passes its constraint."""
        checks = (self.part.constraints[k].check(v) for k, v in params.items())  # type: ignore[no-untyped-call]
        return all(bool(check.all()) for check in checks)

    def test_shapes(self) -> None:
        """One distribution an example, whose event is one whole z."""
        q, batch = self.distribution, size_of(self.params)
        assert q.batch_shape == (batch,), (
            f"the batch shape is {tuple(q.batch_shape)}, not ({batch},): wrap it in Independent"
        )
        assert self.part.event_shape(self.params) == q.event_shape
        z = q.sample(torch.Size([3]))
        assert z.shape == (3, batch, *q.event_shape), f"three draws have the shape {z.shape}"
        log_q = q.log_prob(z)
        assert log_q.shape == (3, batch), f"log_prob of three draws has the shape {log_q.shape}"

    def test_precision_is_that_of_the_parameters(self) -> None:
        """Float64 parameters give float64 densities; float32 ones nearly the same numbers."""
        z = self.distribution.sample()
        log_q = self.distribution.log_prob(z)
        assert log_q.dtype == torch.float64, f"log_prob is {log_q.dtype} for float64 parameters"
        single = self.part.distribution({k: v.float() for k, v in self.params.items()})
        if z.dtype == torch.float64:
            drawn = single.sample().dtype
            assert drawn == torch.float32, f"draws are {drawn} for float32 parameters"
            z, log_q = z.float(), self.distribution.log_prob(z.float().double())
        torch.testing.assert_close(single.log_prob(z).double(), log_q, rtol=1e-3, atol=1e-3)

    def test_tensors_stay_on_their_device(self) -> None:
        """Nothing mixes the CPU with the device of the parameters."""
        z = self.points()
        for what, call in functions_of(self.part, self.params, z):
            require_one_device(lambda device, call=call: call(device), what)  # type: ignore[misc]

    def test_its_functions_leave_their_arguments_as_they_are(self) -> None:
        """Nothing is changed in place."""
        params, z, part = double(self.params), self.points(), self.part
        offset, narrow = z.double().mean(0), torch.full((size_of(params),), -0.1).double()
        calls: dict[str, Callable[[Params], object] | None] = {
            "distribution": lambda p: part.distribution(p).log_prob(z[:, None]),
            "natural": part.natural,
            "translate": part.translate and (lambda p: part.translate(p, offset)),
            "cross_log_prob": part.cross_log_prob and (lambda p: part.cross_log_prob(z, p)),
            "widen": part.widen and (lambda p: part.widen(p, narrow)),
        }
        for name, call in calls.items():
            assert call is None or unchanged(params, call), f"{name} changes its parameters"

    def test_density_has_mass_one(self) -> None:
        """The density of every example posterior sums or integrates to one."""
        for i, q in enumerate(self.posteriors()):
            measure = self.measure(q, self.drawn(q, DRAWS // 4))
            require_unit_mass(measure, of_one(q), f"the density of posterior {i}")

    def test_draws_follow_the_density(self) -> None:
        """Moments of the draws are those of the density."""
        for i, q in enumerate(self.posteriors()):
            draws = self.drawn(q)
            require_drawn_from(draws, self.measure(q, draws), of_one(q), f"posterior {i}")

    def drawn(self, q: Distribution, count: int = DRAWS) -> Tensor:
        """Draws (count, *event) of one posterior."""
        z: Tensor = q.sample(torch.Size([count]))
        return z[:, 0]

    def test_draws_lie_in_the_support(self) -> None:
        """No draw is outside, and none has a density that is not finite."""
        q = self.distribution
        z = q.sample(torch.Size([1000]))
        support = self.support or where_defined(lambda: q.support)
        if support is not None:
            assert support.check(z).all(), f"a draw lies outside the support {support}"  # type: ignore[no-untyped-call]
        assert q.log_prob(z).isfinite().all(), "log_prob of a draw is not finite"

    def test_draws_come_from_the_global_generator(self) -> None:
        """The same seed gives the same draws, another seed others: runs can be resumed."""
        drawn = []
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            drawn.append(self.distribution.sample(torch.Size([100])))
        assert torch.equal(drawn[0], drawn[1]), "torch.manual_seed does not fix the draws"
        assert not torch.equal(drawn[0], drawn[2]), "torch.manual_seed does not change the draws"

    def test_mean_variance_and_entropy_are_those_of_the_draws(self) -> None:
        """Each that the distribution defines, within five standard errors."""
        q = self.distribution
        z = q.sample(torch.Size([DRAWS])).double()
        centred = (z - z.mean(0)).square()
        for name, found, terms in (
            ("mean", where_defined(lambda: q.mean), z),
            ("variance", where_defined(lambda: q.variance), centred),
            ("entropy", where_defined(q.entropy), -q.log_prob(z.to(q.sample().dtype))),
        ):
            if found is not None and found.isfinite().all():
                require_mean(found, terms, f"the {name} of the distribution")

    def test_divergence_of_two_posteriors_is_that_of_the_draws(self) -> None:
        """KL(q_0‖q_n), where torch knows it, is the mean of log q_0 − log q_n."""
        first = rows(double(self.params), [0] * size_of(self.params))
        q, p = self.part.distribution(first), self.distribution
        z = q.sample(torch.Size([DRAWS]))
        found = where_defined(lambda: kl_divergence(q, p))
        if found is not None and found.isfinite().all():
            require_mean(found, q.log_prob(z) - p.log_prob(z), "the divergence of posteriors")

    def test_divergence_from_the_priors_is_that_of_the_draws(self) -> None:
        """KL(q‖p) of every prior given, where it knows it."""
        q = self.distribution
        z = q.sample(torch.Size([DRAWS]))
        for given in self.priors:
            prior = bind_prior(given, q.event_shape, {}, family=self.part, example=self.params)
            found = prior.kl(self.part, double(self.params))
            if found is not None:
                require_mean(found, q.log_prob(z) - prior.log_prob(z), f"KL from {prior.name}")

    def test_natural_form_is_the_density_of_every_pair(self) -> None:
        """The statistics · eta − log_partition + log_base = log q(z_m|x_n)."""
        natural, sufficient = self.part.natural, self.part.sufficient
        assert (natural is None) == (sufficient is None), "give natural and sufficient, or neither"
        if natural is None or sufficient is None:
            return
        z, params = self.points(), double(self.params)
        (eta, log_partition), (statistics, log_base) = natural(params), sufficient(z.double())
        n, m = size_of(params), len(z)
        assert eta.dim() == 2, f"eta has the shape {tuple(eta.shape)}, not (batch, k)"
        assert eta.shape == (n, statistics.shape[-1]), (
            f"eta has the shape {tuple(eta.shape)}; {n} posteriors and "
            f"{statistics.shape[-1]} statistics need ({n}, {statistics.shape[-1]})"
        )
        assert log_partition.shape == (n,), f"log_partition has the shape {log_partition.shape}"
        assert log_base.shape == (m,), f"log_base has the shape {log_base.shape}"
        found = statistics @ eta.T - log_partition + log_base[:, None]
        require_pairs(found, self.looped(z, params), "the natural form")

    def test_cross_log_prob_is_the_density_of_every_pair(self) -> None:
        """It is (m, n), and log q(z_m|x_n)."""
        if self.part.cross_log_prob is None:
            return
        z, params = self.points(), double(self.params)
        found = self.part.cross_log_prob(z, params)
        require_pairs(found, self.looped(z, params), "cross_log_prob")

    def test_aggregate_posterior_is_the_mean_of_the_densities(self) -> None:
        """What genprobe makes of the family's functions is log 1/N Σ_n q(z|x_n)."""
        if self.part.natural is None and self.part.cross_log_prob is None:
            return
        z, params = self.points(), double(self.params)
        found = log_aggregate(z.double(), self.part, params).log_qz
        pairs = self.looped(z, params)
        truth = pairs.logsumexp(1) - torch.tensor(size_of(params)).double().log()
        torch.testing.assert_close(found, truth, rtol=1e-3, atol=1e-3)

    def test_translation_is_the_density_of_the_shifted_variable(self) -> None:
        """Parameters of z − offset are those of z, moved."""
        if self.part.translate is None:
            return
        z, params = self.points().double(), double(self.params)
        offset = z.mean(0) + 1.5
        moved = self.part.translate(params, offset)
        assert moved.keys() == params.keys(), "translate gives other parameters than it takes"
        require_pairs(self.looped(z - offset, moved), self.looped(z, params), "translate")

    def test_widening_is_by_example_and_can_be_differentiated(self) -> None:
        """Scales grow by e^ε, each example's by its own, along draws with a gradient."""
        if self.part.widen is None:
            return
        params, z = double(self.params), self.points()
        zero = torch.zeros(size_of(params), dtype=torch.float64)
        same = self.looped(z, self.part.widen(params, zero))
        require_pairs(same, self.looped(z, params), "widen by ε = 0")
        epsilon = zero.index_fill(0, torch.tensor(1), 0.5).requires_grad_()
        wide = self.part.widen(params, epsilon)
        with torch.no_grad():
            found, was = self.looped(z, wide), self.looped(z, params)
            require_pairs(found[:, 0], was[:, 0], "widen of another example")
            assert not torch.allclose(found[:, 1], was[:, 1]), "widen by ε = 0.5 changes nothing"
        q = self.part.distribution(wide)
        assert q.has_rsample, "a family with widen needs draws with a gradient (rsample)"
        (gradient,) = torch.autograd.grad(q.rsample().square().sum(), epsilon)
        assert gradient[1] != 0, "the draws do not depend on ε"
        require_wider(self.part, wide, params)

    def test_bound_lies_above_every_density_of_its_cell(self) -> None:
        """``upper`` is no less than log q of any component, near and far."""
        if self.part.upper is None:
            return
        params, z = double(self.params), self.points()
        z = torch.cat([z, z.double().mean(0) + 3 * (z - z.double().mean(0))])
        pairs = self.looped(z, params)
        for name, cells, truth in (
            ("one cell of all", {k: v[None] for k, v in params.items()}, pairs.amax(1)[:, None]),
            ("a cell for each", {k: v[:, None] for k, v in params.items()}, pairs),
        ):
            bound = self.part.upper(cells)(z)
            assert bound.shape == truth.shape, f"upper has the shape {bound.shape} for {name}"
            below = (truth - bound).amax()
            assert below <= 1e-6, f"upper lies {below:.3g} nats below a density, for {name}"

    def test_symmetry_about_the_mean(self) -> None:
        """A family called symmetric has as much density at the mirror image of every draw."""
        if not self.part.symmetric:
            return
        q = self.distribution
        z = q.sample(torch.Size([FEW]))
        require_pairs(q.log_prob(2 * q.mean - z), q.log_prob(z), "the mirrored draws' density")

    def test_report_survives_the_store(self, tmp_path: Path) -> None:
        """Evaluated into a store and read without the model, the numbers are the same."""
        params = double(self.params)
        prior, factory = plain_prior(self.part, params)
        model = Model(name="example", encode=lookup(params), posterior=self.part, prior=prior)
        with provided(families=[self.part], priors=[factory]):
            reports = evaluated_and_reopened(model, numbers(64, size_of(params)), tmp_path)
        require_same_estimates(*reports, "reopened")
        assert reports[0].provenance["family"] == self.part.name
