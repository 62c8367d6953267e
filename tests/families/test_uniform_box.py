import pytest
import torch

from genprobe.errors import ModelError


def test_a_box_is_refused_with_the_reason_and_a_remedy(evaluated):
    low = torch.randn(20, 3)
    with pytest.raises(ModelError, match="width of its box") as error:
        evaluated("uniform-box", {"low": low, "high": low + 1}, "standard-normal")
    assert "categorical" in error.value.remedy
