import pytest
import torch

from genprobe.diffusion.predictions import error_of


@pytest.mark.parametrize(("alpha", "sigma"), [(1.0, 1e-6), (1e-6, 1.0), (0.6, 0.8), (1.0, 3.0)])
def test_all_predictions_of_one_estimate_err_alike_at_both_ends(alpha, sigma):
    generator = torch.Generator().manual_seed(0)
    x, noise, off = torch.randn(3, 4, 5, generator=generator, dtype=torch.float64)
    expected = x + off
    state = alpha * x + sigma * noise
    # What a network would give that knows x̂_0 = x_0 + off, from its error rather than from x_t.
    predicted = {"x": expected, "noise": noise - alpha / sigma * off}
    predicted["v"] = alpha * noise - sigma * x - (alpha**2 / sigma + sigma) * off
    levels = torch.full((4,), alpha).double(), torch.full((4,), sigma).double()
    for predicts, value in predicted.items():
        found = error_of(predicts, value, x, noise, *levels)
        torch.testing.assert_close(found, -off, rtol=1e-6, atol=1e-9)
    assert torch.allclose(state, alpha * x + sigma * noise)


def test_what_is_expected_is_clipped():
    one = torch.ones(1, 2).double()
    levels = torch.tensor([0.5]).double(), torch.tensor([0.5]).double()
    found = error_of("x", torch.tensor([[3.0, -0.5]]).double(), one, one, *levels, clip=1.0)
    assert found.tolist() == [[0.0, 1.5]]
