"""The loader ``pythae``: a folder that pythae wrote, as a Model.

pythae itself is imported when a model is loaded, not when a path is looked at.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from genprobe.types import Loader, Model, Params
from genprobe_pythae.folder import epoch_of, find_folder, read_settings, recognises
from genprobe_pythae.shapes import Shapes

log = logging.getLogger("genprobe")

if TYPE_CHECKING:
    from genprobe_pythae.code import Code
    from genprobe_pythae.kinds import Kind
    from genprobe_pythae.reconstruction import Reconstruction


def load(path: Path, trust: bool) -> Model:
    """The model in a folder.

    Args:
        path: of the folder, or of a training run, whose ``final_model`` or else newest checkpoint
            is taken.
        trust: whether networks of the user's own may be unpickled.

    Raises:
        ModelError: if the folder is not whole, or the model has no posterior.
        UntrustedError: if it has networks of its own and trust is False.
    """
    from genprobe_pythae.build import build, kind_name
    from genprobe_pythae.kinds import kind_of
    from genprobe_pythae.reconstruction import reconstruction

    folder = find_folder(path)
    epoch = None if folder == path else epoch_of(folder)
    if epoch is not None:
        log.warning("%s has no final_model: its newest checkpoint, %s, is taken.", path, folder)
    settings = read_settings(folder)
    name = kind_name(settings)
    kind = kind_of(name, settings, folder)
    module = build(folder, settings, trust)
    code, shapes = kind.code(module), Shapes(module.input_dim)
    x = reconstruction(module, settings, kind.scale) if kind.likelihood else None

    def encode(x: Tensor) -> Params:
        return code.encode(shapes.to_network(x))

    return Model(
        name=label(folder) if epoch is None else f"{path.absolute().name}, epoch {epoch}",
        encode=encode,
        decode=decoder(code, x, shapes) if x else None,
        posterior=code.posterior,
        prior=code.prior,
        likelihood=x.likelihood if x else None,
        module=module,
        training=training(name, kind, settings),
    )


def decoder(code: "Code", x: "Reconstruction", shapes: Shapes) -> Callable[[Tensor], Params]:
    """The function of z (batch, *latent) to the likelihood's parameters, as the data are shaped."""

    def decode(z: Tensor) -> Params:
        return x.params(shapes.to_data(x.decoder(code.decoder_input(z)).reconstruction))

    return decode


def label(folder: Path) -> str:
    """The name of a model's folder, or of the training run that it is the end of."""
    folder = folder.absolute()
    return folder.parent.name if folder.name == "final_model" else folder.name


def training(name: str, kind: "Kind", settings: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of how the model was trained: its class, and β where there is one."""
    beta = kind.beta(settings)
    return {"model": f"pythae {name}"} | ({} if beta is None else {"beta": beta})


loader = Loader(scheme="pythae", recognises=recognises, load=load)
