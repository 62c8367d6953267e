import contextlib

import pytest
import torch

from genprobe.errors import StoreError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.runs import annealing_stages
from genprobe.runs.annealed_examples import Chunk
from genprobe.runs.annealing_pieces import Pieces
from genprobe.runs.annealing_stages import Stages, joined, named, params_of
from genprobe.runtime.progress import Progress
from genprobe.runtime.ranks import ALONE, Ranks


@pytest.fixture
def stages(tmp_path):
    """Stages of a rank, whose pieces lie in one folder, and the progress that they report."""
    pieces = Pieces(tmp_path / "s.h5", "one")
    pieces.partial.mkdir()
    pieces.open()
    reported = []
    progress = Progress(advance=lambda *said: reported.append(said), say=lambda *said: None)

    def make(ranks=ALONE):
        return Stages(family=diagonal_normal, pieces=pieces, ranks=ranks, progress=progress)

    make.reported = reported
    return make


def chunks(count=3, size=2):
    return [
        Chunk(of=None, number=i, index=torch.arange(i * size, (i + 1) * size)) for i in range(count)
    ]


def doubled(chunk):
    return {"index": 2 * chunk.index}


def test_a_stage_gives_all_chunks_in_their_order_and_says_how_far_it_is(stages):
    found = stages().run("twice", chunks(), doubled)
    assert joined(found, "index").tolist() == [0, 2, 4, 6, 8, 10]
    assert stages.reported == [("inference", 2, 6)] * 3


def test_ranks_share_the_chunks_out_and_read_them_all(stages, monkeypatch):
    monkeypatch.setattr(annealing_stages, "barrier", lambda ranks: contextlib.nullcontext())
    made = []

    def noted(chunk):
        made.append(chunk.number)
        return doubled(chunk)

    with pytest.raises(StoreError, match="does not see"):  # what the other has not written yet
        stages(Ranks(1, 2)).run("twice", chunks(), noted)
    found = stages(Ranks(0, 2)).run("twice", chunks(), noted)
    assert made == [1, 2, 0]
    assert joined(found, "index").tolist() == [0, 2, 4, 6, 8, 10]


def test_parameters_come_back_by_their_names():
    params = {"loc": torch.zeros(2, 1), "scale": torch.ones(2, 1)}
    found = params_of({**named(params), "elbo.0": torch.zeros(2)})
    assert found.keys() == params.keys()
