"""Examples as the data have them and as pythae's networks take them: (784,), (1, 28, 28)."""

import math

from torch import Tensor

from genprobe.errors import DataError


class Shapes:
    """Reshapes examples for the network, and what it returns as the data were.

    The decoder's answer must have the shape of the data, which a code does not tell: so the shape
    of the examples last encoded is kept.

    Args:
        input_dim: the shape of one example to the network.
    """

    def __init__(self, input_dim: tuple[int, ...]) -> None:
        self.input_dim = tuple(input_dim)
        self.event_shape = self.input_dim

    def to_network(self, x: Tensor) -> Tensor:
        """Examples (batch, *event) as (batch, *input_dim).

        Raises:
            DataError: if they are not of that shape but for axes of length 1, nor flat.
        """
        event = tuple(x.shape[1:])
        alike = len(event) == 1 or len(self.input_dim) == 1 or long(event) == long(self.input_dim)
        if not alike or math.prod(event) != math.prod(self.input_dim):
            raise DataError(
                f"The data's examples have the shape {event}; the model was trained on "
                f"{self.input_dim}.",
                "Give the data that the model was made for, channels first.",
            )
        self.event_shape = event
        return x.reshape(len(x), *self.input_dim)

    def to_data(self, values: Tensor) -> Tensor:
        """What the decoder returns (batch, *input_dim) as (batch, *event)."""
        return values.reshape(len(values), *self.event_shape)


def long(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without the axes of length 1."""
    return tuple(size for size in shape if size != 1)
