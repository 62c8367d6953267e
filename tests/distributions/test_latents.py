import pytest
import torch

from genprobe.distributions.latents import flat


@pytest.mark.parametrize("axes", [0, 1, 2])
@pytest.mark.parametrize(("latent", "k"), [((), 1), ((5,), 5), ((2, 3, 4), 24)])
def test_the_axes_of_z_become_one(axes, latent, k):
    values = torch.randn((*(7, 6)[:axes], *latent))
    found = flat(values, axes)
    assert found.shape == (*(7, 6)[:axes], k)
    assert torch.equal(found.reshape(values.shape), values)
