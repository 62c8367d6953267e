import pytest
import torch

from genprobe.runtime.memory import out_of_memory, own_pages


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (MemoryError(), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (torch.AcceleratorError("CUDA error: device lost"), False),
    ],
)
def test_out_of_memory_is_told_from_other_errors(error, says):
    assert out_of_memory(error) is says


def test_what_torch_raises_on_the_cpu_is_recognised():
    with pytest.raises(RuntimeError) as told:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert out_of_memory(told.value)


def test_pages_of_its_own_are_zeros_that_can_be_written():
    found = own_pages((3, 4), torch.float64)
    assert torch.equal(found, torch.zeros(3, 4).double())
    found[1] = 2
    assert found.sum() == 8
    assert own_pages((0, 4), torch.float64).shape == (0, 4)
