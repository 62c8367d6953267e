"""The suite of a likelihood: density, draws, which data it refuses, its zero-rate distortion."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint

from genprobe.aggregate.blocks import size_of
from genprobe.errors import DataError, Notice
from genprobe.testing.family import DRAWS
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
    of_one,
    one_by_one,
    provided,
    require_one_device,
    require_same_estimates,
    rows,
    support_of,
    unchanged,
)
from genprobe.types import Likelihood, Model, Params

BLIND_DRAWS = 4000


class LikelihoodTests(Suite):
    """Tests of a ``Likelihood``.

    Attributes:
        part: the likelihood.
        params: what a decoder returns for two or more examples that differ, each (batch, ...); of
            examples small enough that the density can be summed or integrated.
        support: where x lies, if the distribution does not say.
        outside: data (batch, *event) that the likelihood is not for; found by itself where
            the support is not all real numbers.
    """

    part: Likelihood
    params: Params
    support: Constraint | None = None
    outside: Sequence[Tensor] | None = None

    def measure(self, distribution: Distribution, draws: Tensor) -> Measure:
        """Points over all x of one example; override it where torch does not know the support.

        Args:
            distribution: of batch shape (1,).
            draws: (n, *event) of it.
        """
        return measure_of(draws, self.support or support_of(distribution))

    @property
    def distribution(self) -> Distribution:
        """p(x|z) of the examples, float64."""
        return self.part.distribution(double(self.params))

    def one_by_one(self) -> list[Distribution]:
        """p(x|z) of each example, of batch shape (1,)."""
        return [self.part.distribution(one) for one in one_by_one(double(self.params))]

    def drawn(self, p: Distribution, count: int = DRAWS) -> Tensor:
        """Draws (count, *event) of one example."""
        x: Tensor = p.sample(torch.Size([count]))
        return x[:, 0]

    def data(self, count: int = 200) -> Tensor:
        """Draws of every example (m, *event), as floating point data."""
        x: Tensor = self.distribution.sample(torch.Size([count]))
        return x.flatten(0, 1).double()

    def test_shapes(self) -> None:
        """One distribution an example, whose event is one whole example."""
        p, batch = self.distribution, size_of(self.params)
        assert batch >= 2, "params must be of two or more examples"
        assert p.batch_shape == (batch,), (
            f"the batch shape is {tuple(p.batch_shape)}, not ({batch},): wrap it in Independent"
        )
        x = p.sample()
        assert p.log_prob(x).shape == (batch,), f"log_prob has the shape {p.log_prob(x).shape}"
        assert p.log_prob(x.double()).dtype == torch.float64, "log_prob is not float64"

    def test_precision(self) -> None:
        """Float32 decoders and data give nearly the numbers of float64."""
        x = self.distribution.sample().double().float()
        found = self.part.distribution({k: v.float() for k, v in self.params.items()}).log_prob(x)
        exact = self.distribution.log_prob(x.double())
        torch.testing.assert_close(found.double(), exact, rtol=1e-3, atol=1e-3)

    def test_density_has_mass_one(self) -> None:
        """It sums or integrates to one over all data: no constant is missing."""
        for i, p in enumerate(self.one_by_one()):
            measure = self.measure(p, self.drawn(p, DRAWS // 4))
            require_unit_mass(measure, of_one(p), f"the density of example {i}")

    def test_draws_follow_the_density(self) -> None:
        """Moments of the draws are those of the density."""
        for i, p in enumerate(self.one_by_one()):
            draws = self.drawn(p)
            require_drawn_from(draws, self.measure(p, draws), of_one(p), f"example {i}")

    def test_discrete_says_whether_it_gives_probabilities(self) -> None:
        """The flag is that of the support, and no probability exceeds one."""
        discrete = (self.support or support_of(self.distribution)).is_discrete
        assert self.part.discrete == discrete, (
            f"discrete is {self.part.discrete}, but the support says {discrete}"
        )
        if discrete:
            log_p = self.distribution.log_prob(self.distribution.sample(torch.Size([100])))
            assert (log_p <= 1e-6).all(), "a probability exceeds one"

    def test_its_own_draws_are_welcome(self) -> None:
        """Data from the likelihood itself meet no notice and no refusal."""
        for x in (self.data(), self.data().float()):
            notice = self.part.support(x)
            assert notice is None, f"its own draws meet the notice {notice}"

    def test_data_outside_the_support_are_refused_or_noticed(self) -> None:
        """One value that cannot be is enough, whichever it is."""
        for x in self.foreign():
            try:
                notice = self.part.support(x)
            except DataError as error:
                assert str(error), "the refusal says nothing"
                continue
            assert isinstance(notice, Notice), (
                f"support() accepts data with values from {x.min():g} to {x.max():g}, which "
                "have no density: return a Notice or raise DataError"
            )
            assert all((notice.code, notice.message, notice.remedy)), "the notice says nothing"

    def foreign(self) -> list[Tensor]:
        """Data with one value outside the support, each in another way."""
        if self.outside is not None:
            return list(self.outside)
        support = self.support or support_of(self.distribution)
        found = []
        for shift in (0.5, -1.0, 1e-3, -1e3, 1e3):
            x = self.data(3)
            x.view(len(x), -1)[1, 0] += shift
            try:
                inside = support.check(x[:, None]).all()  # type: ignore[no-untyped-call]
            except RuntimeError:
                inside = True
            if not inside:
                found.append(x)
        return found

    def test_gradients_reach_the_decoder(self) -> None:
        """D can be differentiated by what the decoder returns: the slope needs it."""
        params = {k: v.double().clone().requires_grad_() for k, v in self.params.items()}
        x = self.distribution.sample()
        self.part.distribution(params).log_prob(x).sum().backward()  # type: ignore[no-untyped-call]
        gradients = [v.grad for v in params.values() if v.grad is not None]
        assert gradients, "log_prob does not depend on the decoder's output"
        assert all(g.isfinite().all() for g in gradients), "a gradient is not finite"

    def test_tensors_stay_on_their_device(self) -> None:
        """Nothing mixes the CPU with the device of the decoder."""
        x = self.distribution.sample()

        def log_prob(device: torch.device) -> Tensor:
            params = {k: v.to(device) for k, v in double(self.params).items()}
            found: Tensor = self.part.distribution(params).log_prob(x.to(device))
            return found

        require_one_device(log_prob, "log_prob")

    def test_it_leaves_its_arguments_as_they_are(self) -> None:
        """Nothing is changed in place."""
        x = self.distribution.sample()
        assert unchanged(
            double(self.params), lambda params: self.part.distribution(params).log_prob(x)
        )
        data = {"x": self.data()}
        assert unchanged(data, lambda given: self.part.support(given["x"]))

    def test_blind_distortion_is_that_of_the_best_constant(self) -> None:
        """For data of one example's own distribution, it is that distribution's entropy.

        No constant does better than the truth, but for what fitting to so many data gains.
        """
        if self.part.blind is None:
            return
        for i, p in enumerate(self.one_by_one()):
            x = self.drawn(p, BLIND_DRAWS).double()
            more = {} if self.part.statistics is None else self.part.statistics(x)
            means = {name: values.double().mean(0) for name, values in more.items()}
            found = self.part.blind(x.mean(0), x.square().mean(0), **means)
            own = float(-p.log_prob(x[:, None]).mean())
            free = sum(v[0].numel() for v in self.params.values())
            gain = (free + 6 * (2 * free) ** 0.5) / (2 * BLIND_DRAWS)
            assert own - gain <= found <= own + 1e-6, (
                f"blind() is {found:.6g} for data that example {i} makes, of {own:.6g} nats; the "
                f"best constant has {own:.6g} or at most {gain:.2g} less"
            )

    def test_report_survives_the_store(self, tmp_path: Path) -> None:
        """A constant decoder's distortion is −log p of the data, also read without the model."""
        constant = rows(double(self.params), slice(0, 1))
        x = self.drawn(self.part.distribution(constant), 64).double()

        def decode(z: Tensor) -> Params:
            return {k: v.expand(len(z), *v.shape[1:]).to(z.dtype) for k, v in constant.items()}

        def encode(x: Tensor) -> Params:
            return {"loc": 0 * x.flatten(1)[:, :1], "scale": 0 * x.flatten(1)[:, :1] + 1}

        model = Model(
            name="example",
            encode=encode,
            posterior="diagonal-normal",
            prior="standard-normal",
            decode=decode,
            likelihood=self.part,
        )
        with provided(likelihoods=[self.part]):
            reports = evaluated_and_reopened(model, x, tmp_path)
        require_same_estimates(*reports, "reopened")
        truth = float(-self.part.distribution(constant).log_prob(x[:, None]).mean())
        found = reports[0]["distortion"].value
        assert abs(found - truth) <= 1e-9 * (1 + abs(truth)), (
            f"the report has the distortion {found:.9g}; the density says {truth:.9g}"
        )
        assert reports[0].provenance["likelihood"] == self.part.name
