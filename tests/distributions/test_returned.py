"""Whatever the field returns becomes parameters by name, or is refused with what to say."""

import dataclasses
from collections import namedtuple

import pytest
import torch
from torch import distributions as d

from genprobe.distributions.returned import KINDS, require_log_variance, understood
from genprobe.errors import ModelError
from genprobe.plugins import plugins

LOC = torch.tensor([[0.5, -1.0], [0.0, 2.0]])
SIGMA = torch.tensor([[0.5, 2.0], [1.0, 3.0]])
LOGVAR = 2 * SIGMA.log()
NEEDED = ("loc", "scale")


def of(returned, part="diagonal-normal", wanted=NEEDED):
    return understood("The encoder of m", returned, part, wanted)


@dataclasses.dataclass
class Output:
    mu: torch.Tensor
    logvar: torch.Tensor


@pytest.mark.parametrize(
    ("returned", "read_as"),
    [
        ({"loc": LOC, "scale": SIGMA}, ""),
        ({"mu": LOC, "logvar": LOGVAR}, "mu as loc and logvar as scale"),
        ((LOC, LOGVAR), "a pair as mean and log-variance"),
        ([LOC, LOGVAR], "a pair as mean and log-variance"),
        (namedtuple("Named", "mu logvar")(LOC, LOGVAR), "mu as loc and logvar as scale"),
        (Output(LOC, LOGVAR), "mu as loc and logvar as scale"),
        (d.Normal(LOC, SIGMA), "the distribution Normal as its loc, scale"),
        (d.Independent(d.Normal(LOC, SIGMA), 1), "the distribution Normal as its loc, scale"),
    ],
)
@pytest.mark.parametrize(("part", "wanted"), [("diagonal-normal", NEEDED), ("normal", ())])
def test_every_way_to_return_a_normal_is_the_same_normal(returned, read_as, part, wanted):
    found = of(returned, part, wanted)
    assert found.read_as == read_as
    assert found.params.keys() == {"loc", "scale"}
    torch.testing.assert_close(found.params["loc"], LOC)
    torch.testing.assert_close(found.params["scale"], SIGMA)


