import random

import numpy as np
import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    get_worker_info,
)

from genprobe.datasets.from_torch import from_torch
from genprobe.errors import DataError

N = 23
X = torch.arange(2.0 * N).reshape(N, 2)
Y = torch.arange(N)
DATA = TensorDataset(X, Y)


class Stream(IterableDataset):
    def __iter__(self):
        worker = get_worker_info()
        start, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        return iter(list(zip(X, Y, strict=True))[start::step])


class Sized(Stream):
    def __len__(self):
        return N


class Batched(IterableDataset):
    """Makes batches itself."""

    def __iter__(self):
        return ((X[i : i + 4], Y[i : i + 4]) for i in range(0, N, 4))


class Mapped(Dataset):
    def __len__(self):
        return N

    def __getitem__(self, i):
        return {"wave": X[i], "label": int(Y[i]), "name": f"n{int(Y[i])}"}


class Own(DataLoader):
    """Yields what it likes."""

    def __iter__(self):
        return ((x + 1, y) for x, y in super().__iter__())


def generator(seed=3):
    return torch.Generator().manual_seed(seed)


def doubled(items):
    return torch.stack([2 * x for x, _ in items]), torch.tensor([y for _, y in items])


def keyed(items):
    return {"image": torch.stack([x for x, _ in items]), "y": [int(y) for _, y in items]}


def as_they_are(items):
    return items


def input_and_label(items):
    return [torch.stack([x for x, _ in items]), torch.tensor([float(y) for _, y in items])]


def only_inputs(items):
    return [x for x, _ in items]


# What each yields, in batches of (x, y), by what is special about it.
LOADERS = {
    "plain": lambda: DataLoader(DATA, batch_size=4),
    "shuffled by a generator": lambda: DataLoader(
        DATA, batch_size=4, shuffle=True, generator=generator()
    ),
    "drop_last": lambda: DataLoader(DATA, batch_size=4, drop_last=True),
    "drop_last, shuffled": lambda: DataLoader(
        DATA, batch_size=4, shuffle=True, drop_last=True, generator=generator()
    ),
    "part": lambda: DataLoader(
        DATA, batch_size=4, sampler=SubsetRandomSampler(range(7, 12), generator=generator())
    ),
    "weighted": lambda: DataLoader(
        DATA, sampler=WeightedRandomSampler([1.0] * N, 40, generator=generator()), batch_size=6
    ),
    "every other": lambda: DataLoader(DATA, sampler=range(0, N, 2)),
    "batch sampler": lambda: DataLoader(DATA, batch_sampler=[[3, 1], [22], [5, 5, 5]]),
    "batches of sorted examples": lambda: DataLoader(
        DATA, batch_sampler=BatchSampler(range(N - 1, -1, -1), 5, drop_last=True)
    ),
    "collate": lambda: DataLoader(DATA, batch_size=4, collate_fn=doubled),
    "collate, part": lambda: DataLoader(
        DATA, batch_size=4, collate_fn=doubled, sampler=range(3, 9), drop_last=True
    ),
    "own class": lambda: Own(DATA, batch_size=4),
    "stream": lambda: DataLoader(Stream(), batch_size=4),
    "stream, drop_last": lambda: DataLoader(Stream(), batch_size=4, drop_last=True),
    "stream of known length": lambda: DataLoader(Sized(), batch_size=4),
    "stream, collate": lambda: DataLoader(Sized(), batch_size=4, collate_fn=doubled),
    "stream of batches": lambda: DataLoader(Batched(), batch_size=None),
    "whole batches by position": lambda: DataLoader(
        DATA, batch_size=None, sampler=BatchSampler(SequentialSampler(DATA), 5, drop_last=False)
    ),
}


@pytest.mark.parametrize("kind", LOADERS)
def test_a_loader_is_what_it_yields(kind):
    batches = [tuple(batch) for batch in LOADERS[kind]()]
    x, y = (torch.cat(part) for part in zip(*batches, strict=True))
    dataset = from_torch(LOADERS[kind]())
    assert dataset.n == len(x)
    assert torch.equal(dataset.read(0, dataset.n), x)
    assert torch.equal(dataset.read(1, 3), x[1:3])
    assert torch.equal(dataset.covariates(1, 3)["y"], y[1:3])
    again = from_torch(LOADERS[kind]())
    assert again.fingerprint == dataset.fingerprint
    assert torch.equal(again.read(0, again.n), x)


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_share_a_stream_as_they_do_in_training(workers):
    loader = DataLoader(Stream(), batch_size=4, num_workers=workers)
    truth = torch.cat([x for x, _ in loader])
    assert torch.equal(from_torch(loader).read(0, N), truth)


def test_without_batches_an_item_is_an_example():
    for loader in (
        DataLoader(DATA, batch_size=None),
        DataLoader(DATA, batch_size=None, collate_fn=as_they_are),
        DataLoader(Stream(), batch_size=None),
    ):
        dataset = from_torch(loader)
        assert torch.equal(dataset.read(0, N), X)
        assert torch.equal(dataset.covariates(0, N)["y"], Y)


