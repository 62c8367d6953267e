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


def probe(made, batch_size=N, index=None, n=N):
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
    index = torch.arange(N) if index is None else index
    return distortion_slope(calls, diagonal_normal, x, params, index, n)


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


def test_a_batch_without_an_example_to_take_has_a_column_of_nan_and_the_model_one_row():
    asked = []

    def decode(z):
        asked.append(len(z))
        return {"loc": z.reshape(len(z), -1) @ WEIGHT.T, "scale": torch.tensor(0.5)}

    found = probe(model(decode), index=torch.arange(N) + 1, n=10**7)
    assert found.shape == probe(model()).shape
    assert found.isnan().all()
    assert set(asked) == {1}
