"""The options of ``genprobe evaluate`` that say how much of inference is looked into."""

from collections.abc import Callable
from typing import Any

from genprobe.cli.declare import WHOLE, option

Command = Callable[..., Any]

INFERENCE = (
    option(
        "--inference",
        type=WHOLE,
        metavar="N",
        help="Of N examples: log p(x), and who loses the nats: encoder or posterior family.",
        group="Inference",
    ),
    option(
        "--simulate",
        type=WHOLE,
        metavar="N",
        help="Also bound log p(x) from both sides on N examples drawn from the model.",
        group="Inference",
    ),
    option(
        "--max-steps",
        type=WHOLE,
        metavar="T",
        help="Most temperatures of an annealing; fewer where --tolerance is reached.",
        group="Inference",
    ),
    option(
        "--decoder-curve/--no-decoder-curve",
        default=None,
        help="Also the best R and D that any encoder could reach, at nine β. Default: for models "
        "without an encoder.",
        group="Inference",
    ),
)
"""In the order of the help."""


def inference_options(command: Command) -> Command:
    """The options of a command that looks into inference."""
    for declared in reversed(INFERENCE):
        command = declared(command)
    return command
