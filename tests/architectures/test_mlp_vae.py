import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from genprobe.architectures import ARCHITECTURES, MlpVae
from genprobe.errors import ModelError


def test_shapes_and_constraints_of_every_part():
    for likelihood, names in (("bernoulli", {"logits"}), ("normal", {"loc", "scale"})):
        module = MlpVae(data_shape=(2, 3), latent=4, hidden=(5,), likelihood=likelihood)
        q, p = module.encode(torch.randn(7, 2, 3)), module.decode(torch.randn(7, 4))
        assert {k: v.shape for k, v in q.items()} == {"loc": (7, 4), "scale": (7, 4)}
        assert {k: v.shape for k, v in p.items()} == dict.fromkeys(names, (7, 2, 3))
        assert (q["scale"] > 0).all()
        assert (p.get("scale", torch.ones(1)) > 0).all()


def test_the_heads_are_loc_then_log_scale():
    module = MlpVae(data_shape=(3,), latent=2, hidden=(5,), likelihood="normal")
    x, z = torch.randn(4, 3), torch.randn(4, 2)
    for params, output in (
        (module.encode(x), module.encoder(x)),
        (module.decode(z), module.decoder(z)),
    ):
        half = output.shape[1] // 2
        torch.testing.assert_close(params["loc"], output[:, :half])
        torch.testing.assert_close(params["scale"], output[:, half:].exp())


def test_a_fixed_scale_is_not_learned():
    module = MlpVae(data_shape=(3,), latent=2, hidden=(), likelihood="normal", scale=0.25)
    assert module.decoder[-1].out_features == 3
    assert module.decode(torch.randn(4, 2))["scale"].item() == 0.25
    assert module.double().decode(torch.randn(4, 2).double())["scale"].dtype == torch.float64


def test_the_decoder_mirrors_the_encoder():
    module = MlpVae(data_shape=(8,), latent=2, hidden=(6, 4), activation="softplus")
    widths = [
        [(m.in_features, m.out_features) for m in net if isinstance(m, torch.nn.Linear)]
        for net in (module.encoder, module.decoder)
    ]
    assert widths == [[(8, 6), (6, 4), (4, 4)], [(2, 4), (4, 6), (6, 8)]]
    kinds = [type(m).__name__ for m in module.encoder]
    assert kinds == ["Linear", "Softplus", "Linear", "Softplus", "Linear"]


def test_the_config_rebuilds_it():
    module = MlpVae(data_shape=(2, 2), latent=3, hidden=(4,), activation="gelu", scale=None)
    twin = ARCHITECTURES[module.name](**module.config)
    twin.load_state_dict(module.state_dict())
    x = torch.randn(5, 2, 2)
    torch.testing.assert_close(twin.encode(x), module.encode(x), rtol=0, atol=0)


def test_a_learned_prior_is_the_normal_of_its_parameters():
    module = MlpVae(data_shape=(3,), latent=2, hidden=(4,), prior="diagonal-normal")
    torch.nn.init.normal_(module.prior_loc)
    torch.nn.init.normal_(module.prior_log_scale)
    truth = Normal(module.prior_loc.detach().double(), module.prior_log_scale.detach().exp())
    z = torch.randn(6, 2).double()
    log_prob = module.as_model("m").prior.log_prob(z)
    torch.testing.assert_close(log_prob, truth.log_prob(z).sum(1), rtol=1e-6, atol=1e-6)
    q = Independent(Normal(torch.zeros(1, 2), torch.ones(1, 2)), 1)
    kl_divergence(q, module.prior_distribution()).sum().backward()
    assert module.prior_loc.grad.abs().min() > 0
    assert module.prior_log_scale.grad.abs().min() > 0


def test_a_standard_normal_prior_learns_nothing():
    module = MlpVae(data_shape=(3,), latent=2, hidden=(4,))
    assert not [name for name, _ in module.named_parameters() if "prior" in name]
    z = torch.randn(6, 2)
    truth = Normal(0.0, 1.0).log_prob(z).sum(1)
    torch.testing.assert_close(module.prior_distribution().log_prob(z), truth)


@pytest.mark.parametrize("shape", [(6,), (2, 2), (1, 2, 4)])
def test_examples_of_another_size_are_told_with_both_shapes(shape):
    module = MlpVae(data_shape=(2, 4), latent=2, hidden=(3,))
    if torch.Size(shape).numel() == 8:
        assert module.encode(torch.zeros(1, *shape))["loc"].shape == (1, 2)
        return
    with pytest.raises(ModelError, match=r"\), (6|4) values; the model takes \(2, 4\), 8 values"):
        module.encode(torch.zeros(5, *shape))


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"activation": "swish"}, "no activation 'swish'.*\n.*softplus"),
        ({"prior": "cauchy"}, "no prior 'cauchy'.*\n.*diagonal-normal"),
        ({"posterior": "full"}, "no posterior 'full'"),
        ({"likelihood": "mse"}, "no likelihood 'mse'.*\n.*normal"),
        ({"latent": 0}, "must be positive"),
        ({"hidden": (3, 0)}, "must be positive"),
        ({"data_shape": (4, 0)}, "must be positive"),
        ({"likelihood": "normal", "scale": 0.0}, "must be positive"),
    ],
)
def test_a_choice_that_does_not_exist_is_told(choice, message):
    with pytest.raises(ModelError, match=message):
        MlpVae(**({"data_shape": (4,)} | choice))
