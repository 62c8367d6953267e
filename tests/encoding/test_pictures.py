import numpy as np
import pytest
import torch

import genprobe
from genprobe import Model
from genprobe.encoding.pictures import EXAMPLES, LARGEST_SIDE, REACH
from genprobe.encoding.repeatable import ROWS
from genprobe.encoding.same_model import EXAMPLES as ASKED
from genprobe.runtime.seeds import random_rows
from genprobe.store.pictures import image_shape, load_pictures, pictures_path

N, SIDE = 40, 8
GREY = torch.rand(N, SIDE**2, generator=torch.Generator().manual_seed(0))
"""Values in [0, 1], so that black is 0 and white 1."""
PLACES = random_rows(N, EXAMPLES, 0, "pictures", "examples").tolist()
"""The examples that are pictured of N with the seed 0, which is the default."""


def exact(**changes):
    """A model whose code is its input and whose decoder is the identity."""
    parts = {
        "name": "exact",
        "encode": lambda x: {"loc": x.flatten(1), "scale": torch.full_like(x.flatten(1), 1e-6)},
        "decode": lambda z: {"loc": z, "scale": torch.ones_like(z)},
        "posterior": "diagonal-normal",
        "prior": "standard-normal",
        "likelihood": "normal",
    }
    return Model(**(parts | changes))


@pytest.fixture
def drawn(tmp_path):
    """The pictures of a model, evaluated into a store."""

    def draw(model=None, x=GREY, **options):
        report = genprobe.evaluate(
            model or exact(), x, store=tmp_path / "s.h5", fresh=True, max_queries=10, **options
        )
        return load_pictures(report.store)

    return draw


def levels(values):
    """Grey values in [0, 1] (..., 64) as bytes (..., 8, 8, 1)."""
    array = np.asarray(values).clip(0, 1) * 255
    return array.round().astype(int).reshape(*array.shape[:-1], SIDE, SIDE, 1)


def close(images, expected):
    return np.abs(images.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("event", "image"),
    [
        ((28, 28), (1, 28, 28)),
        ((1, 28, 20), (1, 28, 20)),
        ((3, 32, 32), (3, 32, 32)),
        ((784,), (1, 28, 28)),
        ((64,), (1, 8, 8)),
        ((49,), None),
        ((65,), None),
        ((2, 8, 8), None),
        ((32, 32, 3), None),
        ((1, 28), None),
        ((0,), None),
        ((), None),
    ],
)
def test_what_counts_as_an_image(event, image):
    assert image_shape(event) == image


def test_reconstructions_are_what_the_decoder_makes_of_draws_of_the_code(drawn):
    grid = drawn().grids["reconstructions"]
    assert grid.rows == ("input", "code 1", "code 2", "code 3")
    expected = levels(GREY[PLACES])
    assert all(close(row, expected) for row in grid.images)


def test_the_draws_of_a_code_spread_as_the_posterior_does(drawn):
    wide = exact(
        encode=lambda x: {"loc": torch.full_like(x, 0.5), "scale": torch.full_like(x, 0.1)}
    )
    rows = drawn(wide).grids["reconstructions"].images[1:] / 255
    assert rows.mean() == pytest.approx(0.5, abs=0.01)
    assert rows.std() == pytest.approx(0.1, abs=0.005)
    assert np.abs(rows[0] - rows[1]).mean() == pytest.approx(0.2 / np.pi**0.5, abs=0.01)


def test_samples_from_the_prior_follow_the_prior(drawn):
    grid = drawn(exact(decode=lambda z: {"logits": z}, likelihood="bernoulli"), GREY.round())
    grid = grid.grids["prior"]
    assert grid.source == "standard-normal"
    z = torch.logit(torch.from_numpy(grid.images / 255).double().clamp(1e-3, 1 - 1e-3))
    assert z.mean() == pytest.approx(0.0, abs=0.1)
    assert z.std() == pytest.approx(1.0, abs=0.1)


def test_samples_from_the_fitted_prior_follow_the_codes(drawn):
    codes = 0.3 + 0.05 * torch.randn(200, SIDE**2)
    grid = drawn(x=codes.clamp(0, 1)).grids["fitted-prior"]
    assert grid.source
    assert grid.images.mean() / 255 == pytest.approx(0.3, abs=0.01)
    assert grid.images.std() / 255 == pytest.approx(0.05, abs=0.01)


