"""``genprobe bd-rate``: how much less rate one sweep takes than another, at the same quality."""

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from genprobe_images.curves import Curve
    from genprobe_images.sweeps import BDRate


@click.command("bd-rate", short_help="Compare the rates of two sweeps at equal quality.")
@click.argument("sweep_a")
@click.argument("sweep_b")
@click.option(
    "--quality",
    default="psnr",
    show_default=True,
    help="The quality axis: psnr, ssim, ms_ssim, or distortion for −D.",
)
@click.option(
    "--method",
    type=click.Choice(["akima", "pchip"]),
    default="akima",
    show_default=True,
    help="How log R is interpolated over the quality.",
)
@click.option(
    "--side",
    type=click.Choice(["held-out", "training"]),
    default="held-out",
    show_default=True,
    help="Which stores of the folder of a sweep; that which there is, if only one.",
)
@click.option("--resamples", type=click.IntRange(100), default=2000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the resamples.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bd_rate_command(sweep_a: str, sweep_b: str, as_json: bool, **choices: Any) -> None:
    """By how much SWEEP_B has another rate than SWEEP_A at the same quality.

    Each is the folder of a sweep, or a pattern in quotes, of stores (.h5) or reports (.json) of at
    least four models on the same images. −10 % is a tenth less rate. The interval is over images,
    not over trainings, and takes stores.
    """
    from genprobe_images.sweeps import compare_sweeps

    found = compare_sweeps(sweep_a, sweep_b, **choices)
    if as_json:
        import json

        click.echo(json.dumps(as_plain(found), indent=2))
    else:
        click.echo("\n".join(lines(found)))


def as_plain(found: "BDRate") -> dict[str, Any]:
    """The result in plain types."""
    names = ("value", "no_interval", "method", "by_method", "quality", "low", "high")
    curves = {"reference": found.reference, "curve": found.curve}
    return {
        **{name: getattr(found, name) for name in names},
        "interval": None if found.interval is None else list(found.interval),
        **{
            k: {
                "name": curve.name,
                "models": list(curve.models),
                "rate": curve.rates.tolist(),
                "quality": curve.qualities.tolist(),
            }
            for k, curve in curves.items()
        },
    }


def lines(found: "BDRate") -> list[str]:
    """The result as text."""
    from genprobe.escape import escape
    from genprobe_images.curves import QUALITIES

    first = f"BD-rate of {found.curve.name} against {found.reference.name}: {share(found.value)}"
    spread = f"No interval: {found.no_interval}."
    if found.interval is not None:
        each = found.curve.quality_each
        images = "" if each is None else f"{each.shape[1]} images, "
        ends = " to ".join(map(share, found.interval))
        spread = f"{ends} with 95 %, over {images}the same resampled for both"
    other = next(name for name in found.by_method if name != found.method)
    return [
        escape(first),
        spread,
        f"{QUALITIES[found.quality]} from {found.low:.4g} to {found.high:.4g}, where both curves "
        "are;",
        f"log R interpolated by {found.method} (by {other}: {share(found.by_method[other])}).",
        *table("A", found.reference, found.quality),
        *table("B", found.curve, found.quality),
    ]


def table(mark: str, curve: "Curve", quality: str) -> list[str]:
    """The points of a curve, a line each."""
    import math

    from genprobe.escape import escape
    from genprobe_images.curves import QUALITIES

    found = ["", escape(f"{mark}  {curve.name}")]
    found += [f"{'R, nats':>10}  {'bits/pixel':>10}  {QUALITIES[quality]:>10}  model"]
    for rate, value, model in zip(curve.rates, curve.qualities, curve.models, strict=True):
        bits = f"{rate / math.log(2) / curve.pixels:.4f}" if curve.pixels else "–"
        found.append(escape(f"{rate:10.3f}  {bits:>10}  {value:10.4f}  {model}"))
    return found


def share(value: float) -> str:
    """A share as a signed percentage."""
    return f"{100 * value:+.1f} %".replace("-", "−")
