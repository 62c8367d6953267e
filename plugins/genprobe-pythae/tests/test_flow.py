import pytest
import torch
from genprobe_pythae.flow import flow, inverse, planar_log_det, pulled_back, through
from pythae.models.normalizing_flows import PlanarFlow, PlanarFlowConfig

import genprobe
from genprobe.errors import ModelError

LATENT = 4


@pytest.fixture(params=["Planar", "Radial", "IAF"])
def layer(request, untrained):
    if request.param == "IAF":
        made = untrained("VAE_IAF").iaf_flow
    else:
        (made,) = untrained("VAE_LinNF", flows=[request.param]).net
    return made.double().requires_grad_(False)


def test_the_inverse_undoes_a_layer(layer):
    u = 3 * torch.randn(200, LATENT, dtype=torch.float64)
    z, _ = through([layer], u)
    assert (z - u).abs().max() > 0.1
    torch.testing.assert_close(inverse(layer, z), u, rtol=1e-6, atol=1e-6)


def test_the_log_determinant_is_that_of_the_jacobian(layer):
    u = torch.randn(50, LATENT, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda v: through([layer], v)[0].sum(0), u)
    expected = torch.linalg.slogdet(jacobian.transpose(0, 1)).logabsdet
    torch.testing.assert_close(through([layer], u)[1], expected, rtol=1e-10, atol=1e-10)


def test_draws_of_the_prior_are_standard_normal_after_the_flow(layer):
    torch.manual_seed(0)
    prior = pulled_back([layer, layer], LATENT)
    z, _ = through([layer, layer], prior.sample(20000))
    assert z.mean(0).abs().max() < 4 / 20000**0.5
    assert (z.var(0) - 1).abs().max() < 4 * (2 / 20000) ** 0.5


def test_a_steep_planar_layer_keeps_its_determinant_exact():
    layer = PlanarFlow(PlanarFlowConfig(input_dim=(1,), activation="tanh")).double()
    with torch.no_grad():
        layer.w.fill_(1.0)
        layer.u.fill_(-0.9999)
        layer.b.fill_(0.0)
        found = planar_log_det(layer, torch.zeros(1, 1, dtype=torch.float64))
    assert found.item() == pytest.approx(torch.tensor(1e-4).log().item(), rel=1e-6)


def test_a_planar_layer_that_is_no_bijection_is_refused(tmp_path, untrained):
    model = untrained("VAE_LinNF", flows=["Radial", "Planar"])
    with torch.no_grad():
        model.net[1].w.fill_(1.0)
        model.net[1].u.fill_(-0.5)
    model.save(str(tmp_path))
    with pytest.raises(ModelError, match=r"Layer 1 .* not invertible \(w·u = -2") as caught:
        genprobe.load(tmp_path)
    assert "Radial" in caught.value.remedy


def test_an_invertible_flow_is_taken(untrained):
    model = untrained("VAE_LinNF", flows=["Radial"])
    assert flow(model).posterior == "diagonal-normal"
