import pytest
import torch

from genprobe import Model
from genprobe.encoding.calls import Calls
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.likelihoods.normal import normal
from genprobe.priors.standard_normal import build
from genprobe.probes.generative_information import generative_information

N, NOISE = 1000, 0.5


def probe(batch_size=N, chosen=None, **parts):
    """x = z + noise, and its exact posterior N(x / (1 + v), v / (1 + v))."""
    variance = NOISE**2
    exact = {
        "encode": lambda x: {
            "loc": x / (1 + variance),
            "scale": torch.full_like(x, (variance / (1 + variance)) ** 0.5),
        },
        "decode": lambda z: {"loc": z, "scale": torch.tensor(NOISE)},
    }
    made = Model(
        name="m",
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
        **(exact | parts),
    )
    torch.manual_seed(0)
    prior = build(torch.Size([2]), {})
    chosen = torch.arange(N) if chosen is None else chosen
    calls = Calls(
        model=made,
        posterior=diagonal_normal,
        likelihood=normal,
        device=torch.device("cpu"),
        dtype=torch.float32,
        batch_size=batch_size,
    )
    return generative_information(calls, diagonal_normal, prior, chosen)


def test_with_the_exact_posterior_it_is_the_information_of_the_channel():
    found = probe()[0]
    truth = 2 * 0.5 * torch.log(torch.tensor(1 + 1 / NOISE**2))
    assert abs(found.mean() - truth) < 4 * found.std() / N**0.5


def test_another_posterior_is_below_it():
    wide = probe(encode=lambda x: {"loc": x, "scale": torch.ones_like(x)})
    assert wide.mean() < probe().mean()


def test_it_does_not_depend_on_the_batch_size():
    torch.testing.assert_close(probe(7), probe())


@pytest.mark.parametrize("batch_size", [2, 3, 4, N])
def test_a_scale_for_every_dimension_is_not_taken_for_one_of_every_row(batch_size):
    scale = torch.tensor([NOISE, 2 * NOISE])
    found = probe(batch_size, decode=lambda z: {"loc": z, "scale": scale})
    each = probe(N, decode=lambda z: {"loc": z, "scale": scale.expand_as(z)})
    torch.testing.assert_close(found, each)


def test_there_are_as_many_samples_as_examples_chosen():
    asked = []

    def decode(z):
        asked.append(len(z))
        return {"loc": z.reshape(len(z), -1), "scale": torch.tensor(NOISE)}

    assert probe(chosen=torch.tensor([2, 7, 9]), decode=decode).shape == (1, 3)
    assert asked == [3]
