"""Data of every kind that people have, and models for them; the command line names both.

``TRUTH`` has, for each function here that gives data, what a DataLoader would have made of them.
"""

import numpy as np
import pandas as pd
import scipy.sparse
import torch
from PIL import Image
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
)

import genprobe

N, SIDE = 24, 4
RANDOM = np.random.default_rng(0)
BITS = RANDOM.integers(0, 2, (N, 2 * SIDE)).astype(np.float32)
GREY = RANDOM.integers(0, 256, (N, SIDE + 2, SIDE, 3), dtype=np.uint8)
LABEL = RANDOM.integers(0, 3, N)
IMAGES = GREY.transpose(0, 3, 1, 2) / 255
PART = slice(5, 17)
WHITENED = (BITS - 0.5) / 2 + 0.5


class Items(Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class HuggingFace:
    """Indexed, of a known length, its items dicts of Python's own types."""

    def __len__(self):
        return N

    def __getitem__(self, i):
        return {"image": Image.fromarray(GREY[i]), "label": int(LABEL[i])}


class Stream(IterableDataset):
    def __iter__(self):
        return iter(BITS)


class Sized(Stream):
    def __len__(self):
        return N


def tensor():
    return torch.from_numpy(BITS)


def bits_as_bytes():
    return BITS.astype(np.uint8)


def bytes_in_a_dataset():
    return TensorDataset(torch.from_numpy(GREY.reshape(N, -1)))


def pairs():
    return TensorDataset(torch.from_numpy(BITS), torch.from_numpy(LABEL))


def dicts():
    return Items([{"labels": int(y), "data": x} for x, y in zip(BITS, LABEL, strict=True)])


def lists():
    return [x.tolist() for x in BITS]


def named_tuples_of_numpy():
    return Items([(x.astype(np.float16), {"id": str(i)}) for i, x in enumerate(BITS)])


def torchvision():
    return Items([(Image.fromarray(x), int(y)) for x, y in zip(GREY, LABEL, strict=True)])


def hugging_face():
    return HuggingFace()


def images_as_arrays():
    return GREY


def images_in_dicts():
    return Items([{"pixel_values": x} for x in GREY])


def frame():
    return pd.DataFrame(BITS).astype({0: np.int64, 1: bool})


def sparse_matrix():
    return scipy.sparse.coo_matrix(BITS)


def sparse_tensor():
    return torch.from_numpy(BITS).to_sparse()


def subset():
    return Subset(pairs(), range(N)[PART])


def sampler():
    return DataLoader(pairs(), batch_size=5, sampler=SubsetRandomSampler(range(N)[PART]))


def batch_sampler():
    return DataLoader(pairs(), batch_sampler=[[i, i + 1] for i in range(0, N, 2)])


def drop_last():
    return DataLoader(pairs(), batch_size=7, drop_last=True)


def shuffled():
    return DataLoader(pairs(), batch_size=7, shuffle=True)


def collate_fn():
    return DataLoader(pairs(), batch_size=7, collate_fn=whitened)


def whitened(items):
    return (torch.stack([x for x, _ in items]) - 0.5) / 2 + 0.5


def stream():
    return DataLoader(Stream(), batch_size=7)


def stream_of_known_length():
    return DataLoader(Sized(), batch_size=7, drop_last=True)


TRUTH = {
    "tensor": BITS,
    "bits_as_bytes": BITS,
    "bytes_in_a_dataset": GREY.reshape(N, -1) / 255,
    "pairs": BITS,
    "dicts": BITS,
    "lists": BITS,
    "named_tuples_of_numpy": BITS,
    "torchvision": IMAGES,
    "hugging_face": IMAGES,
    "images_as_arrays": IMAGES,
    "images_in_dicts": IMAGES,
    "frame": BITS,
    "sparse_matrix": BITS,
    "sparse_tensor": BITS,
    "subset": BITS[PART],
    "sampler": BITS[PART],
    "batch_sampler": BITS,
    "drop_last": BITS[:21],
    "shuffled": BITS,
    "collate_fn": WHITENED,
    "stream": BITS,
    "stream_of_known_length": BITS[:21],
}


def weights(width):
    """Of the model: loc = x W, and a logit for each value, the same for every code."""
    random = np.random.default_rng(width)
    return random.normal(size=(width, 2)) / width**0.5, random.normal(size=width)


def factory(shape, likelihood="bernoulli"):
    """What builds a model of examples of a shape, whose rate and distortion have a closed form."""
    values = int(np.prod(shape))
    w, logits = map(torch.from_numpy, weights(values))

    def encode(x):
        loc = x.flatten(1) @ w.to(x)
        return {"loc": loc, "scale": torch.full_like(loc, 0.5)}

    def decode(z):
        if likelihood == "poisson":
            return {"rate": torch.full((len(z), *shape), 1.5).to(z)}
        return {"logits": logits.to(z).reshape(1, *shape).repeat(len(z), *[1] * len(shape))}

    def build(path):
        return genprobe.Model(
            name="m",
            encode=encode,
            decode=decode,
            posterior="diagonal-normal",
            prior="standard-normal",
            likelihood=likelihood,
        )

    return build


rows = factory((2 * SIDE,))
flat = factory((GREY[0].size,))
images = factory(IMAGES.shape[1:])
counts = factory((2 * SIDE,), "poisson")


def model_for(x):
    """The name of the factory for examples (n, *event)."""
    shapes = {(2 * SIDE,): "rows", IMAGES.shape[1:]: "images"}
    return shapes.get(x.shape[1:], "flat")
