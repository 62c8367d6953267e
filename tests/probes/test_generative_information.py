import pytest
import torch

from genprobe import Model
from genprobe.encoding.calls import Calls
from genprobe.errors import ModelError
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


def test_where_the_encoder_fails_there_is_nan_and_only_there():
    def encode(x):
        loc = torch.where(x[:, :1] < 0, torch.nan, x)
        return {"loc": loc, "scale": torch.where(x[:, 1:] > 1, 0.0, torch.ones_like(x))}

    asked = []

    def whole(x):
        asked.append(x)
        return {"loc": x, "scale": torch.ones_like(x)}

    wanted, found = probe(encode=whole)[0], probe(encode=encode)[0]
    lost = (asked[0][:, 0] < 0) | (asked[0][:, 1] > 1)
    assert 0 < lost.sum() < N
    assert found.isnan().tolist() == lost.tolist()
    torch.testing.assert_close(found[~lost], wanted[~lost])


def test_nothing_but_nan_is_no_fault_of_the_family():
    assert probe(encode=lambda x: {"loc": x, "scale": x * torch.nan}).isnan().all()


def test_an_encoder_that_raises_is_told_what_it_should_take():
    def encode(x):
        raise ValueError("negative counts")

    with pytest.raises(ModelError, match=r"negative counts\.\nLet the encoder take whatever"):
        probe(encode=encode)


def test_running_out_of_memory_keeps_its_own_remedy():
    def encode(x):
        raise MemoryError

    with pytest.raises(ModelError, match=r"runs out of memory[\s\S]*--batch-size"):
        probe(encode=encode)
