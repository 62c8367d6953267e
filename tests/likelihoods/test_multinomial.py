import pytest
import scipy.stats
import torch

from genprobe.errors import ModelError
from genprobe.likelihoods.multinomial import multinomial

X = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0], [100000.0, 3.0, 7.0], [0.0, 5.0, 0.0]])
LOGITS = torch.linspace(-50, 50, 12).reshape(4, 3).flip(1) / torch.tensor([[50], [1], [50], [1]])


def truth(x, logits):
    p = logits.double().softmax(-1)
    found = scipy.stats.multinomial.logpmf(x.double().numpy(), x.sum(-1).long().numpy(), p.numpy())
    return torch.from_numpy(found)


def test_every_constant_of_the_probability_counts(differentiable):
    logits = torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(4, 3)
    found = multinomial.distribution({"logits": logits}).log_prob(X)
    torch.testing.assert_close(found, truth(X, logits), rtol=1e-9, atol=1e-9)
    differentiable(multinomial, {"logits": logits}, X)


def test_logits_of_fifty_in_float32():
    x = torch.tensor([[2.0, 0.0, 1.0]])
    found = multinomial.distribution({"logits": torch.tensor([[50.0, 0.0, -50.0]])}).log_prob(x)
    assert found.item() == pytest.approx(torch.tensor(3.0).log().item() - 100, abs=1e-6)


def test_a_word_that_cannot_come_costs_nothing_while_it_does_not():
    logits = torch.tensor([[0.0, -torch.inf, 0.0]])
    found = multinomial.distribution({"logits": logits}).log_prob(torch.tensor([[1.0, 0.0, 1.0]]))
    assert found.item() == pytest.approx(torch.tensor(0.5).log().item())


def test_it_sums_to_one_given_the_total():
    bags = torch.tensor([[a, b, 6 - a - b] for a in range(7) for b in range(7 - a)]).float()
    p = multinomial.distribution({"logits": torch.tensor([[0.3, -1.0, 2.0]]).expand(len(bags), 3)})
    assert p.log_prob(bags).exp().sum().item() == pytest.approx(1)


def test_axes_before_the_last_are_bags_of_their_own():
    x, logits = X.view(2, 2, 3), torch.linspace(-1, 1, 12).view(2, 2, 3)
    found = multinomial.distribution({"logits": logits}).log_prob(x)
    torch.testing.assert_close(found, truth(x, logits).sum(1), rtol=1e-6, atol=1e-6)


def test_it_is_a_probability_of_counts(refused):
    assert multinomial.discrete
    assert multinomial.support(X) is None
    refused(multinomial, torch.zeros(4, 2, 3), 0.5)


def test_samples_are_bags_of_the_totals_that_the_decoder_gives():
    logits, total = torch.tensor([[0.0, 1.0, -1.0]] * 2), torch.tensor([4.0, 0.0])
    x = multinomial.distribution({"logits": logits, "total_count": total}).sample((20000,))
    assert torch.equal(x.sum(-1), total.double().expand(20000, 2))
    torch.testing.assert_close(
        x[:, 0].mean(0), 4 * logits[0].double().softmax(0), atol=0.05, rtol=0
    )


def test_without_totals_there_is_no_sample():
    with pytest.raises(NotImplementedError):
        multinomial.distribution({"logits": LOGITS}).sample()


def test_a_total_that_is_no_count_is_refused():
    with pytest.raises(ModelError, match="total_count of 1.5"):
        multinomial.distribution({"logits": LOGITS, "total_count": torch.full((4,), 1.5)})


def test_its_blind_distortion_is_that_of_the_mean_shares():
    mean = X.double().mean(0)

    def cost(p):
        return -truth(X, p.log().expand(4, 3)).mean().item()

    more = {k: v.mean(0) for k, v in multinomial.statistics(X).items()}
    found = multinomial.blind(mean, X.double().square().mean(0), **more)
    assert found == pytest.approx(cost(mean / mean.sum()))
    for tilt in ([1.01, 1, 1], [1, 1.01, 1]):
        other = mean * torch.tensor(tilt)
        assert cost(other / other.sum()) > found
