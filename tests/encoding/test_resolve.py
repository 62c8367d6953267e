from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal, StudentT

from genprobe import GenprobeError, Model, NamedPrior
from genprobe.datasets.from_array import array_dataset
from genprobe.datasets.placeholder import placeholder_dataset
from genprobe.encoding.resolve import bind_prior, built, named_part, prepare
from genprobe.errors import DataError, ModelError, PluginError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.likelihoods.normal import normal
from genprobe.loaders.recorded import from_posteriors
from genprobe.plugins import plugins
from genprobe.priors.standard_normal import build
from genprobe.types import Codes, Prior, PriorFactory

CPU = torch.device("cpu")
X = torch.rand(30, 4)


@pytest.fixture
def module():
    return nn.Linear(4, 2)


@pytest.fixture
def model(module):
    return Model(
        name="mine",
        encode=lambda x: {"loc": module(x), "scale": torch.ones(len(x), 2)},
        decode=lambda z: {"probs": torch.full((len(z), 4), 0.5)},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
        module=module,
        training={"beta": 2.0},
    )


@pytest.fixture
def bind():
    def bind(model, dataset=None, **options):
        settings = {"draws": 2, "seed": 3, "dtype": "float32", "device": CPU} | options
        return prepare(model, dataset or array_dataset("mine-too", X), **settings)

    return bind


def test_the_header_says_what_the_run_is(model, bind):
    dataset = replace(array_dataset("grey", X), binarize="threshold", entropy=1.5)
    header, _ = bind(model, dataset)
    assert (header.model, header.dataset, header.n) == ("mine", "grey", 30)
    assert (header.event_shape, header.latent_shape) == ((4,), (2,))
    assert (header.family, header.prior, header.likelihood) == (
        "diagonal-normal",
        "standard-normal",
        "bernoulli",
    )
    assert (header.draws, header.seed, header.dtype) == (2, 3, "float32")
    assert (header.binarize, header.entropy) == ("threshold", 1.5)
    assert (header.dataset_fingerprint, header.training) == ("", {"beta": 2.0})
    assert header.discrete
    assert header.rate_analytic


def test_parts_may_be_names_or_objects(model, bind):
    given = replace(
        model,
        posterior=diagonal_normal,
        prior=build(torch.Size([2]), {}),
        likelihood=normal,
        decode=lambda z: {"loc": z, "scale": z.exp()},
    )
    header, parts = bind(given)
    assert (parts.posterior, parts.likelihood) == (diagonal_normal, normal)
    assert parts.prior.distribution is given.prior.distribution
    assert not header.discrete
    _, named = bind(model)
    assert named.posterior is diagonal_normal
    assert named.prior.log_prob(torch.zeros(1, 2)).shape == (1,)


def test_a_model_without_decoder_has_no_likelihood(model, bind):
    header, parts = bind(replace(model, decode=None, likelihood=None))
    assert header.likelihood is None
    assert parts.likelihood is None
    assert not header.discrete


def test_a_prior_without_closed_form_makes_the_rate_monte_carlo(model, bind):
    prior = Prior(name="odd", log_prob=lambda z: -z.abs().sum(-1), sample=None, kl=lambda *_: None)
    header, _ = bind(replace(model, prior=prior))
    assert not header.rate_analytic


@pytest.mark.parametrize(
    ("part", "name", "message"),
    [
        ("posterior", "cauchy", "no family 'cauchy'.*\n.*diagonal-normal"),
        ("prior", "tree", "no prior 'tree'.*\n.*standard-normal"),
        ("likelihood", "mse", "no likelihood 'mse'.*\n.*bernoulli"),
    ],
)
def test_an_unknown_name_lists_the_known(model, bind, part, name, message):
    with pytest.raises(PluginError, match=message):
        bind(replace(model, **{part: name}))


def test_a_prior_that_needs_parameters_cannot_be_given_by_name(model, bind):
    with pytest.raises(ModelError, match="needs loc and scale"):
        bind(replace(model, prior="diagonal-normal"))


def test_a_part_that_is_given_is_kept():
    assert named_part("families", diagonal_normal) is diagonal_normal
    assert named_part("likelihoods", None) is None


def test_a_named_prior_is_built_for_the_shape_of_z():
    z = torch.randn(5, 3, 2)
    truth = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum((1, 2)).double()
    prior = bind_prior("standard-normal", torch.Size([3, 2]), {})
    torch.testing.assert_close(prior.log_prob(z), truth, check_dtype=False)


@pytest.mark.parametrize("shape", [(30, 5), (30, 2, 2), (30,)])
def test_data_that_do_not_fit_are_told_with_their_shape(model, bind, shape):
    with pytest.raises(GenprobeError, match="encode of mine fails on a batch of 1") as told:
        bind(model, array_dataset("x", torch.rand(shape)))
    assert f"each of shape {shape[1:]}" in str(told.value)
    assert told.value.remedy


def test_a_first_example_that_is_not_finite_is_told(model, bind):
    with pytest.raises(DataError, match="Example 0 of x"):
        bind(model, array_dataset("x", torch.full((2, 4), float("nan"))))


def test_the_module_is_given_back(model, module, bind):
    module.train()
    bind(model, dtype="float64")
    assert module.training
    assert module.weight.dtype == torch.float32


