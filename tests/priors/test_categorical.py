import itertools

import pytest
import torch
from torch.distributions import constraints

from genprobe.errors import ModelError
from genprobe.families.categorical import categorical as family
from genprobe.priors.categorical import categorical
from genprobe.testing import PriorTests

GRID = torch.Size([2, 2])
SHARED = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
OWN = torch.randn(2, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def every_grid(classes=3, positions=4):
    rows = list(itertools.product(range(classes), repeat=positions))
    return torch.tensor(rows, dtype=torch.float32).view(-1, *GRID)


def table(logits):
    """Log-probability of every grid, summed position by position in plain Python."""
    log_probs = logits.expand(2, 2, 3).log_softmax(-1)
    return torch.tensor(
        [
            sum(float(log_probs[i, j, int(z[i, j])]) for i in range(2) for j in range(2))
            for z in every_grid()
        ],
        dtype=torch.float64,
    )


@pytest.mark.parametrize("logits", [SHARED, OWN], ids=["shared", "own"])
def test_the_probability_of_every_grid_is_the_product_over_positions(logits):
    prior = categorical.build(GRID, {"logits": logits})
    found = prior.log_prob(every_grid())
    torch.testing.assert_close(found, table(logits))
    assert found.exp().sum().item() == pytest.approx(1)


@pytest.mark.parametrize("logits", [SHARED, OWN], ids=["shared", "own"])
def test_its_tensors_rebuild_it(logits):
    prior = categorical.build(GRID, {"logits": logits.float()})
    again = categorical.build(GRID, prior.params)
    assert torch.equal(again.log_prob(every_grid()), prior.log_prob(every_grid()))
    assert prior.params["logits"].shape == logits.shape


def test_samples_are_class_indices_in_a_floating_dtype_and_match_its_moments():
    n = 20_000
    z = categorical.build(GRID, {"logits": OWN}).sample(n)
    assert z.shape == (n, 2, 2)
    assert z.dtype == torch.float64
    for c in range(3):
        probability = OWN.softmax(-1)[..., c]
        error = (probability * (1 - probability) / n).sqrt()
        assert (((z == c).double().mean(0) - probability).abs() < 4 * error).all()


def test_the_kl_of_a_one_hot_posterior_is_minus_log_of_its_code(one_hot):
    prior = categorical.build(GRID, {"logits": OWN})
    codes = every_grid()[[0, 40, 80]]
    kl = prior.kl(family, {"logits": one_hot(codes.long(), 3)})
    torch.testing.assert_close(kl, -table(OWN)[[0, 40, 80]])


def test_kl_is_the_sum_over_every_grid():
    q = torch.randn(5, 2, 2, 3, dtype=torch.float64)
    log_q = family.distribution({"logits": q}).log_prob(every_grid()[:, None])
    truth = (log_q.exp() * (log_q - table(OWN)[:, None])).sum(0)
    found = categorical.build(GRID, {"logits": OWN}).kl(family, {"logits": q})
    torch.testing.assert_close(found, truth)


@pytest.mark.parametrize(("value", "said"), [(3.0, "3"), (-1.0, "-1"), (0.5, "0.5")])
def test_a_z_that_is_no_class_is_told(value, said):
    z = torch.zeros(2, 2, 2)
    z[1, 0, 1] = value
    with pytest.raises(ModelError, match=f"from 0 to 2; z has the value {said}"):
        categorical.build(GRID, {"logits": SHARED}).log_prob(z)


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (torch.tensor(1.0), "single logit"),
        (torch.zeros(3, 2, 3), r"must broadcast to \(2, 2, 3\)"),
        (torch.tensor([0.0, -torch.inf]), "not finite"),
    ],
)
def test_unusable_tensors_are_refused(logits, message):
    with pytest.raises(ModelError, match=message):
        categorical.build(GRID, {"logits": logits})


def test_a_single_position_is_no_grid():
    prior = categorical.build(torch.Size([]), {"logits": SHARED})
    found = prior.log_prob(torch.tensor([0.0, 1.0, 2.0]))
    torch.testing.assert_close(found, SHARED.log_softmax(0))
    assert prior.sample(4).shape == (4,)


class TestConformance(PriorTests):
    part = categorical
    event_shape = GRID
    params = {"logits": OWN}
    support = constraints.integer_interval(0, 2)
    posteriors = ((family, {"logits": OWN.flip(0).expand(3, 2, 2, 3)}),)
