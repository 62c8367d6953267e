import pytest
import torch
from torch.distributions import Independent, Normal

from genprobe.encoding.latent_shape import latent_shape_of
from genprobe.errors import ModelError
from genprobe.priors.standard_normal import build
from genprobe.types import Model, NamedPrior, Prior


class Learned(torch.nn.Module):
    def forward(self):
        return Independent(Normal(torch.zeros(2, 3), torch.ones(2, 3)), 2)


def of_samples():
    given = build(torch.Size([2, 3]), {})
    return Prior(name="mine", log_prob=given.log_prob, sample=given.sample, kl=given.kl)


@pytest.mark.parametrize(
    "prior",
    [
        Normal(torch.zeros(2, 3), torch.ones(2, 3)),
        Learned(),
        of_samples(),
        build(torch.Size([2, 3]), {}),
        lambda: Normal(torch.zeros(2, 3), torch.ones(2, 3)),
    ],
    ids=["distribution", "module", "samples", "prior", "function"],
)
def test_a_prior_says_the_shape_of_z_and_leaves_the_generator_as_it_was(prior):
    state = torch.get_rng_state()
    model = Model(name="half", encode=None, decode=dict, prior=prior, likelihood="normal")
    assert latent_shape_of(model) == (2, 3)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("prior", ["standard-normal", NamedPrior(name="x", params={})])
def test_where_nothing_says_it_the_model_is_asked_to(prior):
    parts = {"decode": dict, "prior": prior, "likelihood": "normal"}
    assert latent_shape_of(Model(name="half", encode=None, latent_shape=[4, 1], **parts)) == (4, 1)
    with pytest.raises(ModelError, match=r"Nothing says the shape of z.*\n.*latent_shape="):
        latent_shape_of(Model(name="half", encode=None, **parts))
