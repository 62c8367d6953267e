import pytest
import torch

from genprobe.errors import ModelError


def test_an_autoencoder_is_refused_with_the_reason_and_a_remedy(evaluated):
    with pytest.raises(ModelError, match="infinite rate") as error:
        evaluated("delta", {"loc": torch.randn(20, 3)}, "standard-normal")
    assert "diagonal-normal" in error.value.remedy
    assert "categorical" in error.value.remedy
