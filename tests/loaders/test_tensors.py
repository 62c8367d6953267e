import argparse
import json
import logging
import pickle

import pytest
import torch
from safetensors.torch import save_file

from genprobe.errors import ModelError
from genprobe.loaders.tensors import read_tensors, read_weights


def test_tensors_come_back_as_they_were_written(tmp_path, torch_save):
    content = {"w": torch.randn(3, 2), "nested": {"b": torch.arange(4)}}
    torch_save(content, tmp_path / "w.pt")
    found = read_tensors(tmp_path / "w.pt")
    torch.testing.assert_close(found, content, rtol=0, atol=0)


def test_code_is_refused_and_does_not_run(tmp_path, write):
    class Trap:
        def __reduce__(self):
            return open, (str(tmp_path / "sprung"), "w")

    write(Trap(), tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"w\.pt does not read .*run code \(_?io\.open"):
        read_tensors(tmp_path / "w.pt")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04", b"\x80\x02"])
def test_what_is_no_checkpoint_is_an_error(tmp_path, content):
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(ModelError, match=r"w\.pt"):
        read_tensors(tmp_path / "w.pt")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xfc\x00V\xb8", "it starts with"),
        (pickle.dumps({"genprobe.bundle": 1}), "it holds something else"),
    ],
)
def test_nobody_is_advised_to_let_code_run(tmp_path, content, words):
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(ModelError, match=rf"of tensors: {words}") as told:
        read_tensors(tmp_path / "w.pt")
    assert "weights_only" not in str(told.value)


def test_every_truncation_is_an_error(tmp_path, torch_save):
    path = tmp_path / "w.pt"
    torch_save({"w": torch.arange(4.0)}, path)
    content = path.read_bytes()
    for length in range(0, len(content), 37):
        path.write_bytes(content[:length])
        with pytest.raises(ModelError):
            read_tensors(path)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(ModelError, match="There is no checkpoint"):
        read_tensors(tmp_path / "absent.pt")


W = {"a": torch.randn(2), "b": torch.randn(3)}


@pytest.mark.parametrize(
    ("write", "suffix"), [(torch.save, "bin"), (save_file, "safetensors")], ids=["torch", "safe"]
)
@pytest.mark.parametrize("shape", ["file", "folder", "index", "folder of shards"])
def test_weights_read_the_same_from_every_kind_of_file(tmp_path, write, suffix, shape):
    one, two = tmp_path / f"one.{suffix}", tmp_path / f"two.{suffix}"
    index = tmp_path / f"w.{suffix}.index.json"
    if shape in ("file", "folder"):
        write(W, one)
    else:
        write({"a": W["a"]}, one)
        write({"b": W["b"]}, two)
        index.write_text(json.dumps({"weight_map": {"a": one.name, "b": two.name}}))
    path = {"file": one, "index": index}.get(shape, tmp_path)
    torch.testing.assert_close(read_weights(path), W, rtol=0, atol=0)


def test_what_is_no_tensor_is_left_out_with_a_word(tmp_path, torch_save, trap, caplog):
    caplog.set_level(logging.INFO, "genprobe")
    torch_save({"w": W, "args": argparse.Namespace(lr=1), "trap": trap}, tmp_path / "w.ckpt")
    torch.testing.assert_close(read_weights(tmp_path / "w.ckpt")["w"], W, rtol=0, atol=0)
    [said] = [text for text in caplog.messages if "left out what is no tensor: " in text]
    assert "argparse.Namespace" in said


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04", b"\x80\x02", b"\x80\x02cos\nsy"])
def test_weights_that_are_none_are_an_error(tmp_path, content):
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(ModelError, match=r"w\.pt"):
        read_weights(tmp_path / "w.pt")