def test_a_traversal_moves_one_dimension_through_all_codes_and_no_other(drawn):
    scale = torch.ones(SIDE**2)
    scale[5], scale[9] = 3.0, 2.0
    x = 0.05 * scale * torch.randn(N, SIDE**2)
    grid = drawn(x=x).grids["traversals"]
    assert grid.rows[:2] == ("dimension 5", "dimension 9")
    for label, row in zip(grid.rows, grid.images, strict=True):
        d = int(label.split()[1])
        values = x[:, d].double()
        steps = torch.linspace(-REACH, REACH, EXAMPLES).double()
        expected = x[PLACES[0]].double().repeat(EXAMPLES, 1)
        expected[:, d] = values.mean() + steps * values.std(correction=0)
        assert close(row, levels((1 + expected) / 2)), label  # data from −1 to 1


def test_a_decoder_that_ignores_its_code_shows_one_picture(drawn):
    deaf = exact(decode=lambda z: {"loc": 0 * z + 0.25, "scale": torch.ones_like(z)})
    pictures = drawn(deaf)
    for name in ("prior", "fitted-prior", "traversals"):
        assert np.unique(pictures.grids[name].images).tolist() == [64], name


def test_codes_that_say_nothing_are_not_traversed(drawn):
    blank = exact(encode=lambda x: {"loc": 0 * x, "scale": torch.ones_like(x)})
    pictures = drawn(blank)
    assert pictures.absent == {"traversals": "No latent dimension carries anything to show."}


def test_codes_that_are_no_real_numbers_are_not_traversed(drawn):
    binary = exact(
        encode=lambda x: {"logits": 4 * x - 2},
        posterior="bernoulli",
        prior=genprobe.NamedPrior(name="bernoulli", params={"logits": torch.zeros(SIDE**2)}),
    )
    pictures = drawn(binary)
    assert pictures.grids.keys() == {"reconstructions", "prior", "fitted-prior"}
    assert pictures.absent.keys() == {"traversals"}
    assert np.unique(pictures.grids["prior"].images).tolist() == [0, 255]


def test_a_conditional_model_is_given_the_context_of_the_example_pictured(drawn):
    shade = torch.arange(N).float() / N
    conditional = exact(
        encode=lambda x, shade: {"loc": 0 * x, "scale": torch.full_like(x, 1e-6)},
        decode=lambda z, shade: {"loc": 0 * z + shade[:, None], "scale": torch.ones_like(z)},
        condition=lambda x, covariates: {"shade": x[:, 0]},
    )
    x = shade[:, None].repeat(1, SIDE**2)
    grids = drawn(conditional, x).grids
    expected = levels(x[PLACES])
    assert all(close(row, expected) for row in grids["reconstructions"].images)
    assert all(close(row, expected) for row in grids["prior"].images)


