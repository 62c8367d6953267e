"""A whole evaluation on an accelerator: the figures of the CPU, with float64 and without."""

from pathlib import Path

import pytest
import torch

import genprobe

DEMO = Path(genprobe.__file__).parent / "demo"
MODELS = sorted(DEMO.glob("*.pt"))


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
