import pickle

import pytest
import torch
from torch import nn

from genprobe.architectures import MlpVae

WRITERS = {
    "zip": torch.save,
    "legacy": lambda thing, path: torch.save(thing, path, _use_new_zipfile_serialization=False),
    **{
        f"pickle-{protocol}": lambda thing, path, protocol=protocol: path.write_bytes(
            pickle.dumps(thing, protocol)
        )
        for protocol in (2, 3, 4, 5)
    },
}


@pytest.fixture(params=WRITERS)
def write(request):
    """How a thing gets into a file: the ways of torch, and plain pickles."""
    return WRITERS[request.param]


@pytest.fixture(params=["zip", "legacy"])
def torch_save(request):
    return WRITERS[request.param]


@pytest.fixture
def network():
    return MlpVae(data_shape=(4,), latent=2, hidden=(3,))


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture
def trap(tmp_path):
    """An object that makes the file ``sprung`` when it is unpickled, and whether it did."""
    yield Trap(tmp_path / "sprung")
    assert not (tmp_path / "sprung").exists()


@pytest.fixture
def linear():
    return nn.Linear(2, 2)
