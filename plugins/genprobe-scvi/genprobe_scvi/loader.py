"""SCVI models that ``SCVI.save`` wrote: posterior, prior and likelihood of Lopez et al. (2018).

The code is z ~ N(0, I); with ``latent_distribution="ln"`` it is the normal before the softmax, as
in scvi-tools' own loss. Without the observed library size it has one more value, the log library
size standardised by its batch's prior, so that its prior is N(0, 1) too; the rate is the same.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genprobe.errors import ModelError
from genprobe.types import Loader, Model, Params
from genprobe_scvi.checkpoint import NAME, checkpoint_file, is_checkpoint, read_checkpoint
from genprobe_scvi.setup import Setup, context, setup_of

STANDARD_PRIOR = (
    "Its posteriors, whose prior is N(0, I), can be evaluated from an .h5ad file: see minify_adata."
)
OWN_PRIOR = (
    "Evaluate an SCVI model of these cells; or give the posteriors with their own prior as arrays, "
    "see genprobe.evaluate_posteriors."
)
LIKELIHOODS = {
    "nb": "negative-binomial",
    "zinb": "zero-inflated-negative-binomial",
    "poisson": "poisson",
    "normal": "normal",
}


def load_scvi(path: Path, trust: bool) -> Model:
    """The model that SCVI.save wrote.

    Args:
        path: of the folder, or of the ``model.pt`` in it.
        trust: whether code in it may run; most checkpoints need none.

    Raises:
        UntrustedError: if it would run code, and trust is False.
        ModelError: if it is damaged, or of another model of scvi-tools.
    """
    file = checkpoint_file(path)
    if file is None:
        raise ModelError(f"There is no {NAME} of scvi-tools at {path}.", "Check the path.")
    content = read_checkpoint(file, trust)
    try:
        kind = content["attr_dict"]["registry_"]["model_name"]
        require_scvi(file, kind)
        setup = setup_of(content)
        module = rebuild(content, setup)
    except ModelError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"{file} does not rebuild as an SCVI model: {reason}",
            "It may be of another version of scvi-tools.",
        ) from error
    return Model(
        name=path.name if path.is_dir() else path.parent.name,
        encode=partial(encode, module),
        decode=partial(decode, module),
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood=LIKELIHOODS[module.gene_likelihood],
        module=module,
        training=training(file, setup),
        condition=partial(
            context, setup, module.use_observed_lib_size, module.dispersion == "gene-label"
        ),
    )


def require_scvi(file: Path, kind: str) -> None:
    """Check that a checkpoint is of SCVI itself.

    Raises:
        ModelError: naming what it is of.
    """
    if kind != "SCVI":
        raise ModelError(
            f"{file} is a model of the class {kind}; genprobe-scvi reads SCVI.",
            STANDARD_PRIOR if kind in ("LinearSCVI", "MULTIVI") else OWN_PRIOR,
        )


def rebuild(content: Mapping[str, Any], setup: Setup) -> Any:
    """The module of an SCVI model with its weights."""
    from scvi.module import VAE

    attributes, state = content["attr_dict"], dict(content["model_state_dict"])
    given = attributes["init_params_"]
    options = dict(given["non_kwargs"])
    for further in given["kwargs"].values():
        options |= further
    options.pop("registry", None)
    library = {k: state[k].numpy() for k in ("library_log_means", "library_log_vars") if k in state}
    module = VAE(
        n_input=len(setup.genes),
        n_batch=len(setup.batch[1]),
        n_labels=len(setup.labels[1]),
        n_continuous_cov=len(setup.continuous),
        n_cats_per_cov=[len(mapping) for mapping in setup.categorical.values()] or None,
        use_size_factor_key=setup.size_factor is not None,
        **library,
        **options,
    )
    state.pop("pyro_param_store", None)
    module.load_state_dict(state)
    return module.eval().requires_grad_(False)


def training(file: Path, setup: Setup) -> dict[str, Any]:
    """What is known of the training: the layer, unless it was X, and the data that were saved."""
    data = file.with_name(file.name.removesuffix(NAME) + "adata.h5ad")
    saved = {"data": f"anndata:{data}::{setup.layer}"} if data.is_file() else {}
    return {**({} if setup.layer == "X" else {"layer": setup.layer}), **saved}


def encode(module: Any, x: Tensor, **given: Tensor) -> Params:
    """Mean and scale of q(z|x, c), (batch, latent).

    Args:
        module: a ``scvi.module.VAE``.
        x: counts (batch, gene).
        given: the context of ``genprobe_scvi.setup``.
    """
    inputs, categories = [torch.log1p(x) if module.log_variational else x], []
    if module.encode_covariates:
        inputs += [given["continuous"]] if "continuous" in given else []
        categories = list(given["categorical"].split(1, 1)) if "categorical" in given else []
    if module.batch_representation != "embedding":
        categories = [given["batch"], *categories]
    elif module.encode_covariates:
        inputs.append(embedded(module, given))
    loc, scale = moments(module.z_encoder, torch.cat(inputs, 1), categories)
    if module.use_observed_lib_size:
        return {"loc": loc, "scale": scale}
    mean, sd = library_prior(module, given)
    log_library, spread = moments(module.l_encoder, torch.cat(inputs, 1), categories)
    return {
        "loc": torch.cat([loc, (log_library - mean) / sd], 1),
        "scale": torch.cat([scale, spread / sd], 1),
    }


def moments(encoder: Any, inputs: Tensor, categories: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and scale of an encoder's normal, without the draw that its forward makes."""
    hidden = encoder.encoder(inputs, *categories)
    variance = encoder.var_activation(encoder.var_encoder(hidden)) + encoder.var_eps
    return encoder.mean_encoder(hidden), variance.sqrt()