def test_colour_images_keep_their_colours_and_large_ones_are_made_smaller(drawn):
    side = 2 * LARGEST_SIDE
    x = torch.zeros(4, 3, side, side)
    x[:, 0], x[:, 2, :, side // 2 :] = 1.0, 1.0
    model = exact(
        encode=lambda x: {"loc": x.mean((2, 3)), "scale": torch.full((len(x), 3), 1e-6)},
        decode=lambda z: {
            "loc": z[..., None, None].expand(-1, 3, side, side),
            "scale": torch.ones(len(z), 3, side, side),
        },
    )
    grid = drawn(model, x).grids["reconstructions"]
    assert grid.images.shape == (4, 4, LARGEST_SIDE, LARGEST_SIDE, 3)
    assert grid.images[0, 0, 0, 0].tolist() == [255, 0, 0]
    assert grid.images[0, 0, 0, -1].tolist() == [255, 0, 255]
    assert grid.images[1, 0, 0, 0].tolist() == [255, 0, 128]


@pytest.mark.parametrize("limits", [(-1.0, 1.0), (3.0, 19.0)])
def test_black_and_white_are_the_data_s_own(drawn, limits):
    low, high = limits
    grid = drawn(x=low + (high - low) * (GREY > 0.5)).grids["reconstructions"]
    assert close(grid.images[0], levels((GREY[PLACES] > 0.5).float()))


def test_data_that_are_no_images_or_models_without_a_decoder_have_no_pictures(tmp_path):
    path = tmp_path / "s.h5"
    for model, x in (
        (exact(), GREY[:, :7]),
        (exact(decode=None, likelihood=None), GREY),
    ):
        report = genprobe.evaluate(model, x, store=path, fresh=True, max_queries=10)
        assert not pictures_path(report.store).exists()


def test_a_decoder_that_fails_on_samples_costs_only_those_pictures(drawn):
    def decode(z):
        if len(z) == 2 * EXAMPLES:
            raise RuntimeError("too many")
        return {"loc": z, "scale": torch.ones_like(z)}

    pictures = drawn(exact(decode=decode))
    assert "reconstructions" in pictures.grids
    assert "too many" in pictures.absent["prior"]


def test_a_decoder_whose_output_lies_otherwise_in_memory_is_drawn_too(drawn):
    colours = torch.rand(N, 3, 4, 4, generator=torch.Generator().manual_seed(1))

    def decode(z):
        image = z.reshape(-1, 3, 4, 4).contiguous(memory_format=torch.channels_last)
        return {"loc": image, "scale": torch.ones_like(image)}

    grids = drawn(exact(decode=decode), colours).grids
    assert {"prior", "fitted-prior", "reconstructions"} <= grids.keys()


def test_pictures_that_cannot_be_drawn_cost_no_number(tmp_path, monkeypatch, caplog):
    def fails(*arguments, **options):
        raise RuntimeError("no ink")

    monkeypatch.setattr(genprobe.runs.write_pictures, "draw_pictures", fails)
    report = genprobe.evaluate(exact(), GREY, store=tmp_path / "s.h5", max_queries=10)
    assert report["rate"].value > 0
    assert "No pictures were kept. no ink" in caplog.text


def test_the_numbers_and_the_generator_are_the_same_with_and_without(tmp_path):
    states, reports = [], []
    for pictures in (False, True):
        torch.manual_seed(3)
        reports.append(genprobe.evaluate(exact(), GREY, max_queries=10, pictures=pictures))
        states.append(torch.get_rng_state())
        assert pictures_path(reports[-1].store).exists() == pictures
    assert reports[0].estimates == reports[1].estimates
    torch.testing.assert_close(*states, rtol=0, atol=0)


def test_the_same_seed_gives_the_same_pictures(drawn, tmp_path):
    files = []
    for seed in (1, 1, 2):
        torch.manual_seed(len(files))
        drawn(seed=seed)
        files.append((tmp_path / "s.h5.pictures.npz").read_bytes())
    assert files[0] == files[1] != files[2]


def test_random_examples_are_pictured_and_which_ones_is_kept(drawn):
    examples = [drawn(seed=seed).examples for seed in range(30)]
    assert examples[0] == tuple(PLACES)
    assert all(len(set(some)) == EXAMPLES for some in examples)
    # Of 30 subsets of a quarter each, the mean position is (N − 1) / 2 within four of its errors.
    error = ((N**2 - 1) / 12 / (30 * EXAMPLES)) ** 0.5
    mean = sum(map(sum, examples)) / (30 * EXAMPLES)
    assert abs(mean - (N - 1) / 2) < 4 * error
    assert set().union(*examples) == set(range(N))


def test_the_same_evaluate_again_adds_them_to_a_store_and_encodes_nothing(drawn, tmp_path):
    drawn()
    sidecar = tmp_path / "s.h5.pictures.npz"
    first = sidecar.read_bytes()
    sidecar.unlink()

    def refuse(x):
        assert len(x) <= max(ROWS, ASKED), "only a few may be encoded, to see what it says of them"
        return exact().encode(x)

    genprobe.evaluate(exact(encode=refuse), GREY, store=tmp_path / "s.h5", max_queries=10)
    assert sidecar.read_bytes() == first


def test_pictures_go_with_the_temporary_store_of_their_report():
    report = genprobe.evaluate(exact(), GREY, max_queries=10, pictures=True)
    path = pictures_path(report.store)
    assert path.exists()
    del report
    assert not path.exists()
