import math
from dataclasses import replace

import pytest
import torch
from torch.distributions import Categorical, Independent, Normal, Poisson

from genprobe.errors import DataError
from genprobe.likelihoods.bernoulli import bernoulli
from genprobe.likelihoods.normal import normal
from genprobe.testing import LikelihoodTests
from genprobe.types import Likelihood

LOC = torch.tensor([[0.0, 1.0], [-3.0, 0.5]])
OF_NORMAL = {"loc": LOC, "scale": torch.tensor([[0.5, 0.5], [2.0, 2.0]])}
OF_BERNOULLI = {"logits": LOC}

MASS = "test_density_has_mass_one"
DRAWS = "test_draws_follow_the_density"
BLIND = "test_blind_distortion_is_that_of_the_best_constant"
STORE = "test_report_survives_the_store"
OUTSIDE = "test_data_outside_the_support_are_refused_or_noticed"


def suite(part, params, **members):
    return type("TestPart", (LikelihoodTests,), {"part": part, "params": params, **members})


class Squares(Normal):
    """A normal that forgets ½ ln 2π, as sums of squares do."""

    def log_prob(self, value):
        return super().log_prob(value) + math.log(2 * math.pi) / 2


class Wider(Normal):
    def sample(self, sample_shape=()):
        return self.loc + 1.1 * (super().sample(sample_shape) - self.loc)


class Averaged(Independent):
    """The mean over an example where the sum is due."""

    def log_prob(self, value):
        return super().log_prob(value) / self.event_shape.numel()


class Anchored(Normal):
    def log_prob(self, value):
        return super().log_prob(value) + torch.zeros(value.shape[-1])


class Frozen(Normal):
    def log_prob(self, value):
        return super().log_prob(value).detach()


def of(kind, sums=Independent, **changes):
    def make(params):
        return sums(
            kind(params["loc"], params["scale"], validate_args=False), 1, validate_args=False
        )

    return replace(normal, name="wrong", distribution=make, blind=None, **changes)


def as_examples(params):
    return Normal(params["loc"], params["scale"])


def centring(x):
    x -= x.mean()


def blind_of_pixels(mean, square):
    return float(-(mean * mean.log()).sum())


def everything(x):
    return None


def nothing(x):
    raise DataError("No.")


WRONG = {
    "½ ln 2π missing": (of(Squares), OF_NORMAL, {MASS: "off by 1.8"}),
    "mean over the example": (
        of(Normal, Averaged),
        OF_NORMAL,
        {MASS: "mass", DRAWS: "do not follow"},
    ),
    "draws off by a scale": (of(Wider), OF_NORMAL, {DRAWS: "do not follow"}),
    "a constant on the CPU": (
        of(Anchored),
        OF_NORMAL,
        {"test_tensors_stay_on_their_device": "meta"},
    ),
    "no gradient": (of(Frozen), OF_NORMAL, {"test_gradients_reach_the_decoder": ""}),
    "called discrete": (
        of(Normal, discrete=True),
        OF_NORMAL,
        {"test_discrete_says_whether_it_gives_probabilities": "discrete is True"},
    ),
    "data changed in place": (
        of(Normal, support=centring),
        OF_NORMAL,
        {"test_it_leaves_its_arguments_as_they_are": ""},
    ),
    "any data accepted": (
        replace(bernoulli, name="wrong", support=everything),
        OF_BERNOULLI,
        {OUTSIDE: "support() accepts data"},
    ),
    "no data accepted": (
        replace(bernoulli, name="wrong", support=nothing),
        OF_BERNOULLI,
        {
            "test_its_own_draws_are_welcome": "No.",
            "test_it_leaves_its_arguments_as_they_are": "No.",
            STORE: "No.",
        },
    ),
    "half of the blind distortion": (
        replace(bernoulli, name="wrong", blind=blind_of_pixels),
        OF_BERNOULLI,
        {BLIND: "blind() is"},
    ),
}


@pytest.mark.parametrize(("part", "params", "failures"), WRONG.values(), ids=WRONG)
def test_a_wrong_likelihood_fails_in_its_own_test(failing, part, params, failures):
    found = failing(suite(part, params))
    assert found.keys() == failures.keys(), found
    for name, words in failures.items():
        assert words in found[name]


def test_dimensions_taken_for_examples_are_caught(failing):
    wrong = replace(normal, name="wrong", distribution=as_examples)
    assert "wrap it in Independent" in failing(suite(wrong, OF_NORMAL))["test_shapes"]


def counts_only(x):
    if (x < 0).any() or (x != x.round()).any():
        raise DataError("The Poisson likelihood needs counts.", "Do not scale the data.")


class TestOfCounts(LikelihoodTests):
    part = Likelihood(
        name="counts",
        distribution=lambda params: Independent(Poisson(params["rate"], validate_args=False), 1),
        discrete=True,
        support=counts_only,
    )
    params = {"rate": torch.tensor([[3.0, 0.1], [20.0, 1.0]])}


def levels_only(x):
    if (x < 0).any() or (x > 3).any() or (x != x.round()).any():
        raise DataError("The levels are 0, 1, 2 and 3.")


class TestOfLevels(LikelihoodTests):
    part = Likelihood(
        name="levels",
        distribution=lambda params: Independent(
            Categorical(logits=params["logits"], validate_args=False), 2
        ),
        discrete=True,
        support=levels_only,
    )
    params = {"logits": torch.linspace(-3, 3, 32).reshape(2, 2, 2, 4).cos()}
