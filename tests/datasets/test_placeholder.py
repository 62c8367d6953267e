import torch

from genprobe.datasets.placeholder import UNKNOWN_SHAPE, placeholder_dataset


def test_it_has_examples_without_values():
    data = placeholder_dataset("toy", 7)
    assert (data.name, data.n, data.event_shape) == ("toy", 7, UNKNOWN_SHAPE)
    assert data.read(2, 5).shape == (3, 0)


def test_a_known_shape_is_told_though_no_values_are():
    data = placeholder_dataset("toy", 7, torch.Size([28, 28]))
    assert data.event_shape == (28, 28)
    assert data.read(0, 7).shape == (7, 0)


def test_name_and_length_make_the_fingerprint():
    same = placeholder_dataset("toy", 7, torch.Size([3]))
    assert placeholder_dataset("toy", 7).fingerprint == same.fingerprint
    assert (
        len(
            {
                d.fingerprint
                for d in (same, placeholder_dataset("toy", 8), placeholder_dataset("other", 7))
            }
        )
        == 3
    )
