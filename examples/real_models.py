r"""Factories for two published MNIST models, to be used with ``--factory``.

    python -m examples.real_models mnist/t10k-images-idx3-ubyte.gz images-32.npy
    genprobe evaluate burgess-mnist/*/model.pt \
        --factory examples.real_models:burgess --data images-32.npy
    genprobe evaluate kingma-m1-mnist/v_best.ndict.tar.gz \
        --factory examples.real_models:kingma_m1 --data idx:mnist/t10k-images-idx3-ubyte.gz

``burgess`` is the convolutional VAE of Burgess et al. (2018) as trained by the disentangling-vae
project (MIT): its checkpoint is a plain state dict, so the factory takes no argument and genprobe
loads the weights. It takes images of 32 × 32, which the first line writes. ``kingma_m1`` is the
encoder and decoder of Kingma et al. (2014), released as two archives of numpy arrays (MIT): its
factory takes the path and reads them itself.
"""

import io
import sys
import tarfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from genprobe import GenprobeError, Model, open_dataset
from genprobe.types import Params

LATENT = 10


class BurgessVae(nn.Module):
    """Three strided convolutions and two linear layers each way, on 32 × 32 images."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleDict(
            {
                "conv1": nn.Conv2d(1, 32, 4, 2, 1),
                "conv2": nn.Conv2d(32, 32, 4, 2, 1),
                "conv3": nn.Conv2d(32, 32, 4, 2, 1),
                "lin1": nn.Linear(512, 256),
                "lin2": nn.Linear(256, 256),
                "mu_logvar_gen": nn.Linear(256, 2 * LATENT),
            }
        )
        self.decoder = nn.ModuleDict(
            {
                "lin1": nn.Linear(LATENT, 256),
                "lin2": nn.Linear(256, 256),
                "lin3": nn.Linear(256, 512),
                "convT1": nn.ConvTranspose2d(32, 32, 4, 2, 1),
                "convT2": nn.ConvTranspose2d(32, 32, 4, 2, 1),
                "convT3": nn.ConvTranspose2d(32, 1, 4, 2, 1),
            }
        )

    def encode(self, x: Tensor) -> Params:
        """Images x (batch, 1, 32, 32) to loc and scale (batch, 10); the head interleaves them."""
        h = x
        for name in ("conv1", "conv2", "conv3"):
            h = self.encoder[name](h).relu()
        h = h.flatten(1)
        for name in ("lin1", "lin2"):
            h = self.encoder[name](h).relu()
        loc, log_variance = self.encoder["mu_logvar_gen"](h).view(-1, LATENT, 2).unbind(-1)
        return {"loc": loc, "scale": (log_variance / 2).exp()}

    def decode(self, z: Tensor) -> Params:
        """Codes z (batch, 10) to logits (batch, 1, 32, 32), without the published sigmoid."""
        h = z
        for name in ("lin1", "lin2", "lin3"):
            h = self.decoder[name](h).relu()
        h = h.view(-1, 32, 4, 4)
        for name in ("convT1", "convT2"):
            h = self.decoder[name](h).relu()
        return {"logits": self.decoder["convT3"](h)}


def burgess() -> Model:
    """The convolutional VAE, untrained."""
    module = BurgessVae()
    return Model(
        name="burgess",
        encode=module.encode,
        decode=module.decode,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
        module=module,
    )


def resize_to_32(images: Tensor) -> Tensor:
    """Grey images (n, 28, 28) in [0, 1] to (n, 1, 32, 32), bilinear, as Pillow resizes bytes.

    Pillow widens first and then heightens, rounding halves up to whole bytes each time.
    """
    levels = (images[:, None] * 255).round()
    for size in ((28, 32), (32, 32)):
        levels = (nn.functional.interpolate(levels, size=size, mode="bilinear") + 0.5).floor()
    return levels / 255


class MlpHalf(nn.Module):
    """Two softplus layers, then as many linear heads as named: encoder or decoder of M1."""

    def __init__(self, arrays: dict[str, np.ndarray], heads: tuple[str, ...]) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({i: linear(arrays, f"w{i}", f"b{i}") for i in ("0", "1")})
        self.heads = nn.ModuleDict({h: linear(arrays, f"{h}_w", f"{h}_b") for h in heads})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Inputs x (batch, wide) to the output of every head (batch, …)."""
        for layer in self.layers.values():
            x = nn.functional.softplus(layer(x))
        return {name: head(x) for name, head in self.heads.items()}


def linear(arrays: dict[str, np.ndarray], weight: str, bias: str) -> nn.Linear:
    """A linear layer with these weights."""
    w = torch.from_numpy(arrays[weight]).float()
    layer = nn.Linear(w.shape[1], w.shape[0])
    layer.weight.data, layer.bias.data = w, torch.from_numpy(arrays[bias]).float().squeeze(1)
    return layer


def kingma_m1(path: Path) -> Model:
    """The M1 model whose encoder is at ``path`` (v_best…), its decoder beside it (w_best…)."""
    decoder_path = path.with_name(path.name.replace("v_best", "w_best"))
    if decoder_path == path:
        raise GenprobeError(f"{path} is not v_best.ndict.tar.gz, the encoder of M1.")
    encoder = MlpHalf(read_arrays(path), ("mean", "logvar"))
    decoder = MlpHalf(read_arrays(decoder_path), ("out",))

    def encode(x: Tensor) -> Params:
        output = encoder(x.flatten(1))
        return {"loc": output["mean"], "scale": (output["logvar"] / 2).exp()}

    def decode(z: Tensor) -> Params:
        return {"logits": decoder(z)["out"].view(-1, 28, 28)}

    return Model(
        name="kingma-m1",
        encode=encode,
        decode=decode,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
        module=nn.ModuleList([encoder, decoder]),
    )


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Named arrays of an archive with names.txt and arrays.npz; nothing is unpickled."""
    with tarfile.open(path) as archive:
        members = {Path(m.name).name: m for m in archive.getmembers()}
        names, arrays = (archive.extractfile(members[k]) for k in ("names.txt", "arrays.npz"))
        if names is None or arrays is None:
            raise GenprobeError(f"{path} has no names.txt or arrays.npz.")
        content = np.load(io.BytesIO(arrays.read()), allow_pickle=False)
        return {
            name: content[f"arr_{i}"] for i, name in enumerate(names.read().decode().splitlines())
        }


if __name__ == "__main__":
    source, target = sys.argv[1:]
    data = open_dataset(f"idx:{source}")
    np.save(target, resize_to_32(data.read(0, data.n)).numpy())
