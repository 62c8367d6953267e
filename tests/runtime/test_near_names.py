import pytest

from genprobe.errors import GenprobeError
from genprobe.plugins.manager import find_plugins
from genprobe.runtime.device import choose_device
from genprobe.runtime.near_names import ALIASES, hint, near_file, nearest

PARTS = find_plugins([])


def names(kind):
    return {part.name for part in PARTS.parts(kind)}


@pytest.mark.parametrize("kind", ["families", "priors", "likelihoods", "estimators", "renderers"])
def test_the_fields_other_names_are_of_parts_there_are_and_of_no_two(kind):
    assert ALIASES[kind].keys() <= names(kind)
    others = [alias for aliases in ALIASES[kind].values() for alias in aliases]
    assert len(others) == len(set(others))
    assert not names(kind) & set(others)


@pytest.mark.parametrize(
    ("kind", "wanted", "meant"),
    [
        ("families", "gaussian", "diagonal-normal"),
        ("families", "Normal", "diagonal-normal"),
        ("families", "gausian", "diagonal-normal"),
        ("families", "diagonal_normal", "diagonal-normal"),
        ("families", "DiagonalNormal", "diagonal-normal"),
        ("priors", "N", None),
        ("priors", "gaussian", "standard-normal"),
        ("priors", "standard", "standard-normal"),
        ("likelihoods", "BCE", "bernoulli"),
        ("likelihoods", "binary_cross_entropy", "bernoulli"),
        ("likelihoods", "mse", "normal"),
        ("likelihoods", "bernouli", "bernoulli"),
        ("estimators", "ELBO", "elbo"),
        ("estimators", "marginal-kl", "marginal_kl"),
        ("estimators", "mi", "mutual_information"),
    ],
)
def test_a_part_that_was_meant_is_suggested(kind, wanted, meant):
    assert nearest(wanted, names(kind), kind) == meant


def test_what_is_not_there_is_not_suggested():
    assert hint("gaussian", ["bernoulli"], "families") == ""


@pytest.mark.parametrize(("wanted", "meant"), [("gpu", "cuda"), ("CPU", "cpu"), ("cudaa", "cuda")])
def test_a_device_that_was_meant_is_suggested(wanted, meant):
    with pytest.raises(GenprobeError, match=f"no device '{wanted}'.\nDid you mean {meant}\\? "):
        choose_device(wanted)


def test_a_file_of_a_near_name_is_suggested(tmp_path):
    (tmp_path / "model.pt").touch()
    assert near_file(tmp_path / "modle.pt") == f"Did you mean {tmp_path / 'model.pt'}? "
    (tmp_path / "m.h5").touch()
    (tmp_path / "m.h5.report.json").touch()
    assert near_file(tmp_path / "m") == f"Did you mean {tmp_path / 'm.h5'}? "
    assert near_file(tmp_path / "x.npy") == near_file(tmp_path / "no" / "model.pt") == ""
