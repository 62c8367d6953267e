"""Small autoencoders and images to try them on."""

import numpy as np
import torch
from diffusers import AutoencoderDC, AutoencoderKL, AutoencoderTiny, VQModel
from PIL import Image

SMALL = {"norm_num_groups": 4, "sample_size": 16}
"""Of one block: z is as high and wide as the image."""


def autoencoder(seed=0, **config):
    """A small AutoencoderKL at its random start: two blocks, so z is half as high and wide."""
    blocks = {
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
        "block_out_channels": (8, 16),
        "latent_channels": 2,
    }
    torch.manual_seed(seed)
    return AutoencoderKL(**{**SMALL, **blocks, **config}).eval()


def tiny():
    """A small AutoencoderTiny: four blocks, so z is an eighth as high and wide."""
    return AutoencoderTiny(encoder_block_out_channels=(4,) * 4, decoder_block_out_channels=(4,) * 4)


def deep_compression():
    """A small AutoencoderDC: z is half as high and wide."""
    blocks = {"block_types": ("ResBlock",) * 2, "block_out_channels": (4, 8)}
    return AutoencoderDC(
        **{f"{side}_{k}": v for side in ("encoder", "decoder") for k, v in blocks.items()},
        encoder_layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 1),
        encoder_qkv_multiscales=((), ()),
        decoder_qkv_multiscales=((), ()),
        latent_channels=2,
    )


def quantised(**config):
    """A small VQModel of one block and eight codes: a token a pixel."""
    torch.manual_seed(0)
    few = {"block_out_channels": (8,), "norm_num_groups": 4, "num_vq_embeddings": 8}
    return VQModel(**{**few, **config}).eval()


def shapes(n, side, seed=0):
    """Coloured discs on coloured ground, bytes (n, side, side, 3)."""
    random = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 2, indexing="ij"), -1)
    centre = random.uniform(0, side, (n, 1, 1, 2))
    radius = random.uniform(side / 8, side / 2, (n, 1, 1))
    inside = np.linalg.norm(grid - centre, axis=-1) < radius
    front, ground = random.integers(0, 256, (2, n, 1, 1, 3))
    return np.where(inside[..., None], front, ground).astype(np.uint8)


def write_images(folder, pixels):
    """One PNG an image; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{i:04}.png")
    return folder


def as_tensor(pixels):
    """Bytes (n, height, width, 3) as genprobe reads them: (n, 3, height, width) in [0, 1]."""
    return torch.from_numpy(pixels).movedim(-1, 1).contiguous() / 255


def train(module, pixels, steps=60, beta=1e-3):
    """A few steps on the mean absolute error plus β KL, as latent diffusion has it."""
    x = 2 * as_tensor(pixels) - 1
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    chance = torch.Generator().manual_seed(0)
    module.train()
    for _ in range(steps):
        batch = x[torch.randint(len(x), (16,), generator=chance)]
        q = module.encode(batch).latent_dist
        image = module.decode(q.sample(generator=chance)).sample
        loss = ((image - batch).abs().flatten(1).sum(1) + beta * q.kl()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return module.eval()
