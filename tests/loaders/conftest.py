import json
import pickle
import zipfile

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


class Network(nn.Module):
    """Convolution, batch norm, dropout, a reshape by the batch, a constant, a list result."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.5)
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(48, 8), nn.LayerNorm(8), nn.GELU("tanh"))
        self.layers[1].running_mean.fill_(0.3)

    def forward(self, x):
        a, b = self.head(self.layers(x)).chunk(2, 1)
        filled = torch.zeros(x.shape[0], 4, dtype=torch.float32, device=x.device)
        return a.view(x.shape[0], 2, 2), nn.functional.softplus(b).clamp(min=1e-3) + filled + 0.25


def write_program(path, module, x):
    batch = torch.export.Dim("batch")
    program = torch.export.export(module.eval(), (x,), dynamic_shapes=({0: batch},), strict=False)
    torch.export.save(program, path)


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    torch.manual_seed(0)
    path, network = tmp_path_factory.mktemp("pt2") / "network.pt2", Network()
    write_program(path, network, torch.rand(5, 1, 4, 4))
    return path, network


@pytest.fixture
def change(original, tmp_path):
    """The archive with members added or changed: by name, bytes or a function of the JSON there."""

    def change(**members):
        target = tmp_path / "changed.pt2"
        changes = {k.replace("__", "/").replace("-DOT-", "."): v for k, v in members.items()}
        with zipfile.ZipFile(original[0]) as old, zipfile.ZipFile(target, "w") as new:
            root = old.namelist()[0].split("/")[0]
            for name in old.namelist():
                content, key = old.read(name), name.removeprefix(f"{root}/")
                found = changes.pop(key, content)
                if callable(found):
                    value = json.loads(content)
                    found(value)
                    found = json.dumps(value).encode()
                new.writestr(name, found)
            for key, content in changes.items():
                new.writestr(f"{root}/{key}", content)
        return target

    return lambda members: change(**members)
