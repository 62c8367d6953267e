import torch

from genprobe.aggregate import log_aggregate
from genprobe.aggregate.full_precision import full_precision
from genprobe.families.diagonal_normal import diagonal_normal

CPU = torch.device("cpu")


def test_coarse_matmuls_and_autocast_are_off_inside_and_as_before_outside():
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            with full_precision(CPU):
                assert torch.get_float32_matmul_precision() == "highest"
                assert not torch.is_autocast_enabled("cpu")
                assert torch.mm(torch.ones(2, 2), torch.ones(2, 2)).dtype == torch.float32
            assert torch.is_autocast_enabled("cpu")
            assert torch.mm(torch.ones(2, 2), torch.ones(2, 2)).dtype == torch.bfloat16
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_the_engine_gives_the_same_numbers_under_autocast(posteriors):
    params, z = posteriors(500, (8,), 0.5)
    params["loc"].requires_grad_()
    plain = log_aggregate(z, diagonal_normal, params, own=torch.arange(500))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = log_aggregate(z, diagonal_normal, params, own=torch.arange(500))
    assert torch.equal(coarse.log_qz, plain.log_qz)
    assert not plain.log_qz.requires_grad
