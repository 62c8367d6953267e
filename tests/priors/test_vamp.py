import pytest
import torch
from torch.distributions import (
    Categorical,
    Independent,
    Laplace,
    MixtureSameFamily,
    Normal,
    constraints,
)

from genprobe.errors import ModelError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.plugins import plugins
from genprobe.priors import vamp
from genprobe.priors.vamp import vamp_factory, vamp_prior
from genprobe.testing import PriorTests
from genprobe.types import Family, NamedPrior, Prior

laplace = Family(
    name="plugin.laplace",
    distribution=lambda p: Independent(Laplace(p["loc"], p["scale"]), 2),
    constraints={"loc": constraints.real, "scale": constraints.positive},
)
FAMILIES = {family.name: family for family in (diagonal_normal, laplace)}
ENTRY = {diagonal_normal: Normal, laplace: Laplace}
factory = vamp_factory(FAMILIES.__getitem__)
SHAPE = torch.Size([2, 2])
WEIGHTS = torch.tensor([0.1, 0.2, 0.3, 0.4])


@pytest.fixture
def encode():
    net = torch.nn.Linear(3, 8).double()

    def encode(x):
        loc, log_scale = net(x).view(-1, 2, 2, 2).unbind(1)
        return {"loc": loc, "scale": log_scale.exp()}

    return encode


@pytest.fixture
def pseudo_inputs():
    return torch.randn(4, 3, dtype=torch.float64)


def truth(encode, pseudo_inputs, family, probs):
    params = encode(pseudo_inputs)
    entries = ENTRY[family](params["loc"], params["scale"])
    return MixtureSameFamily(Categorical(probs.double()), Independent(entries, 2))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
def test_it_is_the_mixture_of_the_pseudo_inputs_posteriors(encode, pseudo_inputs, family, weights):
    prior = vamp_prior(encode, pseudo_inputs, family, weights)
    z = 2 * torch.randn(3, 7, 2, 2, dtype=torch.float64)
    expected = truth(
        encode, pseudo_inputs, family, torch.full((4,), 0.25) if weights is None else weights
    )
    torch.testing.assert_close(prior.log_prob(z), expected.log_prob(z), rtol=1e-6, atol=1e-6)
    assert not prior.log_prob(z).requires_grad
    assert prior.kl(family, encode(pseudo_inputs)) is None


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_its_tensors_rebuild_it_without_the_model(encode, pseudo_inputs, family):
    prior = vamp_prior(encode, pseudo_inputs, family, WEIGHTS)
    again = factory.build(SHAPE, {k: v.clone() for k, v in prior.params.items()})
    z = torch.randn(7, 2, 2, dtype=torch.float64)
    assert torch.equal(again.log_prob(z), prior.log_prob(z))
    assert set(prior.params) == {"probs", f"{family.name}.loc", f"{family.name}.scale"}


def test_a_family_given_by_name_is_bound_later(encode, pseudo_inputs):
    named = vamp_prior(encode, pseudo_inputs, "diagonal-normal", WEIGHTS)
    assert isinstance(named, NamedPrior)
    direct = vamp_prior(encode, pseudo_inputs, diagonal_normal, WEIGHTS)
    assert isinstance(direct, Prior)
    z = torch.randn(7, 2, 2)
    assert torch.equal(factory.build(SHAPE, named.params).log_prob(z), direct.log_prob(z))


def test_samples_match_its_moments(encode, pseudo_inputs):
    n = 20_000
    z = vamp_prior(encode, pseudo_inputs, diagonal_normal, WEIGHTS).sample(n)
    expected = truth(encode, pseudo_inputs, diagonal_normal, WEIGHTS)
    assert z.shape == (n, 2, 2)
    assert ((z.mean(0) - expected.mean).abs() < 4 * (expected.variance / n).sqrt()).all()
    noise = (z - z.mean(0)).square().std(0) / n**0.5
    assert ((z.var(0) - expected.variance).abs() < 4 * noise).all()


