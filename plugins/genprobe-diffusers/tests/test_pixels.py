import pytest
import torch
from genprobe_diffusers import pixels
from genprobe_diffusers.codings import normal
from genprobe_diffusers.pixels import LAPLACE, OPTIMAL_NORMAL, as_model

import genprobe
from genprobe.errors import DataError, ModelError

from .samples import as_tensor, autoencoder, shapes


def of(module, reading):
    """The model of a KL autoencoder."""
    return as_model("vae", module, normal(module), reading, {})


@pytest.mark.parametrize("reading", [OPTIMAL_NORMAL, LAPLACE])
def test_data_outside_the_unit_interval_are_refused(reading):
    model = of(autoencoder(), reading)
    x = 2 * as_tensor(shapes(4, 16)) - 1
    with pytest.raises(DataError, match=r"needs values in \[0, 1\]"):
        genprobe.evaluate(model, x)


def test_the_number_of_channels_must_be_the_models():
    model = of(autoencoder(), OPTIMAL_NORMAL)
    with pytest.raises(ModelError, match=r"takes images \(3, height, width\); the data's are \(2,"):
        genprobe.evaluate(model, torch.zeros(4, 2, 16, 16))


def test_a_side_that_does_not_come_back_is_refused():
    model = of(autoencoder(), OPTIMAL_NORMAL)
    with pytest.raises(ModelError, match=r"shrinks images by 2(.|\n)*images:FOLDER::14"):
        genprobe.evaluate(model, torch.zeros(4, 3, 16, 15))


def test_a_batch_in_pieces_gives_the_same(monkeypatch):
    model = of(autoencoder(), OPTIMAL_NORMAL)
    x = as_tensor(shapes(7, 16))
    with torch.no_grad():
        whole = model.encode(x)
        image = model.decode(whole["loc"])["loc"]
        monkeypatch.setattr(pixels, "CACHED", 2 * 8 * 16 * 16)
        pieces = model.encode(x)
        assert torch.allclose(pieces["loc"], whole["loc"], atol=1e-5)
        assert torch.allclose(pieces["scale"], whole["scale"], atol=1e-5)
        assert torch.allclose(model.decode(whole["loc"])["loc"], image, atol=1e-5)


def test_no_more_at_a_time_than_there_is_room_for():
    seen = []

    def note(rows):
        seen.append(len(rows))
        return {"rows": rows}

    pixels.piecewise(note, torch.zeros(10, 1), pixels.CACHED // 4)
    assert seen == [4, 4, 2]
    seen.clear()
    pixels.piecewise(note, torch.zeros(2, 1), 10 * pixels.CACHED)
    assert seen == [1, 1]
