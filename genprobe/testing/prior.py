"""The suite of a prior: density, draws, closed-form KL, fit, and what the store keeps of it."""

import contextlib
import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

import pytest
import torch
from torch import Tensor
from torch.distributions import Independent, Laplace, Normal, constraints
from torch.distributions.constraints import Constraint

from genprobe.aggregate.blocks import size_of
from genprobe.errors import GenprobeError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.testing.family import DRAWS
from genprobe.testing.family_checks import require_mean
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
    provided,
    require_same_estimates,
    where_defined,
)
from genprobe.types import Codes, Family, Model, Params, Prior, PriorFactory


class LaplaceOfAnotherKind(Laplace):
    """A Laplace of which torch knows no divergence."""

    def entropy(self) -> Tensor:
        """Not defined."""
        raise NotImplementedError


stranger = Family(
    name="stranger",
    distribution=lambda params: Independent(
        LaplaceOfAnotherKind(params["loc"], params["scale"], validate_args=False),
        params["loc"].dim() - 1,
        validate_args=False,
    ),
    constraints={"loc": constraints.real, "scale": constraints.positive},
    cross_log_prob=None,
)
"""A family that no prior has heard of, with the parameter names of one that many have."""


class PriorTests(Suite):
    """Tests of a ``PriorFactory``, or of a ``Prior`` as a model gives it.

    Attributes:
        part: the factory, or the prior itself.
        event_shape: of one z; small enough that the density can be summed or integrated.
        params: the tensors that the factory builds it from, if any.
        support: where z lies; any real numbers by default.
        posteriors: families with parameters (batch, *event_shape), which the KL is checked with.
            By default, where z is real: diagonal normals, and a family that no prior knows.
    """

    part: PriorFactory | Prior
    event_shape: Sequence[int] = (2,)
    params: Params = {}
    support: Constraint | None = None
    posteriors: Sequence[tuple[Family, Params]] | None = None

    def measure(self, prior: Prior, draws: Tensor) -> Measure:
        """Points over all z; override it where torch does not know the support.

        Args:
            prior: the example.
            draws: (n, *event) of it.
        """
        return measure_of(draws, self.where(prior))

    def where(self, prior: Prior) -> Constraint:
        """The support: as the suite says, or the prior's distribution; else any real numbers."""
        if self.support is not None:
            return self.support
        stated = prior.distribution
        found = None if stated is None else where_defined(lambda: stated.support)
        return constraints.real if found is None else found

    @property
    def prior(self) -> Prior:
        """The example prior."""
        return self.built(self.params)

    def built(self, params: Params) -> Prior:
        """The prior of some tensors."""
        if isinstance(self.part, Prior):
            return self.part
        return self.part.build(torch.Size(self.event_shape), params)

    def examples(self) -> list[tuple[Family, Params]]:
        """Families and parameters, float64, that the prior is tried with."""
        if self.posteriors is not None:
            return [(family, double(params)) for family, params in self.posteriors]
        if self.where(self.prior) not in (constraints.real, constraints.real_vector) and not (
            isinstance(base := self.where(self.prior), constraints.independent)
            and base.base_constraint is constraints.real
        ):
            return []
        loc = torch.randn(3, *self.event_shape, dtype=torch.float64)
        params = {"loc": loc, "scale": 0.3 + loc.abs()}
        return [(diagonal_normal, params), (stranger, params)]

    def test_it_has_the_name_that_rebuilds_it(self) -> None:
        """The store keeps the prior's name, by which the factory is found again."""
        assert self.prior.name == self.part.name, (
            f"the factory {self.part.name!r} builds a prior called {self.prior.name!r}: a store "
            "could not find the way back"
        )

    def test_shapes(self) -> None:
        """One z has the event shape; log_prob takes any number of axes before it."""
        prior, event = self.prior, tuple(self.event_shape)
        z = prior.sample(6)
        assert z.shape == (6, *event), f"six draws have the shape {tuple(z.shape)}"
        for batch in [(6,), (2, 3), (3, 2, 1)]:
            found = prior.log_prob(z.reshape(*batch, *event))
            assert found.shape == batch, f"log_prob of {batch} draws has the shape {found.shape}"
            torch.testing.assert_close(found.flatten(), prior.log_prob(z))

    def test_precision(self) -> None:
        """Float64 codes have a float64 density; float32 ones nearly the same numbers."""
        z = self.prior.sample(100)
        exact = self.prior.log_prob(z.double())
        assert exact.dtype == torch.float64, f"log_prob is {exact.dtype} for float64 codes"
        near = self.prior.log_prob(z.double().float()).double()
        torch.testing.assert_close(near, exact, rtol=1e-3, atol=1e-3)

    def test_density_has_mass_one(self) -> None:
        """It sums or integrates to one over all z."""
        measure = self.measure(self.prior, self.prior.sample(DRAWS // 4))
        require_unit_mass(measure, self.prior.log_prob, f"the prior {self.part.name}")

    def test_draws_follow_the_density(self) -> None:
        """Moments of the draws are those of the density."""
        draws = self.prior.sample(DRAWS)
        measure = self.measure(self.prior, draws)
        require_drawn_from(draws, measure, self.prior.log_prob, f"the prior {self.part.name}")

    def test_draws_have_a_density(self) -> None:
        """It is finite at every draw."""
        assert self.prior.log_prob(self.prior.sample(1000)).isfinite().all()

    def test_draws_come_from_the_global_generator(self) -> None:
        """The same seed gives the same draws, another seed others."""
        drawn = []
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            drawn.append(self.prior.sample(100))
        assert torch.equal(drawn[0], drawn[1]), "torch.manual_seed does not fix the draws"
        assert not torch.equal(drawn[0], drawn[2]), "torch.manual_seed does not change the draws"

    def test_divergence_is_that_of_the_draws(self) -> None:
        """KL(q‖p) is the mean of log q − log p over draws of q, or None; for any family."""
        prior = self.prior
        for family, params in self.examples():
            found = prior.kl(family, params)
            if found is None:
                continue
            assert found.shape == (size_of(params),), f"kl has the shape {tuple(found.shape)}"
            q = family.distribution(params)
            z = q.sample(torch.Size([DRAWS]))
            terms = q.log_prob(z) - prior.log_prob(z.double())
            require_mean(found, terms, f"kl for the family {family.name}")

    def test_its_tensors_rebuild_it(self) -> None:
        """Built again from what the store keeps, it has the same density."""
        z = self.prior.sample(50)
        kept = self.prior.params
        assert all(isinstance(v, Tensor) for v in kept.values()), "params must be tensors by name"
        again = self.built(kept)
        assert torch.equal(again.log_prob(z), self.prior.log_prob(z)), (
            "built from its own params, it is another prior: it must keep all it is built from"
        )

    def test_a_missing_tensor_is_refused_in_a_sentence(self) -> None:
        """A tensor that it cannot do without is named in a GenprobeError."""
        for name in self.params if isinstance(self.part, PriorFactory) else ():
            rest = {k: v for k, v in self.params.items() if k != name}
            try:
                found = self.built(rest)
            except GenprobeError as error:
                assert self.part.name in str(error), "the message does not name the prior"
            except Exception as error:
                pytest.fail(f"without {name} it raises {type(error).__name__}: {error}")
            else:
                assert found.log_prob(found.sample(3)).isfinite().all()

    def test_the_fit_comes_close_to_the_codes(self) -> None:
        """Fitted to codes far from the origin, it gives them more density than N(0, I) does."""
        factory = self.part
        if isinstance(factory, Prior) or factory.fit is None:
            return
        if factory.discrete:
            self.require_fit_to_indices(factory)
            return
        two = torch.Size([2])
        suited = factory.suits(diagonal_normal, two)
        shape = two if suited else torch.Size(self.event_shape)
        mean = 3 + 0.5 * torch.randn(4000, shape.numel(), dtype=torch.float64)
        codes = Codes(mean=mean, variance=torch.full_like(mean, 0.04), event_shape=shape)
        z = codes.mean + codes.variance.sqrt() * torch.randn_like(mean)
        standard = Normal(0.0, 1.0).log_prob(z).sum(1).mean()  # type: ignore[no-untyped-call]
        z = z.reshape(-1, *shape)
        sizes = factory.sizes(len(mean), shape.numel())
        assert len(sizes) > 0, "sizes() names none to try for 4000 examples of a few values"
        for count in sizes:
            with torchs_generator_left_alone(factory):
                fitted = factory.build(shape, factory.fit(codes, count, 0))
            found = fitted.log_prob(z).mean()
            assert found > standard, f"fitted with size {count}, it is worse than N(0, I)"
            again = factory.build(shape, factory.fit(codes, count, 0))
            assert torch.equal(again.log_prob(z), fitted.log_prob(z)), (
                "the same seed gives another fit"
            )

    def require_fit_to_indices(self, factory: PriorFactory) -> None:
        """Fitted to class indices of which few are used, it is better than all classes alike."""
        shape, classes = torch.Size(self.event_shape), 8
        index = torch.randint(2, (4000, shape.numel())).double()
        none = torch.zeros_like(index)
        codes = Codes(mean=index, variance=none, event_shape=shape, classes=classes)
        for count in factory.sizes(len(index), shape.numel()):
            assert factory.fit is not None
            with torchs_generator_left_alone(factory):
                fitted = [factory.build(shape, factory.fit(codes, count, 0)) for _ in range(2)]
            found, again = (each.log_prob(index.view(-1, *shape)) for each in fitted)
            assert found.mean() > -shape.numel() * math.log(classes), "it is worse than chance"
            assert torch.equal(found, again), "the same seed gives another fit"

    def test_report_survives_the_store(self, tmp_path: Path) -> None:
        """Evaluated into a store and read without the model, the numbers are the same."""
        for number, (family, params) in enumerate(self.examples()):
            if family is stranger:
                continue
            model = Model(name="example", encode=lookup(params), posterior=family, prior=self.prior)
            folder = tmp_path / str(number)
            folder.mkdir()
            priors = [self.part] if isinstance(self.part, PriorFactory) else []
            with provided(families=[family], priors=priors):
                reports = evaluated_and_reopened(model, numbers(64, size_of(params)), folder)
            require_same_estimates(*reports, "reopened")


@contextlib.contextmanager
def torchs_generator_left_alone(factory: PriorFactory) -> Iterator[None]:
    """Check that fits which may run at once neither draw from torch's own generator nor set it.

    Args:
        factory: of the fits; one that is not concurrent may do as it likes.
    """
    if not factory.concurrent:
        yield
        return
    told = "concurrent fits must draw from generators made of their seed, not from torch's own"

    def refuse(*args: object, **options: object) -> None:
        raise AssertionError(told)

    before = torch.get_rng_state()
    with contextlib.ExitStack() as stack:
        for module, name in itertools.product(
            (torch, torch.random), ("manual_seed", "set_rng_state")
        ):
            stack.enter_context(mock.patch.object(module, name, refuse))
        yield
    assert torch.equal(before, torch.get_rng_state()), told
