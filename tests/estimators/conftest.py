import pytest
import torch


@pytest.fixture
def numbers():
    """Independent normal values of a shape, float64."""
    return lambda *shape: torch.randn(*shape, dtype=torch.float64)
