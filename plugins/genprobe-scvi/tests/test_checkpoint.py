import os
import pickle

import pandas as pd
import pytest
import torch
from genprobe_scvi.checkpoint import Unread, checkpoint_file, is_checkpoint, read_checkpoint

from genprobe.errors import ModelError, UntrustedError


class Trap:
    def __init__(self, sprung):
        self.sprung = sprung

    def __reduce__(self):
        return os.mkdir, (str(self.sprung),)


class State:
    """A pickle that would set the state of a pandas object."""

    def __reduce__(self):
        return pd.DataFrame, ({"a": [1, 2]},)


def test_weights_arrays_and_registry_are_those_of_a_trusting_load(trained):
    file = trained("whole")[1] / "model.pt"
    found = read_checkpoint(file, False)
    truth = torch.load(file, weights_only=False)
    assert found["attr_dict"]["init_params_"] == truth["attr_dict"]["init_params_"]
    assert found["var_names"].tolist() == truth["var_names"].tolist()
    assert (found["attr_dict"]["train_indices_"] == truth["attr_dict"]["train_indices_"]).all()
    mine, theirs = (c["attr_dict"]["registry_"]["field_registries"] for c in (found, truth))
    assert mine.keys() == theirs.keys()
    assert {k: repr(v) for k, v in mine.items()} == {k: repr(v) for k, v in theirs.items()}
    for key, values in truth["model_state_dict"].items():
        if isinstance(values, torch.Tensor):
            assert torch.equal(found["model_state_dict"][key], values)


def test_tables_of_the_history_are_not_built(trained):
    history = read_checkpoint(trained("zinb")[1] / "model.pt", False)["attr_dict"]["history_"]
    assert history
    assert {type(table) for table in history.values()} == {Unread}


def test_a_call_of_pandas_is_not_made(tmp_path):
    content = {"attr_dict": {"x": State()}, "var_names": [], "model_state_dict": {}}
    torch.save(content, tmp_path / "model.pt")
    assert type(read_checkpoint(tmp_path / "model.pt", False)["attr_dict"]["x"]) is Unread


@pytest.mark.parametrize("place", ["attr_dict", "model_state_dict"])
def test_nothing_runs_without_trust(tmp_path, place):
    sprung = tmp_path / "sprung"
    content = {"attr_dict": {}, "var_names": [], "model_state_dict": {}}
    torch.save({**content, place: {"x": Trap(sprung)}}, tmp_path / "model.pt")
    assert is_checkpoint(tmp_path / "model.pt")
    with pytest.raises(UntrustedError, match=r"would run code: it imports posix\.mkdir"):
        read_checkpoint(tmp_path / "model.pt", False)
    assert not sprung.exists()
    read_checkpoint(tmp_path / "model.pt", True)
    assert sprung.exists()


def test_a_folder_with_a_prefix_is_found_and_with_two_is_not(trained, tmp_path):
    model, _ = trained("zinb")
    model.save(str(tmp_path / "m"), prefix="one_")
    assert checkpoint_file(tmp_path / "m") == tmp_path / "m" / "one_model.pt"
    model.save(str(tmp_path / "m"), prefix="two_", overwrite=True)
    (tmp_path / "m" / "one_model.pt").write_bytes(b"")
    assert checkpoint_file(tmp_path / "m") is None


def test_a_plain_pickle_is_none(tmp_path):
    (tmp_path / "model.pt").write_bytes(pickle.dumps({"attr_dict": 1}))
    assert not is_checkpoint(tmp_path / "model.pt")
    with pytest.raises(ModelError):
        read_checkpoint(tmp_path / "model.pt", False)
