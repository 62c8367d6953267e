import pytest
import torch

from genprobe import Model
from genprobe.encoding.calls import Calls
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.likelihoods.normal import normal
from genprobe.probes.distortion_slope import distortion_slope

N = 1000
WEIGHT = torch.tensor([[1.0, 0.5], [-0.3, 2.0], [0.7, 0.1]])
SCALE = torch.tensor([0.4, 0.9])


def model(decode=lambda z: {"loc": z @ WEIGHT.T, "scale": torch.tensor(0.5)}):
    return Model(
        name="m",
        encode=lambda x: {},
        decode=decode,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
    )


def probe(made, batch_size=N, chosen=None):
    x, loc = torch.ones(N, 3), torch.zeros(N, 2)
    params = {"loc": loc, "scale": SCALE.expand(N, 2)}
    torch.manual_seed(3)
    calls = Calls(
        model=made,
        posterior=diagonal_normal,
        likelihood=normal,
        device=torch.device("cpu"),
        dtype=x.dtype,
        batch_size=batch_size,
    )
    chosen = torch.arange(N) if chosen is None else chosen
    return distortion_slope(calls, diagonal_normal, x, params, chosen)


def test_through_a_linear_decoder_it_is_the_trace_in_expectation():
    # D = E‖x − Wz‖²/2v + …, so dD/dε = Σ_j σ_j² ‖w_j‖² / v.
    found = probe(model()).mean(0)
    truth = (SCALE.square() * WEIGHT.square().sum(0)).sum() / 0.25
    assert abs(found.mean() - truth) < 4 * found.std() / N**0.5


def test_it_does_not_depend_on_the_batch_size():
    torch.testing.assert_close(probe(model(), 7), probe(model()))


@pytest.mark.parametrize("decode", [lambda z: {"loc": (z @ WEIGHT.T).detach(), "scale": SCALE[0]}])
def test_a_decoder_without_a_gradient_has_none(decode):
    assert probe(model(decode)) is None


def test_the_model_is_asked_about_the_chosen_examples_alone():
    asked = []

    def decode(z):
        asked.append(len(z))
        return {"loc": z.reshape(len(z), -1) @ WEIGHT.T, "scale": torch.tensor(0.5)}

    assert probe(model(decode), chosen=torch.tensor([2, 7, 9])).shape[1] == 3
    assert set(asked) == {3}
