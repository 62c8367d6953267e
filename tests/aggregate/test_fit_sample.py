import pytest
import torch

import genprobe
from genprobe.aggregate.fit_sample import FOLDS, choose_folds, take_sample
from genprobe.families.codes import codes
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.families.residual_codes import residual_codes

N = 1200
INDEX = torch.randint(9, (N, 2, 150), generator=torch.Generator().manual_seed(0))


def sampled(params, family, tmp_path):
    path = tmp_path / "s.h5"
    genprobe.evaluate_posteriors(params, family=family.name, store=path, estimators={})
    store = genprobe.open_store(path)
    fold, chosen = choose_folds(store, family, 0, None)
    assert sorted(fold.unique().tolist()) == list(range(FOLDS))
    return take_sample(store, family, chosen, fold[chosen]), chosen


@pytest.mark.parametrize("family", [codes, residual_codes])
def test_class_indices_stand_in_for_means_of_all_examples(family, tmp_path):
    sample, chosen = sampled({"index": INDEX, "classes": 12}, family, tmp_path)
    assert len(chosen) == N
    assert torch.equal(sample.codes.mean.view(INDEX.shape), INDEX.double())
    assert (sample.codes.classes, sample.codes.levels) == (12, family.levels)
    assert sample.codes.event_shape == (2, 150)


def test_of_so_many_dimensions_some_examples_are_enough_for_a_density(tmp_path):
    params = {"loc": INDEX.float(), "scale": torch.full(INDEX.shape, 0.5)}
    sample, chosen = sampled(params, diagonal_normal, tmp_path)
    assert len(chosen) == 1000
    torch.testing.assert_close(sample.codes.mean, INDEX[chosen].flatten(1).double())
    assert (sample.codes.variance == 0.25).all()
