import pytest
import torch

from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.priors.flat import flat_prior

WEIGHTS = {(): (1.0,), (3,): (1.0, 2.0, 3.0), (2, 2): (1.0, 2.0, 3.0, 4.0)}


def linear(event_shape):
    """A stand-in whose density and samples show the order of the flattened values."""
    weights = torch.tensor(WEIGHTS[tuple(event_shape)], dtype=torch.float64)
    return flat_prior(
        "linear",
        torch.Size(event_shape),
        lambda z: z @ weights,
        lambda shape: weights.expand(*shape, -1),
        {"weights": weights},
    )


@pytest.mark.parametrize("event_shape", WEIGHTS, ids=str)
@pytest.mark.parametrize("batch", [(), (5,), (2, 5), (0,), (2, 0)], ids=str)
def test_density_is_over_flattened_z_of_any_batch_even_an_empty_one(event_shape, batch):
    z = torch.randn((*batch, *event_shape), dtype=torch.float64)
    weights = torch.tensor(WEIGHTS[event_shape], dtype=torch.float64).reshape(event_shape)
    truth = (z * weights).sum(tuple(range(len(batch), z.dim()))) if event_shape else z * weights
    found = linear(event_shape).log_prob(z)
    assert found.shape == batch
    torch.testing.assert_close(found, truth)


@pytest.mark.parametrize("event_shape", WEIGHTS, ids=str)
def test_samples_have_the_shape_of_z(event_shape):
    prior = linear(event_shape)
    assert prior.sample(4).shape == (4, *event_shape)
    assert prior.sample(4)[0].flatten().tolist() == list(WEIGHTS[event_shape])


def test_it_has_no_closed_form_divergence(posteriors):
    assert linear((2, 2)).kl(diagonal_normal, posteriors) is None
