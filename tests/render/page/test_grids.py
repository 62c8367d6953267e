import numpy as np
import pytest

from genprobe.render.page.grids import grids, together
from genprobe.store.pictures import Grid, Pictures


def picture(value, rows):
    """A grid of 8 × 8 pictures, every row of a grey of its own."""
    levels = np.array([value + i for i in range(len(rows))], np.uint8)
    images = np.broadcast_to(levels[:, None, None, None, None], (len(rows), 3, 8, 8, 1)).copy()
    return Grid(images=images, rows=tuple(rows), source="normal")


def shown(own, inputs=0, without=()):
    """A model's grids: the inputs of one grey, all it makes of them of greys of its own."""
    reconstructions = picture(own, ["input", "code 1", "code 2"])
    reconstructions.images[0] = inputs
    found = {"reconstructions": reconstructions, "prior": picture(own + 50, ["", ""])}
    return grids(Pictures(grids={k: v for k, v in found.items() if k not in without}, absent={}))


def test_a_models_grids_keep_their_order_and_name_their_source():
    first, second = shown(10)
    assert (first.name, [row.label for row in first.rows]) == (
        "reconstructions",
        ["input", "code 1", "code 2"],
    )
    assert second.caption == "What codes drawn from normal decode to."
    assert first.sharp
    assert {row.count for row in first.rows} == {3}


def test_models_stand_below_the_inputs_they_share():
    models = [shown(10), shown(20)]
    reconstructions, prior = together(models)
    own = [model[0].rows[1].image for model in models]
    assert [row.image for row in reconstructions.rows] == [models[0][0].rows[0].image, *own]
    assert [row.model for row in reconstructions.rows] == [None, 0, 1]
    assert [row.image for row in prior.rows] == [model[1].rows[0].image for model in models]


def test_a_model_without_a_grid_is_left_out_of_it():
    found = together([shown(10), shown(20, without=["prior"]), shown(30)])
    assert [[row.model for row in grid.rows] for grid in found] == [[None, 0, 1, 2], [0, 2]]


@pytest.mark.parametrize(
    "models",
    [
        [],
        [[], []],
        [shown(10), shown(20, inputs=5)],
        [shown(10)],
        [shown(10), []],
    ],
    ids=["none", "no pictures", "other inputs", "one", "one with pictures"],
)
def test_nothing_stands_together_that_does_not_compare(models):
    assert together(models) == []
