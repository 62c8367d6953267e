from dataclasses import replace

import pytest
import torch
from torch import nn

from genprobe import GenprobeError, Model
from genprobe.binding import bind_prior, fingerprint, named_part, prepare
from genprobe.datasets.from_array import from_array
from genprobe.datasets.unseen import unseen
from genprobe.errors import DataError, ModelError, PluginError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.likelihoods.normal import normal
from genprobe.loaders.posteriors import from_posteriors
from genprobe.manager import plugins
from genprobe.priors.standard_normal import build
from genprobe.types import Codes, Prior

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
        return prepare(model, dataset or from_array("mine-too", X), **settings)

    return bind


def test_the_header_says_what_the_run_is(model, bind):
    dataset = replace(from_array("grey", X), binarize="threshold", entropy=1.5)
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
    assert (header.dataset_fingerprint, header.training) == (dataset.fingerprint, {"beta": 2.0})
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
    assert (parts.posterior, parts.prior, parts.likelihood) == (
        diagonal_normal,
        given.prior,
        normal,
    )
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
        ("prior", "vamp", "no prior 'vamp'.*\n.*standard-normal"),
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


def test_the_fingerprint_is_of_the_weights(model, module):
    first = fingerprint(model, {})
    assert fingerprint(replace(model, name="other"), {"loc": X}) == first
    assert fingerprint(replace(model, module=module.to(torch.float64)), {}) == first
    with torch.no_grad():
        module.bias[1] += 1e-6
    assert fingerprint(model, {}) != first


def test_the_fingerprint_of_bare_functions_is_of_what_they_say(model):
    bare = replace(model, module=None)
    first = fingerprint(bare, {"loc": X, "scale": X})
    assert fingerprint(bare, {"loc": X, "scale": X.clone()}) == first
    assert fingerprint(bare, {"loc": X, "scale": X + 1e-6}) != first
    assert fingerprint(bare, {"scale": X, "loc": X + 1}) != first


@pytest.mark.parametrize("shape", [(30, 5), (30, 2, 2), (30,)])
def test_data_that_do_not_fit_are_told_with_their_shape(model, bind, shape):
    with pytest.raises(GenprobeError, match="encode of mine fails on a batch of shape") as told:
        bind(model, from_array("x", torch.rand(shape)))
    assert str((1, *shape[1:])) in str(told.value)
    assert told.value.remedy


def test_a_first_example_that_is_not_finite_is_told(model, bind):
    with pytest.raises(DataError, match="Example 0 of x"):
        bind(model, from_array("x", torch.full((2, 4), float("nan"))))


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
    dataset = unseen("toy", 30)
    with pytest.raises(DataError, match="distortion of 4 draws; its rate has no closed form"):
        bind(given, dataset, draws=2)
    header, _ = bind(given, dataset, draws=4)
    assert not header.rate_analytic


def mixture_params():
    codes = Codes(mean=torch.randn(50, 2).double(), variance=torch.ones(50, 2).double())
    return plugins().get("priors", "normal-mixture").fit(codes, 2, 0)


def test_a_prior_given_by_name_is_built_of_the_models_tensors(model, bind):
    tensors = {"loc": torch.tensor([1.0, 2.0]), "scale": torch.tensor(3.0)}
    _, parts = bind(replace(model, prior="diagonal-normal", prior_params=tensors))
    z = torch.zeros(1, 2).double()
    truth = torch.distributions.Normal(tensors["loc"].double(), 3.0).log_prob(z).sum()
    assert float(parts.prior.log_prob(z)) == pytest.approx(float(truth), rel=1e-12)


def test_a_prior_s_tensors_are_part_of_the_fingerprint(model):
    params = {"loc": torch.zeros(1, 2)}
    changed = replace(model, prior_params={"loc": torch.ones(2)})
    assert fingerprint(model, params) != fingerprint(changed, params)
