import pytest
import torch

from genprobe import Model
from genprobe.encoding.calls import Calls
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.likelihoods.laplace import laplace
from genprobe.likelihoods.normal import normal
from genprobe.probes.decoder_scale import FEW, decoder_scale

N = 20
Z = torch.randn(2, N, 3)
CHOSEN = torch.arange(4, N)


def probe(scale, likelihood=normal, decodes=True):
    seen = []

    def decode(z):
        seen.append(len(z))
        return {"loc": z, "scale": scale(z)}

    calls = Calls(
        model=Model(
            name="m",
            encode=lambda x: {"loc": x, "scale": torch.ones_like(x)},
            decode=decode if decodes else None,
            posterior="diagonal-normal",
            prior="standard-normal",
            likelihood=likelihood if decodes else None,
        ),
        posterior=diagonal_normal,
        likelihood=likelihood if decodes else None,
        device=torch.device("cpu"),
        dtype=torch.float32,
        batch_size=N,
    )
    return decoder_scale(calls, Z, CHOSEN), seen


def test_a_constant_is_both_the_smallest_and_the_largest():
    found, seen = probe(lambda z: torch.tensor(0.5))
    assert torch.equal(found, torch.full((2, len(CHOSEN)), 0.5).double())
    assert seen == [FEW]


def test_one_that_varies_has_its_range_over_the_first_few():
    found, _ = probe(lambda z: z.exp())
    few = Z[0][CHOSEN[:FEW]].exp().double()
    torch.testing.assert_close(found[:, 0], torch.stack([few.min(), few.max()]))
    assert (found == found[:, :1]).all()


@pytest.mark.parametrize("given", [{"likelihood": laplace}, {"decodes": False}])
def test_where_no_distortion_is_known_at_a_scale_nothing_is_asked(given):
    found, seen = probe(lambda z: torch.ones_like(z), **given)
    assert found is None
    assert not seen
