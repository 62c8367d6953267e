"""Models of quantisers, trained a little, from Python and from the command line."""

import json
import math
import sys

import pytest
import torch
from click.testing import CliRunner
from genprobe_vector_quantize import tokenizer
from torch import nn
from vector_quantize_pytorch import FSQ, GroupedResidualVQ, ResidualVQ, VectorQuantize

import genprobe
from genprobe.cli import main
from genprobe.errors import ModelError

EMA = {"dim": 3, "codebook_size": 8, "threshold_ema_dead_code": 2, "accept_image_fmap": True}
FACTORY = """
from torch import nn
from vector_quantize_pytorch import VectorQuantize
from genprobe_vector_quantize import tokenizer


def build():
    return tokenizer(
        nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 3, 2, 2)),
        VectorQuantize(dim=3, codebook_size=8, accept_image_fmap=True),
        nn.Sequential(nn.ConvTranspose2d(3, 1, 2, 2), nn.Flatten()),
        likelihood="bernoulli",
        output="logits",
    )
"""


@pytest.fixture
def data():
    torch.manual_seed(1)
    return torch.rand(200, 1, 4, 6)


def test_a_codebook_in_training_is_neither_updated_nor_revived(data):
    torch.manual_seed(0)
    quantizer = VectorQuantize(**EMA)
    before = {name: value.clone() for name, value in quantizer.state_dict().items()}
    model = tokenizer(nn.Conv2d(1, 3, 2, 2), quantizer)
    model.module.train()
    genprobe.evaluate(model, data, device="cpu")
    after = quantizer.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert quantizer.training


def test_levels_dropped_in_training_are_all_there(data):
    torch.manual_seed(0)
    options = {"num_quantizers": 3, "codebook_size": 8, "quantize_dropout": True}
    rows = nn.Sequential(nn.Conv2d(1, 3, 2, 2), nn.Flatten(2))
    quantizer = ResidualVQ(dim=3, **options)
    model = tokenizer(lambda x: rows(x).mT, quantizer, grid=(2, 3))
    model.module.train()
    report = genprobe.evaluate(model, data, device="cpu")
    assert report.tokens.shape == (3, 2, 3)
    assert [level.usage.value > 0 for level in report.tokens.levels] == [True] * 3
    assert report["rate"].value == pytest.approx(18 * math.log(8))


def test_a_grid_gives_back_the_rows_it_was_made_of(data):
    torch.manual_seed(0)
    conv, quantizer = nn.Conv2d(1, 3, 2, 2), VectorQuantize(dim=3, codebook_size=8)

    def encoder(x):
        return conv(x).flatten(2).mT

    model = tokenizer(encoder, quantizer, lambda h: {"loc": h}, likelihood="normal", grid=(2, 3))
    model.module.eval()
    with torch.no_grad():
        found = model.encode(data)["index"]
        assert found.shape == (200, 2, 3)
        out = model.decode(found.float())["loc"]
        assert torch.equal(out, quantizer(encoder(data))[0])


@pytest.mark.parametrize("kind", [ResidualVQ, GroupedResidualVQ, VectorQuantize])
def test_images_go_through_a_quantiser_of_rows_and_back(kind, data):
    torch.manual_seed(0)
    options = {"groups": 2} if kind is GroupedResidualVQ else {}
    options |= {} if kind is VectorQuantize else {"num_quantizers": 3}
    conv, quantizer = nn.Conv2d(1, 4, 2, 2), kind(dim=4, codebook_size=8, **options)
    model = tokenizer(conv, quantizer, lambda h: {"loc": h}, likelihood="normal")
    model.module.eval()
    with torch.no_grad():
        found = model.encode(data)["index"]
        assert found.shape[-2:] == (2, 3)
        out = model.decode(found.float())["loc"]
        wanted = quantizer(conv(data).flatten(2).mT)[0].mT.unflatten(2, (2, 3))
    torch.testing.assert_close(out, wanted)


def test_a_grid_of_another_size_is_refused(data):
    conv, quantizer = nn.Conv2d(1, 3, 2, 2), VectorQuantize(dim=3, codebook_size=8)
    model = tokenizer(lambda x: conv(x).flatten(2).mT, quantizer, grid=(2, 2))
    with pytest.raises(ModelError, match=r"codes at \(6,\) places, and the grid is \(2, 2\)"):
        genprobe.evaluate(model, data, device="cpu")


def test_a_codebook_that_is_yet_to_be_made_is_refused(data):
    model = tokenizer(nn.Conv2d(1, 3, 2, 2), VectorQuantize(**EMA, kmeans_init=True))
    with pytest.raises(ModelError, match="no codebook yet"):
        genprobe.evaluate(model, data, device="cpu")


def test_copies_in_the_codebook_are_found_without_being_asked_for(data):
    torch.manual_seed(0)
    quantizer = VectorQuantize(**EMA)
    with torch.no_grad():
        quantizer._codebook.embed[0, 5] = quantizer._codebook.embed[0, 2]
    report = genprobe.evaluate(tokenizer(nn.Conv2d(1, 3, 2, 2), quantizer), data, device="cpu")
    assert report.tokens.duplicates == ((2, 5),)


def test_fsq_uses_more_of_its_codes_than_a_codebook_that_was_never_trained(data):
    torch.manual_seed(0)
    fsq = tokenizer(nn.Conv2d(1, 2, 2, 2), FSQ([4, 3]))
    report = genprobe.evaluate(fsq, data, device="cpu")
    assert report.tokens.classes == 12
    assert report.tokens.duplicates is None
    assert report["rate"].value == pytest.approx(6 * math.log(12))


def test_it_is_evaluated_from_the_command_line(tmp_path, monkeypatch):
    (tmp_path / "mine_of_codes.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    import mine_of_codes

    torch.manual_seed(0)
    torch.save(mine_of_codes.build().module.state_dict(), "model.pt")
    call = ["evaluate", "model.pt", "--factory", "mine_of_codes:build", "--data", "digits"]
    call += ["--split", "test", "--device", "cpu", "--json", "report.json"]
    result = CliRunner().invoke(main, call)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["provenance"]["training"]["quantizer"] == "VectorQuantize"
    assert found["tokens"]["shape"] == [4, 4]
    assert found["tokens"]["duplicates"] == []
    assert found["estimates"]["rate"]["value"] == pytest.approx(16 * math.log(8))
    sys.modules.pop("mine_of_codes")