def test_a_recorded_distortion_of_several_draws_needs_as_many_where_the_rate_has_no_closed_form(
    bind,
):
    mixture = bind_prior("normal-mixture", torch.Size([2]), mixture_params())
    given = from_posteriors(
        {"loc": X[:, :2], "scale": torch.ones(30, 2)}, prior=mixture, distortion=torch.zeros(4, 30)
    )
    dataset = placeholder_dataset("toy", 30)
    with pytest.raises(DataError, match="distortion of 4 draws; its rate has no closed form"):
        bind(given, dataset, draws=2)
    header, _ = bind(given, dataset, draws=4)
    assert not header.rate_analytic


def mixture_params():
    codes = Codes(mean=torch.randn(50, 2).double(), variance=torch.ones(50, 2).double())
    return plugins().get("priors", "normal-mixture").fit(codes, 2, 0)


class Learned(nn.Module):
    def __init__(self):
        super().__init__()
        self.loc = nn.Parameter(torch.zeros(2))

    def forward(self):
        return Independent(StudentT(torch.tensor(3.0), self.loc, torch.ones(2)), 1)


Z = torch.randn(5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
SHAPE = torch.Size([2])
STANDARD = Normal(0.0, 1.0).log_prob(Z).sum(1)


@pytest.mark.parametrize(
    "given",
    [
        "standard-normal",
        build(SHAPE, {}),
        NamedPrior(
            name="normal-mixture", params={"loc": torch.zeros(1, 2), "scale": torch.ones(())}
        ),
        Independent(Normal(torch.zeros(2), torch.ones(2)), 1),
        Normal(torch.zeros(2), torch.ones(2)),
        lambda: "standard-normal",
        lambda: Normal(torch.zeros(2), torch.ones(2)),
        lambda: lambda: build(SHAPE, {}),
    ],
    ids=["name", "prior", "tensors", "distribution", "batch", "function", "of-that", "of-function"],
)
def test_a_prior_may_be_given_in_many_ways(given):
    torch.testing.assert_close(bind_prior(given, SHAPE, {}).log_prob(Z), STANDARD)


def test_a_module_is_asked_for_its_distribution():
    prior = bind_prior(Learned(), SHAPE, {})
    assert prior.name == "Learned"
    assert prior.module is not None
    torch.testing.assert_close(prior.log_prob(Z), StudentT(3.0).log_prob(Z).sum(1))


def test_a_function_is_called_when_weights_are_loaded_and_the_module_evaluates(model, module, bind):
    seen = []

    def prior():
        seen.append((module.training, module.weight.dtype, module.bias.detach().clone()))
        return Normal(module.bias, torch.ones(2))

    made = replace(model, prior=prior)
    module.load_state_dict({"weight": torch.zeros(2, 4), "bias": torch.tensor([3.0, 4.0])})
    module.train()
    _, parts = bind(made, dtype="float64")
    [(training, dtype, bias)] = seen
    assert (training, dtype, bias.tolist()) == (False, torch.float64, [3.0, 4.0])
    assert parts.prior.params["loc"].tolist() == [3.0, 4.0]
    assert module.training


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Normal(0.0, 1.0), r"Normal is over z of shape \(\).*\(2,\)\.\nExpand"),
        (Independent(Normal(torch.zeros(1), 1.0), 1), r"over z of shape \(1,\)"),
        (Normal(torch.zeros(3, 2), 1.0), r"over z of shape \(3, 2\)"),
        (build(torch.Size([1]), {}), r"standard-normal is over z of shape \(1,\)"),
        (3, "cannot be a int.\nGive a registered name"),
        (lambda: None, "cannot be a NoneType"),
        (NamedPrior(name="laplace", params={"loc": torch.zeros(2)}), "laplace needs scale"),
    ],
)
def test_a_prior_that_does_not_fit_z_is_told_before_anything_is_encoded(
    model, bind, given, message
):
    with pytest.raises(ModelError, match=message):
        bind(replace(model, prior=given))


def own(**changes):
    """A prior of a plugin that does one thing wrong."""
    parts = {
        "name": "own",
        "log_prob": lambda z: -z.square().sum(-1),
        "sample": torch.zeros,
        "kl": lambda family, params: None,
    }
    return Prior(**parts | changes)


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        (own(log_prob=lambda z: -z.square()), r"own gives log p\(z\) of shape \(1, 1, 2\)"),
        (own(log_prob=lambda z: z.new_zeros(())), r"own gives log p\(z\) of shape \(\)"),
        (own(log_prob=lambda z: z.sum(-1) / 0), "not finite, at a draw for example 0"),
        (own(log_prob=lambda z: z @ torch.zeros(7, 7)), r"own fails on z of shape \(2,\): mat1"),
        (own(kl=lambda family, params: torch.zeros(1, 2)), r"own gives a KL of shape \(1, 2\)"),
        (own(name="standard-normal"), "not the registered one of that name"),
        (
            own(name="laplace", params={"loc": torch.zeros(2), "scale": torch.ones(2)}),
            "not the registered one of that name",
        ),
    ],
)
def test_a_prior_that_answers_wrongly_is_told_before_anything_is_encoded(
    model, bind, prior, message
):
    with pytest.raises(ModelError, match=message):
        bind(replace(model, prior=prior))


def test_a_plugin_that_fails_to_build_its_prior_is_told():
    factory = PriorFactory(name="odd", build=lambda shape, params: params["scale"])
    with pytest.raises(ModelError, match=r"odd cannot be built for z of shape \(2,\): 'scale'"):
        built(factory, SHAPE, {})
