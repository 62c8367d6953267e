"""A whole evaluation on an accelerator: the figures of the CPU, with float64 and without."""

from pathlib import Path

import numpy as np
import pytest
import torch

import genprobe
from genprobe.estimators.distortion import distortion
from genprobe.estimators.marginal_kl import marginal_kl
from genprobe.estimators.rate import rate
from genprobe.store.pictures import load_pictures

DEMO = Path(genprobe.__file__).parent / "demo"
MODELS = sorted(DEMO.glob("*.pt"))
FEW = {"rate": rate, "distortion": distortion, "marginal_kl": marginal_kl}


@pytest.fixture(scope="module")
def images():
    pattern = torch.linspace(-2, 2, 64).sin().abs()  # as alike as digits are
    return (torch.rand(300, 64, generator=torch.Generator().manual_seed(0)) < pattern).float()


@pytest.fixture(scope="module")
def on_the_cpu(images):
    return {path: genprobe.evaluate(path, images, device="cpu") for path in MODELS}


def require_same(found, cpu):
    assert found.estimates.keys() == cpu.estimates.keys()
    for name, e in cpu.estimates.items():
        assert found[name].value == pytest.approx(e.value, rel=1e-6, abs=1e-6)
        for error in ("se", "se_data"):
            here, there = getattr(found[name], error), getattr(e, error)
            assert (here is None) == (there is None)
            assert (here or 0.0) == pytest.approx(there or 0.0, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_every_figure_is_that_of_the_cpu(device, pretend, images, on_the_cpu, model):
    with pretend.counting() as counts:
        found = genprobe.evaluate(model, images, device=pretend.NAME)
    assert counts.operations["aten::mm"] > 0
    require_same(found, on_the_cpu[model])


def test_an_accelerator_without_float64_has_its_sums_on_the_cpu(
    device, pretend, images, on_the_cpu
):
    with pretend.without_float64():
        found = genprobe.evaluate(MODELS[1], images, device=pretend.NAME)
    require_same(found, on_the_cpu[MODELS[1]])


def test_a_callback_evaluates_a_model_on_the_device_and_leaves_it_where_it_was(
    device, pretend, images
):
    model = genprobe.load(MODELS[0])
    parameters = dict(model.module.named_parameters())  # as an optimiser would hold them
    reports = [
        genprobe.callback(images, n=100, device=name, estimators=FEW, strict=True)(model, epoch=1)
        for name in ("cpu", pretend.NAME)
    ]
    require_same(*reversed(reports))
    assert reports[1].provenance["device"].startswith(pretend.NAME)
    for name, p in model.module.named_parameters():
        assert p is parameters[name]
        assert p.device.type == "cpu"


def test_pictures_are_those_of_the_cpu(device, pretend, images, tmp_path):
    drawn = []
    for name in ("cpu", pretend.NAME):
        path = tmp_path / f"{name}.h5"
        with pretend.counting() as counts:
            genprobe.evaluate(MODELS[0], images[:100], device=name, store=path, pictures=True)
        drawn.append(load_pictures(genprobe.open_store(path)))
    assert counts.operations["aten::mm"] > 0
    here, there = drawn
    assert here.grids.keys() == there.grids.keys()
    assert {*here.grids} >= {"reconstructions", "prior", "traversals"}
    for name, grid in here.grids.items():
        assert grid.rows == there.grids[name].rows
        # A value may fall on the other side of a step of 1/255.
        off = np.abs(grid.images.astype(int) - there.grids[name].images.astype(int))
        assert off.max() <= 1
