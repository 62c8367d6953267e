"""Train the four demonstration bundles anew: ``python -m genprobe.demo.make_bundles FOLDER``.

About a minute and a half on two cores. Another machine gives slightly other weights and the same
four regimes.
"""

from pathlib import Path

import click

from genprobe.demo import BUNDLES
from genprobe.loaders.bundle import save
from genprobe.loaders.open import open_dataset
from genprobe.runs.train import train
from genprobe.runtime.progress import progress_display


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
def main(folder: Path) -> None:
    """Write the bundles into FOLDER."""
    dataset = open_dataset("digits", binarize="threshold")
    for name, beta in BUNDLES.items():
        with progress_display(True) as progress:
            model = train(
                dataset,
                name=name,
                data="digits",
                beta=beta,
                latent=16,
                hidden=(128,),
                epochs=600,
                learning_rate=2e-3,
                progress=progress,
            )
        save(model, folder / f"{name}.pt")
        click.echo(f"{folder / name}.pt", err=True)


if __name__ == "__main__":
    main()
