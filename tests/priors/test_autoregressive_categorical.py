import itertools
import math

import pytest
import torch
from torch import nn
from torch.distributions import constraints

from genprobe.errors import ModelError
from genprobe.families.categorical import categorical as family
from genprobe.priors import autoregressive_categorical as module_under_test
from genprobe.priors.autoregressive_categorical import autoregressive_prior
from genprobe.testing import PriorTests

GRID, CLASSES = (2, 2), 3


class Chain(nn.Module):
    """Logits at t are a table of the sum of what came before t, times dropout while training."""

    def __init__(self, reach=0, positions=4, classes=CLASSES):
        super().__init__()
        self.table = nn.Parameter(torch.randn(positions, classes * positions, classes))
        self.reach = reach
        self.drop = nn.Dropout(0.5)
        self.calls = 0

    def forward(self, z):
        self.calls += 1
        flat = z.flatten(1)
        before = flat.cumsum(1) - flat
        if self.reach:
            before = before + flat.roll(1 - self.reach, 1)
        positions = torch.arange(flat.shape[1])
        return self.drop(self.table[positions, before]).view(*z.shape, -1)


@pytest.fixture
def chain():
    return Chain().eval()


def every_grid():
    rows = list(itertools.product(range(CLASSES), repeat=4))
    return torch.tensor(rows, dtype=torch.float32).view(-1, *GRID)


def by_hand(chain, z):
    """Log p(z), one conditional after the other, in plain Python."""
    log_probs = chain.table.detach().double().log_softmax(-1)
    total, before = 0.0, 0
    for t, value in enumerate(z.flatten().long().tolist()):
        total += float(log_probs[t, before, value])
        before += value
    return total


def test_it_is_the_product_of_the_conditionals_and_sums_to_one(chain):
    prior = autoregressive_prior(chain, GRID, CLASSES)
    found = prior.log_prob(every_grid())
    truth = torch.tensor([by_hand(chain, z) for z in every_grid()], dtype=torch.float64)
    torch.testing.assert_close(found, truth)
    assert found.exp().sum().item() == pytest.approx(1)
    assert prior.log_prob(every_grid().view(3, 27, 2, 2)).shape == (3, 27)


def test_its_density_takes_one_call_and_a_draw_one_a_position(chain):
    prior = autoregressive_prior(chain, GRID, CLASSES)
    chain.calls = 0
    prior.log_prob(every_grid())
    assert chain.calls == 1
    prior.sample(5)
    assert chain.calls == 1 + 4


def test_samples_are_as_frequent_as_they_are_probable(chain):
    n = 20_000
    prior = autoregressive_prior(chain, GRID, CLASSES)
    z = prior.sample(n)
    assert z.shape == (n, *GRID)
    assert z.dtype == torch.float64
    code = (z.flatten(1).long() * torch.tensor([27, 9, 3, 1])).sum(1)
    found = torch.bincount(code, minlength=81) / n
    probability = prior.log_prob(every_grid()).exp()
    assert ((found - probability).abs() < 4.5 * (probability / n).sqrt() + 1e-3).all()


def test_rows_go_in_stretches(chain, monkeypatch):
    prior = autoregressive_prior(chain, GRID, CLASSES)
    whole = prior.log_prob(every_grid())
    monkeypatch.setattr(module_under_test, "VALUES", 5 * 4 * CLASSES)
    chain.calls = 0
    torch.testing.assert_close(prior.log_prob(every_grid()), whole)
    assert chain.calls == math.ceil(81 / 5)
    assert autoregressive_prior(chain, GRID, CLASSES).sample(12).shape == (12, *GRID)


def test_it_is_asked_in_evaluation_mode_and_left_as_it_was():
    chain = Chain().train()
    prior = autoregressive_prior(chain, GRID, CLASSES)
    z = every_grid()[:3]
    truth = torch.tensor([by_hand(chain, one) for one in z], dtype=torch.float64)
    torch.testing.assert_close(prior.log_prob(z), truth)
    assert chain.training
    assert prior.module is chain


@pytest.mark.parametrize("reach", [1, 2, 3])
def test_logits_that_see_their_own_position_or_a_later_one_are_refused(reach):
    with pytest.raises(ModelError, match=r"position \d depend on position \d or later.*\n.*mask"):
        autoregressive_prior(Chain(reach), GRID, CLASSES)


def test_a_single_leak_far_into_the_grid_is_found():
    def leaky(z):
        flat = z.flatten(1)
        logits = torch.zeros(*flat.shape, 4)
        logits[:, 150, 0] = flat[:, 151].float()
        return logits.view(*z.shape, 4)

    with pytest.raises(ModelError, match="position 150 depend on position 150 or later"):
        autoregressive_prior(leaky, (14, 14), 4)
    autoregressive_prior(lambda z: torch.zeros(*z.shape, 4), (14, 14), 4)


def test_causality_is_found_when_rows_go_in_stretches(monkeypatch):
    monkeypatch.setattr(module_under_test, "VALUES", 3 * 4 * CLASSES)
    autoregressive_prior(Chain(), GRID, CLASSES)
    with pytest.raises(ModelError, match="not autoregressive"):
        autoregressive_prior(Chain(1), GRID, CLASSES)


def test_a_causal_convolution_passes_and_an_unmasked_one_does_not():
    class Conv(nn.Module):
        def __init__(self, shift):
            super().__init__()
            self.embed, self.shift = nn.Embedding(5, 8), shift
            self.conv = nn.Conv1d(8, 5, 3)

        def forward(self, z):
            x = self.embed(z.flatten(1)).mT
            x = nn.functional.pad(x, (2 + self.shift, 0))[..., : x.shape[2] + 2]
            return self.conv(x).mT.reshape(*z.shape, 5)

    prior = autoregressive_prior(Conv(1), (4, 4), 5)
    assert prior.log_prob(prior.sample(6)).shape == (6,)
    with pytest.raises(ModelError, match="at position 0 depend on position 0"):
        autoregressive_prior(Conv(0), (4, 4), 5)


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (lambda z: torch.zeros(len(z), CLASSES, 2, 2), r"shape \(\d, 3, 2, 2\).*\n.*axis"),
        (lambda z: torch.full((*z.shape, CLASSES), torch.nan), "not finite"),
    ],
)
def test_logits_that_do_not_fit_are_refused(logits, message):
    with pytest.raises(ModelError, match=message):
        autoregressive_prior(logits, GRID, CLASSES)


def test_a_z_that_is_no_class_is_told(chain):
    with pytest.raises(ModelError, match="from 0 to 2"):
        autoregressive_prior(chain, GRID, CLASSES).log_prob(torch.full((1, 2, 2), 3.0))


def test_it_has_no_closed_form_divergence(chain):
    prior = autoregressive_prior(chain, GRID, CLASSES, name="mine")
    assert prior.name == "mine"
    assert prior.kl(family, {"logits": torch.zeros(1, 2, 2, 3)}) is None


def test_a_single_position_is_no_grid():
    table = torch.tensor([0.0, 1.0, 2.0])
    prior = autoregressive_prior(lambda z: table.expand(*z.shape, 3), (), 3)
    z = torch.tensor([0.0, 1.0, 2.0])
    torch.testing.assert_close(prior.log_prob(z), table.double().log_softmax(0))
    assert prior.sample(4).shape == (4,)


class TestConformance(PriorTests):
    event_shape = GRID
    support = constraints.integer_interval(0, CLASSES - 1)
    posteriors = ((family, {"logits": torch.arange(36.0).sin().view(3, 2, 2, 3)}),)
    part = autoregressive_prior(Chain(), GRID, CLASSES)
