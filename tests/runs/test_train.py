import dataclasses

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

import genprobe
from genprobe.architectures import MlpVae
from genprobe.datasets.from_array import array_dataset
from genprobe.errors import DataError, GenprobeError
from genprobe.loaders.open import open_dataset
from genprobe.runs.train import objective, train
from genprobe.runtime.progress import silent

SMALL = {"latent": 2, "hidden": (16,), "batch_size": 64, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def bits():
    """Two kinds of examples, so that one latent dimension pays."""
    x = torch.zeros(256, 12)
    x[::2, :6] = 1
    return array_dataset("bits", x)


def loss(model, dataset, beta=1.0):
    torch.manual_seed(1)
    with torch.no_grad():
        return objective(model.module, dataset.read(0, dataset.n), beta).item()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"prior": "diagonal-normal"},
        {"likelihood": "normal", "scale": 0.5},
        {"likelihood": "normal", "activation": "tanh"},
    ],
)
def test_more_epochs_bring_the_loss_down(bits, options):
    before, after = (train(bits, epochs=n, **SMALL, **options) for n in (1, 15))
    assert loss(after, bits) < loss(before, bits) - 1


def test_the_objective_is_distortion_plus_beta_times_rate():
    module = MlpVae(data_shape=(5,), latent=2, hidden=(3,), prior="diagonal-normal")
    torch.nn.init.normal_(module.prior_loc)
    x = (torch.rand(7, 5) > 0.5).float()
    params = module.encode(x)
    q = Independent(Normal(params["loc"], params["scale"]), 1)
    torch.manual_seed(3)
    p = Independent(Bernoulli(logits=module.decode(q.rsample())["logits"]), 1)
    prior = Independent(Normal(module.prior_loc, module.prior_log_scale.exp()), 1)
    truth = (0.7 * kl_divergence(q, prior) - p.log_prob(x)).mean()
    torch.manual_seed(3)
    torch.testing.assert_close(objective(module, x, 0.7), truth)


def test_a_learned_prior_moves(bits):
    model = train(bits, epochs=5, prior="diagonal-normal", **SMALL)
    assert (model.prior.params["loc"] != 0).all()
    assert (model.prior.params["scale"] != 1).all()


def test_a_larger_beta_buys_a_smaller_rate(bits):
    rates = [
        genprobe.evaluate(train(bits, epochs=15, beta=beta, **SMALL), bits)["rate"].value
        for beta in (0.1, 1.0, 100.0)
    ]
    assert rates[0] > rates[1] > rates[2]
    assert rates[2] < 0.1


def test_the_same_seed_gives_the_same_weights_and_another_does_not(bits):
    states = []
    for seed, stray in ((3, 0), (3, 99), (4, 0)):
        torch.manual_seed(stray)
        states.append(train(bits, epochs=2, seed=seed, **SMALL).module.state_dict())
    torch.testing.assert_close(states[0], states[1], rtol=0, atol=0)
    assert not torch.equal(states[0]["encoder.0.weight"], states[2]["encoder.0.weight"])


def test_the_users_random_state_is_left_alone(bits):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(bits, epochs=1, **SMALL)
    assert torch.equal(torch.rand(3), expected)


def test_the_model_says_how_it_was_trained_and_is_ready_to_use():
    dataset = open_dataset(torch.rand(64, 3), binarize="threshold")
    model = train(dataset, name="mine", data="x.npy", beta=0.5, epochs=1, seed=7, **SMALL)
    assert model.name == "mine"
    expected = {"data": "x.npy", "binarize": "threshold", "beta": 0.5, "epochs": 1, "seed": 7}
    assert expected.items() <= model.training.items()
    assert not model.module.training


def test_progress_counts_every_step(bits):
    seen = []
    progress = dataclasses.replace(silent, advance=lambda *step: seen.append(step))
    train(bits, epochs=3, progress=progress, **SMALL)
    assert seen == [("train", 1, 12)] * 12


def test_data_above_1_are_outside_the_support_of_bernoulli():
    with pytest.raises(DataError, match=r"Example 0 has the value 2; .* values in \[0, 1\]"):
        train(array_dataset("x", torch.tensor([[0.0, 2.0]])), epochs=1, **SMALL)


def test_data_that_are_not_finite_are_told():
    x = torch.zeros(9, 2)
    x[4, 1] = float("nan")
    with pytest.raises(DataError, match="Example 4 of x has a value that is not finite"):
        train(array_dataset("x", x), epochs=1, **SMALL)


def test_data_in_float64_are_trained_on_too():
    dataset = array_dataset("x", (torch.rand(64, 3).double() > 0.5).double().numpy())
    assert train(dataset, epochs=1, **SMALL).module.encoder[0].weight.isfinite().all()


@pytest.mark.parametrize(
    "option", [{"beta": -1}, {"epochs": 0}, {"learning_rate": 0}, {"batch_size": 0}]
)
def test_choices_that_make_no_sense_are_told(bits, option):
    with pytest.raises(GenprobeError, match="must"):
        train(bits, **(SMALL | {"epochs": 1} | option))


def test_a_loss_that_is_not_finite_stops_with_a_remedy(bits):
    with pytest.raises(GenprobeError, match=r"no longer finite.*\n.*learning rate"):
        train(bits, epochs=50, likelihood="normal", **(SMALL | {"learning_rate": 1e6}))


def test_a_model_to_start_from_gives_its_weights_and_keeps_them(bits):
    start = train(bits, epochs=2, seed=1, **SMALL)
    before = {name: value.clone() for name, value in start.module.state_dict().items()}
    still = train(bits, epochs=1, start=start, **(SMALL | {"learning_rate": 1e-12}))
    torch.testing.assert_close(still.module.state_dict(), before)
    train(bits, epochs=1, start=start, **SMALL)
    torch.testing.assert_close(start.module.state_dict(), before, rtol=0, atol=0)


def test_a_model_of_other_sizes_is_no_start(bits):
    start = train(bits, epochs=1, **SMALL)
    with pytest.raises(GenprobeError, match="other sizes"):
        train(bits, epochs=1, start=start, **(SMALL | {"latent": 3}))
