"""torch's schema of exported programs, as far as it is read: versions, and numbers of types.

torch raises the minor version where it adds a field that has a default, or a kind of argument, and
the major version for any other change. So every minor version of a known major one is read: a kind
of argument that is new is refused by its name, and so is a node that sets a field that is new.

    8.14 torch 2.9      8.15 torch 2.10      8.17 torch 2.11      8.20 torch 2.12 to 2.14
"""

import torch

VERSIONS = {8: "2.9 to 2.14"}
"""Each major version that is read, and the versions of torch that are known to write it."""
NODE = frozenset({"target", "inputs", "outputs", "metadata", "name", "is_hop_single_tensor_return"})
INPUT = frozenset({"name", "arg", "kind"})
"""Fields of a node and of its inputs."""
FLOAT = 7
DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    FLOAT: torch.float32,
    8: torch.float64,
    9: torch.complex32,
    10: torch.complex64,
    11: torch.complex128,
    12: torch.bool,
    13: torch.bfloat16,
}
MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
STRIDED = 7
