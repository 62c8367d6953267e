import pytest
import torch

from genprobe.runtime.torch_file import load_tensors


def test_sparse_tensors_are_checked(tmp_path):
    good = torch.eye(3).to_sparse()
    torch.save(good, tmp_path / "good.pt")
    assert torch.equal(load_tensors(tmp_path / "good.pt").to_dense(), torch.eye(3))
    bad = torch.sparse_coo_tensor(
        torch.tensor([[7], [0]]), torch.ones(1), (3, 3), check_invariants=False
    )
    torch.save(bad, tmp_path / "bad.pt")
    with pytest.raises((ValueError, RuntimeError)):
        load_tensors(tmp_path / "bad.pt")


def test_nobody_is_told_to_run_the_code_in_a_file(tmp_path):
    torch.save([print], tmp_path / "m.pt")
    with pytest.raises(ValueError, match="something else than tensors"):
        load_tensors(tmp_path / "m.pt")