def embedded(module: Any, given: Mapping[str, Tensor]) -> Tensor:
    """The learned vector of each example's batch."""
    vectors: Tensor = module.get_embedding("batch")(given["batch"].squeeze(1))
    return vectors


def library_prior(module: Any, given: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and scale (batch, 1) of the log library size of each example's batch."""
    batch = given["batch"].squeeze(1)
    mean, variance = module.library_log_means[0, batch], module.library_log_vars[0, batch]
    return mean[:, None], variance.sqrt()[:, None]


def decode(module: Any, z: Tensor, **given: Tensor) -> Params:
    """Parameters of p(x|z, c), each (batch, gene), by the names of genprobe's likelihoods.

    Args:
        module: a ``scvi.module.VAE``.
        z: (batch, latent), with the standardised log library size if that is latent.
        given: the context of ``genprobe_scvi.setup``.
    """
    z, log_size = sizes(module, z, given)
    inputs = [module.z_encoder.z_transformation(z)]
    inputs += [given["continuous"]] if "continuous" in given else []
    categories = list(given["categorical"].split(1, 1)) if "categorical" in given else []
    if module.batch_representation == "embedding":
        inputs.append(embedded(module, given))
    else:
        categories = [given["batch"], *categories]
    _, cell_r, rate, dropout = module.decoder(
        module.dispersion, torch.cat(inputs, 1), log_size, *categories
    )
    theta = dispersion(module, cell_r, given).expand_as(rate)
    return PARAMETERS[module.gene_likelihood](rate, theta, dropout)


def sizes(module: Any, z: Tensor, given: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The code without the library size, and the log of what the rates are multiplied by."""
    if module.use_size_factor_key:
        return z, given["log_size_factor"]
    if module.use_observed_lib_size:
        return z, given["log_library"]
    mean, sd = library_prior(module, given)
    return z[:, :-1], mean + sd * z[:, -1:]


def dispersion(module: Any, cell_r: Tensor | None, given: Mapping[str, Tensor]) -> Tensor:
    """θ of genes, broadcastable to (batch, gene)."""
    if module.dispersion == "gene-cell":
        log_theta = cell_r
    elif module.dispersion == "gene":
        log_theta = module.px_r[None]
    else:
        group = "batch" if module.dispersion == "gene-batch" else "labels"
        log_theta = module.px_r.T[given[group].squeeze(1)]
    theta: Tensor = log_theta.exp()
    return theta


PARAMETERS: dict[str, Callable[[Tensor, Tensor, Tensor], Params]] = {
    "nb": lambda rate, theta, dropout: {"mu": rate, "theta": theta},
    "zinb": lambda rate, theta, dropout: {"mu": rate, "theta": theta, "gate_logits": dropout},
    "poisson": lambda rate, theta, dropout: {"rate": rate},
    "normal": lambda rate, theta, dropout: {"loc": rate, "scale": theta},
}
"""scvi-tools' names of the decoder's outputs to genprobe's."""


def recognises(path: Path) -> bool:
    """Whether there is a checkpoint of scvi-tools, told by names in its pickle."""
    file = checkpoint_file(path)
    return file is not None and is_checkpoint(file)


scvi = Loader(scheme="scvi", recognises=recognises, load=load_scvi)
