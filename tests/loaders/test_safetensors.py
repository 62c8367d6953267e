import json
import sys

import pytest
import torch
from safetensors.torch import save_file

from genprobe.errors import ModelError
from genprobe.loaders.safetensors import read_safetensors, read_shards, weight_map, weights_in

W = {"a.weight": torch.randn(2, 3), "b.weight": torch.randn(4).half(), "c": torch.arange(3)}
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


@pytest.fixture
def index(tmp_path):
    """Weights in two shards, and the index of them."""
    save_file({"a.weight": W["a.weight"]}, tmp_path / SHARDS[0])
    save_file({"b.weight": W["b.weight"], "c": W["c"]}, tmp_path / SHARDS[1])
    return write_index(tmp_path, dict(zip(W, (SHARDS[0], SHARDS[1], SHARDS[1]), strict=True)))


def write_index(folder, shards, name="model.safetensors.index.json"):
    path = folder / name
    path.write_text(json.dumps({"metadata": {}, "weight_map": shards}))
    return path


def check(found):
    assert found.keys() == W.keys()
    for name, values in W.items():
        assert found[name].dtype == values.dtype
        assert torch.equal(found[name], values)


def test_a_file_gives_back_its_tensors(tmp_path):
    save_file(W, tmp_path / "w.safetensors")
    check(read_safetensors(tmp_path / "w.safetensors"))


def test_a_file_without_the_library_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(ModelError, match=r"w\.safetensors needs the library safetensors") as told:
        read_safetensors(tmp_path / "w.safetensors")
    assert told.value.remedy == "Install it: pip install safetensors"


def test_every_truncation_is_an_error(tmp_path):
    path = tmp_path / "w.safetensors"
    save_file(W, path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 13):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"w\.safetensors does not read as safetensors"):
            read_safetensors(path)


def test_shards_give_back_their_tensors(index):
    check(read_shards(index, read_safetensors))


def test_a_missing_shard_is_named(index):
    (index.parent / SHARDS[1]).unlink()
    with pytest.raises(ModelError, match=f"names a shard '{SHARDS[1]}' that is not there"):
        read_shards(index, read_safetensors)


def test_a_shard_without_its_tensors_is_named(index):
    save_file({"c": W["c"]}, index.parent / SHARDS[1])
    with pytest.raises(ModelError, match=rf"{SHARDS[1]} lacks b\.weight, which model"):
        read_shards(index, read_safetensors)


@pytest.mark.parametrize(
    "shard", ["../w.safetensors", "/etc/passwd", "a/w.bin", "..", ".", "", "..\\w", "c:w", 3, None]
)
def test_a_shard_elsewhere_is_not_read(tmp_path, shard):
    save_file(W, tmp_path / "w.safetensors")
    (tmp_path / "models").mkdir()
    index = write_index(tmp_path / "models", {"a.weight": shard})
    with pytest.raises(ModelError, match="is no file beside it: it is not read"):
        read_shards(index, pytest.fail)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "does not read as JSON"),
        ("[" * 100_000, "does not read as JSON"),
        ("[]", "has no weight_map"),
        ('{"weight_map": {}}', "has no weight_map"),
        ('{"weight_map": ["a"]}', "has no weight_map"),
    ],
    ids=["empty", "nested", "list", "nothing", "names"],
)
def test_an_index_that_says_nothing_is_an_error(tmp_path, content, words):
    (tmp_path / "i.index.json").write_text(content)
    with pytest.raises(ModelError, match=words):
        weight_map(tmp_path / "i.index.json")


def test_the_index_in_a_folder_is_found(index):
    (index.parent / "config.json").write_text("{}")
    assert weights_in(index.parent) == index


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "last.ckpt", "w.pth"])
def test_the_one_file_of_weights_in_a_folder_is_found(tmp_path, name):
    for other in (name, "config.json", "README.md"):
        (tmp_path / other).touch()
    assert weights_in(tmp_path) == tmp_path / name


def test_safetensors_come_before_other_files(tmp_path):
    for name in ("pytorch_model.bin", "model.safetensors", "training_args.bin"):
        (tmp_path / name).touch()
    assert weights_in(tmp_path) == tmp_path / "model.safetensors"


def test_several_files_of_weights_are_named(index):
    (index.parent / "model.fp16.safetensors").touch()
    with pytest.raises(ModelError, match=r"several .*: model\.fp16\.safetensors, model\.s.*json"):
        weights_in(index.parent)


def test_a_folder_without_weights_is_told_with_what_it_holds(tmp_path):
    (tmp_path / "config.json").touch()
    with pytest.raises(ModelError, match=r"holds no weights; it holds config\.json"):
        weights_in(tmp_path)
