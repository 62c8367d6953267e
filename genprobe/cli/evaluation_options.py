"""The options of every command that evaluates a model: what it is, on what data, and how."""

import functools
from pathlib import Path

import click

from genprobe.cli import completion, options
from genprobe.cli.declare import WHOLE, option
from genprobe.cli.inference_options import inference_options
from genprobe.cli.options import Command
from genprobe.cli.scale_option import observation_scale

EVALUATION = (
    option(
        "--data",
        "-d",
        metavar="D",
        help="A name (digits), a path, SCHEME:PATH or python:MODULE:FUNCTION. "
        "Default: a bundle's own.",
        group="Data",
        shell_complete=completion.DATA,
    ),
    option("--split", metavar="S", help="Split of a named data set.", group="Data"),
    option(
        "--limit",
        "-n",
        type=WHOLE,
        metavar="N",
        help="Evaluate N examples only, drawn at random by --seed.",
        group="Data",
    ),
    options.binarize,
    options.byte_values,
    options.input_key,
    options.covariates,
    options.labels,
    options.leaks,
    option(
        "--factory",
        "-f",
        formerly=["--model"],
        metavar="MODULE:FACTORY",
        help="Your function that builds the Model.",
        group="Model",
    ),
    option(
        "--weights",
        metavar="KEY",
        help="Which weights of a checkpoint --factory gets, such as ema. "
        "Default: the first that fit.",
        group="Model",
    ),
    observation_scale,
    option(
        "--family",
        metavar="NAME",
        help="Posterior family of a file of posteriors (.npz, .h5).",
        group="Model",
        shell_complete=completion.FAMILY,
    ),
    option(
        "--codebook",
        metavar="FILE",
        help="Vectors of the codes of a quantiser (.npy), to find copies among them.",
        group="Model",
        shell_complete=completion.FILES,
    ),
    option(
        "--store",
        "-s",
        type=click.Path(path_type=Path),
        help="Keep what was encoded here, and resume from it.",
        group="Output",
    ),
    option("--fresh", is_flag=True, help="Encode again even if the store has it."),
    option(
        "--keep-levels", is_flag=True, help="Store the draws of every level of a chain of latents."
    ),
    option(
        "--draws",
        type=WHOLE,
        default=1,
        show_default=True,
        metavar="N",
        help="Posterior draws per example.",
        group="Estimates",
    ),
    options.tolerance,
    options.max_queries,
    option("--batch-size", type=WHOLE, metavar="B", help="Examples a call of the model."),
    option(
        "--device",
        default="auto",
        show_default=True,
        metavar="NAME",
        help="auto, cpu, cuda or mps.",
        shell_complete=completion.DEVICE,
    ),
    option(
        "--dtype", type=click.Choice(["float32", "float64"]), default="float32", show_default=True
    ),
    option("--seed", type=WHOLE, default=0, show_default=True, metavar="N", group="Estimates"),
    options.prior,
    options.entropy,
    options.bin_width,
    inference_options,
    options.regime_cuts,
)
"""What ``genprobe.evaluate`` takes, but for the model and where results go; in their order."""

quietly = option("--quiet", is_flag=True, help="No progress and no log.", group="Output")
trust = option("--trust", is_flag=True, help="Let code in the checkpoint run.", group="Model")


def evaluation_options(command: Command) -> Command:
    """The options of an evaluation."""
    return functools.reduce(lambda c, declared: declared(c), reversed(EVALUATION), command)
