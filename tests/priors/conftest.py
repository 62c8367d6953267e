import pytest
import torch


@pytest.fixture
def posteriors():
    """Three diagonal normals over z of shape (2, 2), float64."""
    return {
        "loc": torch.randn(3, 2, 2, dtype=torch.float64),
        "scale": 0.2 + torch.rand(3, 2, 2, dtype=torch.float64),
    }


@pytest.fixture
def kl_of_normals():
    """KL of a diagonal normal to another, written out."""

    def kl(params, loc, scale):
        ratio, shift = params["scale"] / scale, (params["loc"] - loc) / scale
        return ((ratio.square() + shift.square() - 1) / 2 - ratio.log()).flatten(1).sum(1)

    return kl


@pytest.fixture
def within_monte_carlo():
    """Check a KL against the mean of log q − log p over draws, within four standard errors."""

    def check(kl, family, params, prior, draws=20_000):
        q = family.distribution(params)
        z = q.sample((draws,))
        terms = q.log_prob(z) - prior.log_prob(z)
        error = terms.std(0) / draws**0.5
        assert (error < 0.1).all()
        assert ((kl - terms.mean(0)).abs() < 4 * error).all()

    return check


@pytest.fixture
def one_hot():
    """Logits that are all but certain of given codes (batch, *grid)."""

    def logits(codes, classes):
        return -1e4 * (1 - torch.nn.functional.one_hot(codes, classes).double())

    return logits