FACTOR = torch.tensor([[2.0, 0.0], [0.5, 1.0]]).expand(2, 2, 2)
FAMILIES = {
    "full-normal": d.MultivariateNormal(LOC, covariance_matrix=FACTOR @ FACTOR.mT),
    "low-rank-normal": d.LowRankMultivariateNormal(LOC, FACTOR[:, :, :1], SIGMA),
    "laplace": d.Laplace(LOC, SIGMA),
    "bernoulli": d.Bernoulli(probs=LOC.sigmoid()),
    "categorical": d.Categorical(probs=SIGMA.softmax(1)),
    "gamma": d.Gamma(SIGMA, SIGMA + 1),
    "beta": d.Beta(SIGMA, SIGMA + 1),
    "poisson": d.Poisson(SIGMA),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_distribution_as_posterior_has_the_density_of_the_family(name):
    family, given = plugins().get("families", name), FAMILIES[name]
    params = of(given, name, family.constraints).params
    assert params.keys() == family.constraints.keys()
    whole = given if given.event_shape or name == "categorical" else d.Independent(given, 1)
    z = whole.sample()
    found = family.distribution({k: v.double() for k, v in params.items()})
    z_of = z[:, None] if name == "categorical" and found.event_shape else z
    torch.testing.assert_close(
        found.log_prob(z_of.double()).flatten(), whole.log_prob(z).double(), rtol=1e-5, atol=1e-5
    )


LIKELIHOODS = {
    "normal": d.Normal(LOC, SIGMA),
    "laplace": d.Laplace(LOC, SIGMA),
    "student-t": d.StudentT(SIGMA, LOC, SIGMA),
    "bernoulli": d.Bernoulli(logits=LOC),
    "continuous-bernoulli": d.ContinuousBernoulli(logits=LOC),
    "categorical": d.Categorical(logits=torch.randn(2, 2, 3)),
    "poisson": d.Poisson(SIGMA),
    "negative-binomial": d.NegativeBinomial(SIGMA, logits=LOC),
}


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_a_distribution_of_the_data_has_the_density_of_the_likelihood(name):
    given = LIKELIHOODS[name]
    x = given.sample().float()
    found = plugins().get("likelihoods", name).distribution(of(given, name, ()).params)
    truth = given.log_prob(x).sum(1).double()
    torch.testing.assert_close(found.log_prob(x).double(), truth, rtol=1e-5, atol=1e-5)


def test_probabilities_of_0_and_1_stay_what_they_are():
    probs = torch.tensor([[0.0, 1.0]])
    assert torch.equal(of(d.Bernoulli(probs=probs), "bernoulli", ()).params["probs"], probs)


def test_every_kind_names_parts_that_there_are():
    known = {*plugins().all("families"), *plugins().all("likelihoods")}
    assert set().union(*(parts for _, parts in KINDS.values())) <= known


class Clipped(d.Normal):
    def log_prob(self, value):
        return super().log_prob(value).clamp(-1, 1)


@pytest.mark.parametrize(
    ("returned", "part", "words"),
    [
        (d.Laplace(LOC, SIGMA), "diagonal-normal", 'Laplace, which is not .*\n.*"laplace"'),
        (d.Normal(LOC, SIGMA), "laplace", "Normal, which is not the model's laplace"),
        (Clipped(LOC, SIGMA), "diagonal-normal", "Clipped, which is not"),
        (d.LogNormal(LOC, SIGMA), "diagonal-normal", "LogNormal, which is not"),
        ((LOC, LOGVAR, LOC), "diagonal-normal", "a tuple of 3 .*\n.*log-variance"),
        ((LOC, LOGVAR), "laplace", r"a tuple of 2 .*\n.*\"loc\": …, \"scale\": …"),
        ((LOC, None), "diagonal-normal", r"a tuple of 2 \(Tensor, NoneType\)"),
        (LOC, "diagonal-normal", "a tensor alone.*\n.*standard deviation"),
        (None, "diagonal-normal", "a NoneType that is not tensors by name"),
        ({"loc": LOC, "scale": [1.0]}, "diagonal-normal", "scale: list"),
        ({"loc": LOC, "scale": True}, "diagonal-normal", "scale: bool"),
        ({"mu": LOC, "mean": LOC, "scale": SIGMA}, "diagonal-normal", "both mu and mean"),
    ],
)
def test_what_could_be_meant_otherwise_is_refused_with_what_to_return(returned, part, words):
    with pytest.raises(ModelError, match=words):
        of(returned, part)


@pytest.mark.parametrize("part", ["bernoulli", "continuous-bernoulli"])
def test_a_tensor_alone_is_asked_whether_it_is_logits_or_probabilities(part):
    with pytest.raises(ModelError) as told:
        of(LOC, part, ())
    assert '{"logits": y}' in told.value.remedy
    assert 'sigmoid {"probs": y}' in told.value.remedy


def test_a_tensor_alone_is_the_mean_where_there_is_nothing_else_to_be():
    assert torch.equal(of(LOC, "normal-optimal-sigma", ()).params["loc"], LOC)


def test_a_pair_with_standard_deviations_is_not_taken_for_log_variances():
    def ask(*returned):
        scales = [known.params["scale"] for known in map(of, returned) if known.pair]
        require_log_variance("The encoder of m", scales)

    with pytest.raises(ModelError, match="may be the standard deviation"):
        ask((LOC, SIGMA), (LOC, SIGMA))
    ask((LOC, SIGMA), (LOC, LOGVAR))
    ask((LOC, 0 * LOGVAR))
    ask({"loc": LOC, "logvar": SIGMA})
    ask()


def test_a_plain_number_is_one_for_all_examples():
    found = of({"loc": LOC, "scale": 0.5}).params["scale"]
    assert found.item() == 0.5
    assert found.shape == ()
