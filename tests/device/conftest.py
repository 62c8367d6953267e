import sys
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="session")
def pretend():
    """The module of the pretend accelerator, which this process then has."""
    import pretend_device

    pretend_device.install()
    return pretend_device


@pytest.fixture
def device(pretend):
    with pretend.patched():
        yield torch.device(pretend.NAME, 0)
