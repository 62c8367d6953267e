import pytest
import torch

import genprobe
from genprobe.types import Report

FOREIGN = (
    "ignore::DeprecationWarning:tensorboard.*",
    "ignore::DeprecationWarning:wandb.*",
    "ignore::DeprecationWarning:mlflow.*",
    "ignore::FutureWarning:mlflow.*",
)


def pytest_configure(config):
    for line in FOREIGN:
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture(autouse=True)
def _nothing_is_asked_for(monkeypatch, tmp_path):
    for name in ("GENPROBE_TENSORBOARD", "WANDB_PROJECT", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def evaluate():
    """A report of a small model, with two estimates whose errors differ in kind."""

    def make(name="m", **training) -> Report:
        model = genprobe.Model(
            name=name,
            encode=lambda x: {"loc": x, "scale": 0.5 + 0 * x},
            posterior="diagonal-normal",
            prior="standard-normal",
            training=training,
        )
        return genprobe.evaluate(model, torch.randn(50, 2))

    return make
