import pytest
import torch

from genprobe import Dataset, Model
from genprobe.datasets.row_hashes import context_hashes, fingerprint_of, row_hashes
from genprobe.encoding.encode import encode
from genprobe.encoding.identity import Changes, changes_in, identity_of, rows_that_differ
from genprobe.encoding.resolve import prepare
from genprobe.errors import DataError
from genprobe.probes.rate import rate
from genprobe.store.format import SEGMENT_ROWS
from genprobe.store.read import open_store
from genprobe.store.stretches import stretches_of
from genprobe.store.write import StoreWriter

N = SEGMENT_ROWS + 20
X = torch.rand(N, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS = torch.arange(N) % 4
MODEL = Model(
    name="m",
    encode=lambda x, y: {"loc": x[:, :2] + y[:, None], "scale": torch.ones(len(x), 2)},
    posterior="diagonal-normal",
    prior="standard-normal",
    condition=lambda x, covariates: {"y": covariates["y"]},
)


def dataset(x=X, labels=LABELS, **changes):
    return Dataset(
        name="rows",
        n=len(x),
        event_shape=x.shape[1:],
        read=lambda start, stop: x[start:stop],
        covariates=lambda start, stop: {"y": labels[start:stop]},
        **changes,
    )


def encoded(folder, data, dtype="float32"):
    cpu = torch.device("cpu")
    header, parts = prepare(MODEL, data, draws=1, seed=0, dtype=dtype, device=cpu)
    with StoreWriter(folder / f"{dtype}.h5", header) as writer:
        encode(parts, data, writer, {"rate": rate}, batch_size=512, device=cpu)
    return open_store(writer.path)


@pytest.fixture
def store(tmp_path):
    return encoded(tmp_path, dataset())


def test_a_store_has_the_hash_of_each_example_and_of_its_context(store):
    stretches = stretches_of(store)
    for name, truth in (
        ("identity/x", row_hashes(X)),
        ("identity/context", context_hashes({"y": LABELS})),
    ):
        assert torch.equal(torch.cat([s.rows(name, s.start, s.stop) for s in stretches]), truth)
    assert store.header.dataset_fingerprint == fingerprint_of([row_hashes(X)])
    truth = fingerprint_of([context_hashes({"y": LABELS})])
    assert store.header.context_fingerprint == truth


def test_the_hashes_do_not_depend_on_the_dtype_of_the_run(store, tmp_path):
    other = encoded(tmp_path, dataset(), dtype="float64").header
    assert other.dataset_fingerprint == store.header.dataset_fingerprint
    assert other.context_fingerprint == store.header.context_fingerprint


def changes(store, data, **options):
    return changes_in(stretches_of(store), MODEL, data, torch.float32, **options)


def test_what_did_not_change_is_not_said_to(store):
    steps = []
    found = changes(store, dataset(X.clone(), LABELS.clone()), advance=steps.append)
    assert (bool(found), found.read, sum(steps)) == (False, N, N)


def test_examples_and_contexts_that_changed_are_counted_apart(store):
    x, labels = X.clone(), LABELS.clone()
    x[[40, SEGMENT_ROWS + 3]] += 1e-12
    labels[[5, 6, 7]] += 1
    found = changes(store, dataset(x, labels))
    assert (found.read, found.count.tolist(), found.first.tolist()) == (N, [2, 3], [40, 5])
    assert (
        found.words(dataset(), ["y"]) == f"2 of {N} examples of rows differ, the first is "
        "example 40"
    )
    found = changes(store, dataset(X, labels))
    assert found.words(dataset(), ["y"]) == (
        f"the context (y) of 3 of {N} examples of rows differs, the first is example 5"
    )


def test_only_the_rows_that_are_named_are_read(store):
    read = []

    def reading(start, stop):
        read.append((start, stop))
        return X[start:stop] + 1

    data = Dataset(
        name="rows", n=N, event_shape=X.shape[1:], read=reading, covariates=dataset().covariates
    )
    found = changes(store, data, rows=torch.tensor([3, 70, SEGMENT_ROWS]))
    assert read == [(3, 4), (70, 71), (SEGMENT_ROWS, SEGMENT_ROWS + 1)]
    assert (found.read, found.count.tolist(), found.first[0]) == (3, [3, 0], 3)


def test_a_column_that_only_one_side_has_differs_everywhere():
    hashes = row_hashes(X[:5])
    assert rows_that_differ(hashes, None).tolist() == [0, 1, 2, 3, 4]
    assert rows_that_differ(None, hashes).tolist() == [0, 1, 2, 3, 4]
    assert rows_that_differ(None, None).tolist() == []


def test_what_is_not_at_hand_has_no_hash():
    assert identity_of(torch.empty(4, 0), {}) == {}
    assert not Changes(read=4, count=torch.zeros(2), first=torch.zeros(2))


@pytest.mark.parametrize("by_item", [False, True])
def test_where_reading_is_expensive_a_sample_is_read_again(tmp_path, by_item):
    read = []

    def reading(start, stop):
        read.append(stop - start)
        return X[start:stop]

    data = dataset(by_item=by_item)
    encoded(tmp_path, Dataset(**{**vars(data), "read": reading}))
    assert (sum(read) >= 2 * N) != by_item
    assert sum(read) < 2.1 * N


def test_values_that_change_with_each_reading_are_refused_and_nothing_is_stored(tmp_path):
    data = Dataset(**{**vars(dataset()), "read": lambda a, b: X[a:b] + torch.rand(b - a, 1)})
    with pytest.raises(DataError, match=r"rows gives other values each time .* Nothing is stored"):
        encoded(tmp_path, data)
    assert not list(tmp_path.rglob("*.h5"))