def test_rows_go_in_stretches(encode, pseudo_inputs, monkeypatch):
    prior = vamp_prior(encode, pseudo_inputs, diagonal_normal)
    z = torch.randn(7, 2, 2, dtype=torch.float64)
    whole = prior.log_prob(z)
    monkeypatch.setattr(vamp, "VALUES", 2 * 4 * 4)
    torch.testing.assert_close(prior.log_prob(z), whole)


@pytest.mark.parametrize("scale", [1e-2, 1e-4, 1e-7])
def test_narrow_components_far_from_the_origin_lose_nothing(scale):
    loc = 3 + torch.randn(5, 2, 2, dtype=torch.float64)
    params = {"loc": loc, "scale": torch.full_like(loc, scale)}
    z = loc + scale * torch.randn_like(loc)
    expected = MixtureSameFamily(
        Categorical(torch.ones(5).double()), Independent(Normal(loc, params["scale"]), 2)
    ).log_prob(z)
    found = vamp_prior(lambda _: params, torch.zeros(5), diagonal_normal).log_prob(z)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_a_gradient_goes_to_z(encode, pseudo_inputs):
    z = torch.zeros(2, 2, 2, dtype=torch.float64, requires_grad=True)
    prior = vamp_prior(encode, pseudo_inputs, diagonal_normal)
    (pull,) = torch.autograd.grad(prior.log_prob(z).sum(), z)
    expected = truth(encode, pseudo_inputs, diagonal_normal, torch.full((4,), 0.25))
    (other,) = torch.autograd.grad(expected.log_prob(z).sum(), z)
    torch.testing.assert_close(pull, other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"plugin.laplace.scale": None}, "needs scale of its components.*\n.*loc, scale"),
        ({"plugin.laplace.scale": -torch.ones(4, 2, 2)}, "a scale that is not valid"),
        ({"plugin.laplace.loc": torch.full((4, 2, 2), torch.nan)}, "a loc that is not valid"),
        ({"plugin.laplace.loc": torch.zeros(3, 2, 2)}, "different numbers of components"),
        ({"probs": torch.ones(4)}, "sum to 4"),
        ({"diagonal-normal.loc": torch.zeros(4, 2, 2)}, "needs the parameters of its components"),
    ],
)
def test_unusable_tensors_are_refused(encode, pseudo_inputs, change, message):
    params = {**vamp_prior(encode, pseudo_inputs, laplace).params, **change}
    with pytest.raises(ModelError, match=message):
        factory.build(SHAPE, {k: v for k, v in params.items() if v is not None})


def test_components_over_other_z_are_refused(encode, pseudo_inputs):
    params = vamp_prior(encode, pseudo_inputs, laplace).params
    with pytest.raises(ModelError, match=r"over z of shape \(2, 2\).*have \(4,\)"):
        factory.build(torch.Size([4]), params)


def test_without_tensors_it_says_how_to_make_one():
    with pytest.raises(ModelError, match=r"\n.*genprobe\.vamp_prior"):
        factory.build(SHAPE, {})


COMPONENTS = torch.tensor([[-1.0, 0.0], [2.0, 1.0], [0.0, -3.0]])


class TestConformance(PriorTests):
    part = plugins().get("priors", "vamp")
    event_shape = (2,)
    params = {
        "probs": torch.tensor([0.2, 0.3, 0.5]),
        "diagonal-normal.loc": COMPONENTS,
        "diagonal-normal.scale": 0.5 + COMPONENTS.abs(),
    }


def test_an_encoder_may_return_a_pair_and_work_in_place(encode, pseudo_inputs):
    def pair(x):
        found = encode(x.clone())
        x.zero_()
        return found["loc"], 2 * found["scale"].log()

    learned = torch.nn.Parameter(pseudo_inputs.clone())
    found = vamp_prior(pair, learned, diagonal_normal)
    wanted = vamp_prior(encode, pseudo_inputs, diagonal_normal)
    assert torch.equal(learned.data, pseudo_inputs)
    for name, values in wanted.params.items():
        torch.testing.assert_close(found.params[name], values)
