"""The one place where a user's encoder and decoder are called (priors: ``prior_calls``).

Batches, device, precision, gradients, the context of a conditional model, checks of what comes back
and errors are dealt with here, so encoding, probes, pictures and exports have none of it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.distributions import Distribution

from genprobe.encoding.batches import batches, gather, unequal_batches
from genprobe.encoding.checks import require_event, require_shapes, require_tensors
from genprobe.encoding.context import rows_of
from genprobe.encoding.parts import Parts
from genprobe.encoding.user_errors import user_errors
from genprobe.errors import SupportError, UnavailableError
from genprobe.types import Family, Likelihood, Model, Params

TRAINED_SHAPE = "Check that the data have the shape that the model was trained on."
NO_GRADIENT = (
    "It fails where the slope takes its gradient; if it has none, let it run under torch.no_grad()."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Calls:
    """A model bound to where and how it is called.

    Rows of what goes in may be of any number: they are cut into batches. What comes back lies on
    the CPU. ``rows`` says of which examples the context is taken, (len(x or z),) positions among
    those that ``context`` describes; by default row by row.

    Attributes:
        model: whose encoder and decoder are called; its module is in place.
        posterior: the family of q(z|x).
        likelihood: of the decoder's output; None without a decoder.
        device: of the model.
        dtype: that x and z are given to it in.
        batch_size: the most rows of one call.
        context: of the examples at hand, by name, each (example, ...); empty unless the model is
            conditional.

    >>> from genprobe.families.diagonal_normal import diagonal_normal
    >>> from genprobe.likelihoods.bernoulli import bernoulli
    >>> model = Model(
    ...     name="bits",
    ...     encode=lambda x: {"loc": 2 * x - 1, "scale": torch.ones_like(x)},
    ...     decode=lambda z: {"logits": z},
    ...     posterior="diagonal-normal",
    ...     prior="standard-normal",
    ...     likelihood="bernoulli",
    ... )
    >>> calls = Calls(
    ...     model=model,
    ...     posterior=diagonal_normal,
    ...     likelihood=bernoulli,
    ...     device=torch.device("cpu"),
    ...     dtype=torch.float32,
    ...     batch_size=2,
    ... )
    >>> x = torch.tensor([[0.0], [1.0], [1.0]])
    >>> calls.encode(x)["loc"].flatten().tolist()
    [-1.0, 1.0, 1.0]
    >>> calls.decode(torch.zeros(3, 1)).mean.flatten().tolist()
    [0.5, 0.5, 0.5]
    >>> calls.log_px_z(x, torch.zeros(3, 1)).exp()
    tensor([0.5000, 0.5000, 0.5000], dtype=torch.float64)
    """

    model: Model
    posterior: Family
    likelihood: Likelihood | None
    device: torch.device
    dtype: torch.dtype
    batch_size: int
    context: Params = field(default_factory=dict)

    @property
    def decodes(self) -> bool:
        """Whether there is a decoder."""
        return self.model.decode is not None and self.likelihood is not None

    def given(self, context: Params) -> "Calls":
        """The same calls, of examples with this context, by name, each (example, ...)."""
        return replace(self, context=context)

    def encode(self, x: Tensor, rows: Tensor | None = None) -> Params:
        """The parameters of q(z|x), each (n, ...), with the names and lengths checked.

        Args:
            x: (n, *event).
            rows: (n,) examples whose context is given.

        Raises:
            ModelError: if the encoder fails, or returns something else.
        """
        given, pieces = self._context_of(rows), []
        for batch in batches(len(x), self.batch_size):
            with self._errors("encode", x[batch]), torch.inference_mode():
                piece = self._call(self.model.encode, x, given, batch)
            source = f"The encoder of {self.model.name}"
            names = ", ".join(self.posterior.constraints)
            require_tensors(source, piece, f"Return a dict of tensors: {names}.")
            require_shapes(source, self.posterior, piece, len(x[batch]))
            pieces.append(piece)
        # A view of a parameter requires a gradient even here: a scale that all examples share.
        return {
            name: torch.cat([piece[name].detach().cpu() for piece in pieces]) for name in pieces[0]
        }

    def decode(self, z: Tensor, rows: Tensor | None = None) -> Distribution:
        """The distribution p(x|z) of batch shape (n,), without gradients.

        Args:
            z: (n, *latent).
            rows: (n,) examples whose context is given.

        Raises:
            ModelError: if the decoder fails, or the likelihood cannot take what it returns.
            UnavailableError: if there is no decoder.
        """
        outputs = self.decoder_outputs(z, rows)
        with self._errors("decode", z), torch.no_grad():
            return self._likelihood.distribution(outputs)

    def decoder_outputs(self, z: Tensor, rows: Tensor | None = None) -> Params:
        """What the decoder returns, by name, each (n, ...) or the same for every z.

        Args:
            z: (n, *latent).
            rows: (n,) examples whose context is given.

        Raises:
            ModelError: if the decoder fails, or returns something else.
            UnavailableError: if there is no decoder.
        """
        given, cut = self._context_of(rows), unequal_batches(len(z), self.batch_size)
        pieces = []
        for batch in cut:
            with self._errors("decode", z[batch]), torch.inference_mode():
                pieces.append(self._outputs(z, given, batch))
        return gather(pieces, cut)

    def log_px_z(
        self, x: Tensor, z: Tensor, rows: Tensor | None = None
    ) -> Float64[Tensor, " batch"]:
        """Values of log p(x|z) (batch,), nats, each of one x at one z.

        Args:
            x: (batch, *event).
            z: (batch, *latent).
            rows: (batch,) examples whose context is given.

        Raises:
            ModelError: if the decoder fails, or returns something else.
            SupportError: naming the row of x, if the likelihood is not defined there.
            UnavailableError: if there is no decoder.
        """
        given, found = self._context_of(rows), []
        for batch in batches(len(z), self.batch_size):
            with self._errors("decode", z[batch]), torch.inference_mode():
                found.append(self._log_likelihood(x, z, given, batch))
        return torch.cat([values.detach().cpu().double() for values in found])

    def log_px_z_gradient(
        self, x: Tensor, z: Tensor, rows: Tensor | None = None
    ) -> Float[Tensor, " batch *latent"] | None:
        """The gradient of log p(x|z) with respect to z (batch, *latent); None where there is none.

        The decoder's graph lives for one batch at a time.

        Args:
            x: (batch, *event).
            z: (batch, *latent).
            rows: (batch,) examples whose context is given.

        Raises:
            ModelError: if the decoder or its gradient fails.
            UnavailableError: if there is no decoder.
        """
        given, found = self._context_of(rows), []
        for batch in batches(len(z), self.batch_size):
            code = z[batch].detach().requires_grad_()
            with self._errors("decode", code, NO_GRADIENT), torch.enable_grad():
                log_px_z = self._log_likelihood(x[batch], code, rows_of(given, batch), slice(None))
                if not log_px_z.requires_grad:
                    return None
                # Layers may keep a part of their graph from one call to the next: it is retained.
                (gradient,) = torch.autograd.grad(
                    log_px_z.sum(), code, retain_graph=True, materialize_grads=True
                )
            found.append(gradient)
        return torch.cat(found)

    @property
    def _likelihood(self) -> Likelihood:
        if self.likelihood is None:
            raise UnavailableError("The model has no decoder.")
        return self.likelihood

    def _context_of(self, rows: Tensor | None) -> Params:
        return self.context if rows is None else rows_of(self.context, rows)

    def _errors(
        self, part: str, argument: Tensor, remedy: str = TRAINED_SHAPE
    ) -> AbstractContextManager[None]:
        return user_errors(f"{part} of {self.model.name}", argument.shape, remedy)

    def _call(self, part: Callable[..., Any], rows: Tensor, given: Params, batch: slice) -> Any:
        """What a part of the model returns for a batch of rows and their context."""
        return part(rows[batch].to(self.device, self.dtype), **rows_of(given, batch, self.device))

    def _outputs(self, z: Tensor, given: Params, batch: slice) -> Params:
        """What the decoder returns for a batch, on its device."""
        if self.model.decode is None:
            raise UnavailableError("The model has no decoder.")
        outputs: Params = self._call(self.model.decode, z, given, batch)
        require_tensors(
            f"The decoder of {self.model.name}",
            outputs,
            f"Return a dict of the tensors that the likelihood {self._likelihood.name} takes, "
            'named as in torch.distributions: {"logits": …}, or {"loc": …, "scale": …}.',
        )
        return outputs

    def _log_likelihood(self, x: Tensor, z: Tensor, given: Params, batch: slice) -> Tensor:
        """Values of log p(x|z) of a batch, on the model's device."""
        p = self._likelihood.distribution(self._outputs(z, given, batch))
        require_event(f"The decoder of {self.model.name}", p.event_shape, x.shape[1:])
        try:
            found: Tensor = p.log_prob(x[batch].to(self.device))
        except SupportError as error:
            raise error.after(batch.start or 0) from None
        return found


def bind(parts: Parts, *, device: torch.device, dtype: torch.dtype, batch_size: int) -> Calls:
    """The calls of a model's parts.

    Args:
        parts: resolved.
        device: of the model.
        dtype: that x and z are given to it in.
        batch_size: the most rows of one call.
    """
    return Calls(
        model=parts.model,
        posterior=parts.posterior,
        likelihood=parts.likelihood,
        device=device,
        dtype=dtype,
        batch_size=batch_size,
    )
