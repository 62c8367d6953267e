"""Shared by all tests: shapes are checked at run time, and every test starts from one seed."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# Before torch is imported, which reads it once; every process that a test starts inherits it.
# The workers of pytest-xdist share the cores: threads of torch on top of them wait for each other.
os.environ["OMP_NUM_THREADS"] = "1"

# Before anything of genprobe is imported: every shape in an annotation is checked at each call.
install_import_hook(
    ["genprobe.aggregate", "genprobe.estimators", "genprobe.families", "genprobe.probes"],
    "beartype.beartype",
)


@pytest.fixture(autouse=True)
def _seeded():
    import torch

    torch.manual_seed(0)


@pytest.fixture(scope="session")
def data_dir():
    return folder("GENPROBE_DATA_DIR")


@pytest.fixture(scope="session")
def models_dir():
    return folder("GENPROBE_MODELS_DIR")


def folder(variable):
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set")
    return Path(value)
