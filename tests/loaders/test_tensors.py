import pickle

import pytest
import torch

from genprobe.errors import ModelError
from genprobe.loaders.tensors import read_tensors


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
    with pytest.raises(ModelError, match="No such file"):
        read_tensors(tmp_path / "absent.pt")