@pytest.mark.parametrize("collate", [keyed, as_they_are])
def test_what_a_collate_function_returns_may_be_a_mapping_or_the_items(collate):
    dataset = from_torch(DataLoader(DATA, batch_size=4, collate_fn=collate))
    assert torch.equal(dataset.read(0, N), X)
    assert torch.equal(dataset.covariates(0, N)["y"], Y)


def test_a_list_of_as_many_tensors_as_a_batch_has_is_its_examples():
    for size in (5, N, 64):
        loader = DataLoader(DATA, batch_size=size, collate_fn=only_inputs)
        assert torch.equal(from_torch(loader).read(0, N), X)
        loader = DataLoader(DATA, batch_size=size, collate_fn=input_and_label)
        assert torch.equal(from_torch(loader).read(0, N), X)


def test_a_shuffling_loader_gives_every_example_once_and_the_same_order_again():
    def loader():
        return DataLoader(DATA, batch_size=4, shuffle=True)

    torch.manual_seed(1)
    first = from_torch(loader())
    torch.manual_seed(2)
    again = from_torch(loader())
    assert torch.equal(first.read(0, N), again.read(0, N))
    assert not torch.equal(first.read(0, N), X)
    assert torch.equal(first.read(0, N).sort(0).values, X)
    assert not torch.equal(from_torch(loader(), seed=1).read(0, N), first.read(0, N))


def test_chance_in_a_collate_function_is_the_same_again():
    def noisy(items):
        noise = random.random() + np.random.rand() + torch.rand(1)
        return torch.stack([x for x, _ in items]) + noise

    found = [from_torch(DataLoader(DATA, batch_size=4, collate_fn=noisy)) for _ in range(2)]
    assert torch.equal(found[0].read(0, N), found[1].read(0, N))
    assert found[0].fingerprint == found[1].fingerprint


def test_random_states_and_the_loader_are_left_as_they_were():
    given = generator()
    loader = DataLoader(
        DATA, batch_size=4, collate_fn=doubled, sampler=RandomSampler(DATA, generator=given)
    )
    before = (
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.get_rng_state(),
        dict(vars(loader)),
    )
    state = given.get_state()
    from_torch(loader)
    after = (
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.get_rng_state(),
        dict(vars(loader)),
    )
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])
    assert torch.equal(state, given.get_state())
    assert {k: id(v) for k, v in before[3].items()} == {k: id(v) for k, v in after[3].items()}


def test_a_key_is_looked_for_in_items_and_batches():
    for collate in (
        None,
        torch.utils.data.default_collate,
        lambda b: {"wave": X[: len(b)], "k": 1},
    ):
        loader = DataLoader(Mapped(), batch_size=N, collate_fn=collate)
        assert torch.equal(from_torch(loader, input_key="wave").read(0, N), X)
    found = from_torch(DataLoader(Mapped(), batch_size=4, shuffle=True), input_key="wave")
    beside = found.covariates(0, N)
    assert beside["name"].tolist() == [f"n{i}" for i in beside["label"].tolist()]
    assert torch.equal(found.read(0, N)[:, 0], 2.0 * beside["label"])


def test_the_log_says_what_was_done(caplog):
    caplog.set_level("INFO", "genprobe")
    from_torch(LOADERS["part"]())
    from_torch(LOADERS["collate"]())
    from_torch(LOADERS["plain"]())
    assert [record.message for record in caplog.records] == [
        "TensorDataset: 5 examples, those of the DataLoader's SubsetRandomSampler.",
        "TensorDataset was read once, in its order: 23 examples, kept in temporary files.",
    ]


def fails(items):
    raise ValueError("no such thing")


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        (lambda: DataLoader(DATA, collate_fn=fails), "fails at batch 0: ValueError: no such thing"),
        (lambda: DataLoader(DATA, sampler=[]), "TensorDataset is empty"),
        (lambda: DataLoader(DATA, collate_fn=lambda b: "text"), "is a str, not a tensor"),
        (lambda: DataLoader(DATA, collate_fn=lambda b: torch.ones(())), "is a single number"),
        (lambda: DataLoader(Yields(list(X.split(4))), batch_size=None), "an example or a batch"),
        (lambda: DataLoader(Yields([(X, X)]), batch_size=None), "an example or a batch"),
        (lambda: DataLoader(Yields([(X[0], X[0])]), batch_size=None), "an example or a batch"),
        (lambda: DataLoader(Yields([]), batch_size=None), "Yields is empty"),
    ],
)
def test_what_cannot_be_read_is_told(loader, message):
    with pytest.raises(DataError, match=message):
        from_torch(loader())


class Yields(IterableDataset):
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


def test_batches_of_different_shapes_are_told():
    class Ragged(IterableDataset):
        def __iter__(self):
            return iter([torch.zeros(2), torch.zeros(2), torch.zeros(3)])

    with pytest.raises(DataError, match=r"example 2 has the shape \(3,\) and the first \(2,\)"):
        from_torch(DataLoader(Ragged(), batch_size=1))


def test_a_share_of_the_examples_for_each_process_is_refused(monkeypatch):
    def loader():
        return DataLoader(DATA, sampler=DistributedSampler(DATA, num_replicas=2, rank=0))

    assert from_torch(loader()).n == 12
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    with pytest.raises(DataError, match="a share of the examples"):
        from_torch(loader())
