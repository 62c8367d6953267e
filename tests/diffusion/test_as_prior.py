import pytest
import torch

import genprobe
from genprobe import Diffusion, Model, diffusion_prior
from genprobe.diffusion.as_prior import ROWS
from genprobe.errors import ModelError
from genprobe.estimators.standard_error import mean_over_examples


@pytest.fixture(scope="module")
def prior(make_gaussian):
    subject = make_gaussian(3, steps=400, kind="cosine", predicts="v")
    return diffusion_prior(subject.diffusion, (3,)), subject


def test_it_is_the_density_of_normal_codes_less_what_steps_lose(prior):
    made, subject = prior
    z = subject.data(300)
    found = mean_over_examples("log_pz", made.log_prob(z)[None])
    truth = torch.distributions.Normal(0.0, subject.variances.sqrt()).log_prob(z).sum(1)
    lost = mean_over_examples("lost", (truth - made.log_prob(z))[None])
    # The chain's rate is above that of infinitely many steps by this much.
    snr = subject.schedule.snr
    fine = ((1 + subject.variances * snr[0]) / (1 + subject.variances * snr[-1])).log().sum() / 2
    coarse = float(subject.rates().sum() - fine)
    assert found.value < float(truth.mean())
    assert abs(lost.value - coarse) < 4.5 * lost.se_data + 0.02


def test_the_same_code_costs_the_same_in_every_batch(prior):
    made, subject = prior
    z = subject.data(6)
    each = torch.stack([made.log_prob(row[None])[0] for row in z])
    assert torch.allclose(made.log_prob(z.reshape(2, 3, 3)).flatten(), each, rtol=1e-5)


def test_samples_have_the_variances_it_was_trained_on(prior):
    made, subject = prior
    torch.manual_seed(0)
    found = made.sample(3000).var(0)
    torch.testing.assert_close(found, subject.variances, rtol=0.12, atol=0.003)


def test_a_model_has_its_rate_under_it(prior):
    """With codes as they were trained on the rate is that under the normal, and a little more."""
    made, subject = prior

    def encode(x):
        return {"loc": 0.9 * x, "scale": 0.3 * x.abs() + 0.1}

    parts = {"encode": encode, "posterior": "diagonal-normal"}
    x = subject.data(200).float()
    found = genprobe.evaluate(Model(name="latent", prior=made, **parts), x, device="cpu", draws=4)
    normal = torch.distributions.Independent(
        torch.distributions.Normal(torch.zeros(3), subject.variances.sqrt().float()), 1
    )
    exact = genprobe.evaluate(Model(name="exact", prior=normal, **parts), x, device="cpu")
    apart = found["rate"].value - exact["rate"].value
    assert -4.5 * found["rate"].se < apart < 4.5 * found["rate"].se + 1.0
    assert "mutual_information" in found.estimates


def test_a_prior_of_no_steps_is_refused(make_gaussian):
    with pytest.raises(ModelError, match="looks at 0 steps"):
        diffusion_prior(make_gaussian(3).diffusion, (3,), steps=0)


@pytest.mark.parametrize(
    ("variance", "denoise", "said"),
    [
        ("posterior", lambda z, t: z[:, :1], "a prediction as a float32 of shape"),
        ("posterior", lambda z, t: (z, z), "a prediction as a tuple"),
        ("posterior", lambda z, t: z / 0, "not finite, at step t ="),
        ("learned", lambda z, t: z, "takes a pair"),
    ],
)
def test_a_denoiser_at_fault_is_refused(variance, denoise, said):
    chain = Diffusion(alpha=[0.9, 0.1], sigma=[0.4, 0.9], denoise=denoise, variance=variance)
    with pytest.raises(ModelError, match=said):
        diffusion_prior(chain, (3,)).log_prob(torch.ones(4, 3))


def test_the_network_gets_few_states_at_once(make_gaussian):
    subject, rows = make_gaussian(2), []

    def denoise(z, t):
        rows.append(len(z))
        return subject.diffusion.denoise(z, t)

    given = subject.diffusion
    chain = Diffusion(alpha=given.alpha, sigma=given.sigma, denoise=denoise)
    diffusion_prior(chain, (2,), steps=300).log_prob(torch.ones(5, 2))
    diffusion_prior(chain, (2,)).sample(600)
    assert max(rows) <= ROWS


def test_samples_of_a_chain_that_ends_without_signal():
    """Data at one place, and a network that knows it: x̂_0 is that from the first step on."""
    chain = Diffusion(
        alpha=[0.99, 0.7, 0.0],
        sigma=[0.01, 0.7, 1.0],
        denoise=lambda z, t: torch.full_like(z, 2.0),
        predicts="x",
    )
    found = diffusion_prior(chain, (3,)).sample(500)
    assert found.mean() == pytest.approx(2.0, abs=0.01)
    assert found.std() == pytest.approx(0.01, rel=0.2)
