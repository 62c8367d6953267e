import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from genprobe.loaders.operation_work import work_of
from genprobe.loaders.operations import operation
from genprobe.loaders.program_limits import by_name

A, B = torch.ones(3, 20, 30), torch.ones(3, 30, 40)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("mm.default", [A[0], B[0]]),
        ("addmm.default", [torch.ones(40), A[0], B[0]]),
        ("bmm.default", [A, B]),
        ("baddbmm.default", [torch.ones(40), A, B]),
        ("convolution.default", [A, torch.ones(7, 20, 5), None, [2], [1], [1], False, [0], 1]),
        ("convolution.default", [A, torch.ones(20, 7, 5), None, [2], [1], [1], True, [0], 1]),
        ("convolution.default", [A, torch.ones(20, 1, 5), None, [1], [1], [1], False, [0], 20]),
    ],
)
def test_work_is_at_least_the_multiplications_that_torch_counts(name, args):
    function = operation(f"torch.ops.aten.{name}")
    with FlopCounterMode(display=False) as counter:
        found = function(*args)
    multiplications = counter.get_total_flops() // 2
    touched = sum(t.numel() for t in [*args, found] if isinstance(t, torch.Tensor))
    work = work_of(function, by_name(function, args, {}), [found])
    assert multiplications > 0
    assert multiplications <= work - 1024 * touched
