"""The one place where a user's encoder and decoder are called (priors: ``prior_calls``).

Batches, device, precision, gradients, the context of a conditional model, checks of what comes back
and errors are dealt with here, so encoding, probes, pictures and exports have none of it.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.distributions import Distribution

from genprobe.distributions.returned import Understood, require_log_variance, understood
from genprobe.encoding.batches import batches, gather, unequal_batches
from genprobe.encoding.broadcasting import fitting, full_rows, require_batch
from genprobe.encoding.checks import require_event, require_real, require_shapes
from genprobe.encoding.context import TEACHER, keywords, rows_of
from genprobe.encoding.parts import Chain, Fitting, Parts
from genprobe.encoding.recurrent_gradients import recurrent_gradients
from genprobe.encoding.user_errors import TRAINED_SHAPE, user_errors
from genprobe.errors import SupportError, UnavailableError
from genprobe.types import Family, Likelihood, Model, Params

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
        fitting: of posteriors, for a model without an encoder.
        chain: the levels of a chain of latents: ``posterior`` is that of the first, ``encode`` says
            its parameters, and z is all draws of an example in one row (see ``chain_calls``).

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
    fitting: Fitting | None = None
    chain: Chain | None = None

    @property
    def decodes(self) -> bool:
        """Whether there is a decoder."""
        return self.model.decode is not None and self.likelihood is not None

    def given(self, context: Params) -> "Calls":
        """The same calls, of examples with this context, by name, each (example, ...)."""
        return replace(self, context=context)

    def encode(self, x: Tensor, rows: Tensor | None = None) -> Params:
        """The parameters of q(z|x), each (n, ...), of the dtype of the calls; shapes are checked.

        Args:
            x: (n, *event).
            rows: (n,) examples whose context is given.

        Raises:
            ModelError: if the encoder fails, or returns something else.
            UnavailableError: if there is no encoder.
        """
        given = self._context_of(rows)
        pieces = [self._parameters(x, given, b).params for b in batches(len(x), self.batch_size)]
        return {name: torch.cat([piece[name] for piece in pieces]) for name in pieces[0]}

    def read_as(self, x: Tensor, z: Tensor) -> dict[str, str]:
        """What was taken for what in what the encoder and the decoder return, by the part.

        Args:
            x: a few examples (n, *event), those of the context.
            z: codes (n, *latent) of theirs.

        Raises:
            ModelError: if it could be meant in two ways.
        """
        own = "encode" if self.model.chain is None else "chain"
        found: dict[str, list[Understood]] = {own: [], "decode": []}
        for batch in batches(len(x), self.batch_size):
            if self.model.encodes:
                found[own].append(self._parameters(x, self.context, batch))
            if self.decodes:
                # No inference mode: gradients are taken later of what a decoder keeps, say a cache.
                with self._errors("decode", z[batch]), torch.no_grad():
                    found["decode"].append(self._returned(*self._lent(z, self.context, batch)))
        for part, each in found.items():
            scales = [known.params["scale"] for known in each if known.pair and part != "chain"]
            require_log_variance(f"The {part}r of {self.model.name}", scales)
        return {part: each[0].read_as for part, each in found.items() if each and each[0].read_as}

    def read(self, part: str, returned: Any) -> Params:
        """What ``encode`` or ``decode`` returned, as tensors by standard names.

        Raises:
            ModelError: if it is none of what can be taken.
        """
        return self._understood(part, returned).params

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
            return self._distribution(outputs, len(z))

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
            lent = self._lent(z, given, batch)
            with self._errors("decode", z[batch]), torch.inference_mode():
                outputs = self._returned(*lent).params
            pieces.append({k: v.detach().to("cpu", copy=True) for k, v in outputs.items()})
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
            lent = self._lent(z, given, batch)
            with self._errors("decode", z[batch]), torch.inference_mode():
                found.append(self._log_likelihood(x, lent, batch))
        return torch.cat([values.detach().cpu().double() for values in found])

    def log_px_z_gradient(
        self, x: Tensor, z: Tensor, rows: Tensor | None = None
    ) -> Float[Tensor, " batch *latent"] | None:
        """The gradient of ``log_px_z_and_gradient`` alone; None where there is none."""
        found = self.log_px_z_and_gradient(x, z, rows)
        return None if found is None else found[1]

    def log_px_z_and_gradient(
        self, x: Tensor, z: Tensor, rows: Tensor | None = None
    ) -> tuple[Float64[Tensor, " batch"], Float[Tensor, " batch *latent"]] | None:
        """Values of log p(x|z) and their gradients with respect to z, in one pass of the decoder.

        The decoder's graph lives for one batch at a time.

        Args:
            x: (batch, *event).
            z: (batch, *latent).
            rows: (batch,) examples whose context is given.

        Returns:
            Nats (batch,), and the gradient (batch, *latent) of the dtype of z; None where the
            decoder has no gradient.

        Raises:
            ModelError: if the decoder or its gradient fails.
            SupportError: naming the row of x, if the likelihood is not defined there.
            UnavailableError: if there is no decoder.
        """
        given, values, gradients = self._context_of(rows), [], []
        for batch in batches(len(z), self.batch_size):
            code = z[batch].detach().requires_grad_()
            recurrent = recurrent_gradients(self.model.decode, self.device)
            with self._errors("decode", code, NO_GRADIENT), torch.enable_grad(), recurrent:
                # A leaf cannot be changed in place: the decoder is lent a copy within the graph.
                lent = self._lent(code, rows_of(given, batch), slice(None))
                log_px_z = self._log_likelihood(x, lent, batch)
                if not log_px_z.requires_grad:
                    return None
                # Layers may keep a part of their graph from one call to the next: it is retained.
                (gradient,) = torch.autograd.grad(
                    log_px_z.sum(), code, retain_graph=True, materialize_grads=True
                )
            values.append(log_px_z.detach().cpu().double())
            gradients.append(gradient)
        return torch.cat(values), torch.cat(gradients)

    @property
    def _likelihood(self) -> Likelihood:
        if self.likelihood is None:
            raise UnavailableError("The model has no decoder.")
        return self.likelihood

    def _context_of(self, rows: Tensor | None) -> Params:
        return self.context if rows is None else rows_of(self.context, rows)

    def _errors(
        self, part: str, argument: Tensor, remedy: str | None = None
    ) -> AbstractContextManager[None]:
        name = f"{part} of {self.model.name}"
        return user_errors(name, argument.shape, remedy or TRAINED_SHAPE)

    def _understood(self, part: str, returned: Any) -> Understood:
        """What ``encode`` or ``decode`` returned, by standard names."""
        if part == "encode":
            source, family = f"The encoder of {self.model.name}", self.posterior
            return understood(source, returned, family.name, family.constraints)
        return understood(f"The decoder of {self.model.name}", returned, self._likelihood.name)

    def _lent(self, rows: Tensor, given: Params, batch: slice) -> tuple[Tensor, Params]:
        """Copies of a batch of rows and of their context, which the model may change."""
        copy = rows[batch].to(self.device, self.dtype, copy=True)
        return copy, rows_of(given, batch, self.device)

    def _parameters(self, x: Tensor, given: Params, batch: slice) -> Understood:
        """What the encoder says of a batch, on the CPU, one row an example."""
        source, lent = f"The encoder of {self.model.name}", self._lent(x, given, batch)
        count = len(x[batch])
        with self._errors("encode", x[batch]), torch.inference_mode():
            returned = self._encoded(*lent)
            found = self._understood("encode", returned)
            params = full_rows(source, self.posterior, found.params, count)
        require_shapes(source, self.posterior, params, count)
        require_real(source, params)
        # A view of a parameter requires a gradient even here: a scale that all examples share.
        mine = {k: v.detach().to("cpu", self.dtype, copy=True) for k, v in params.items()}
        return replace(found, params=mine)

    def _encoded(self, x: Tensor, context: Params) -> Any:
        """What the encoder returns; of a chain what it yields as its first posterior."""
        if self.model.chain is not None:
            return next(self.model.chain(x, **keywords(context)))[0]
        if self.model.encode is None:
            raise UnavailableError("The model has no encoder.")
        return self.model.encode(x, **keywords(context))

    def _returned(self, codes: Tensor, context: Params) -> Understood:
        """What the decoder returns for codes, on its device, in the calls' dtype or a finer one."""
        if self.model.decode is None:
            raise UnavailableError("The model has no decoder.")
        source = f"The decoder of {self.model.name}"
        if self.model.teacher_forced and TEACHER not in context:
            raise UnavailableError("The decoder is teacher-forced: it takes x besides z.")
        arguments = [context[TEACHER]] if self.model.teacher_forced else []
        draws = codes if self.chain is None else self.chain.unpack(codes)
        returned = self.model.decode(draws, *arguments, **keywords(context))
        found = self._understood("decode", returned)
        require_real(source, found.params)
        finer = {k: torch.promote_types(v.dtype, self.dtype) for k, v in found.params.items()}
        return replace(found, params={k: v.to(finer[k]) for k, v in found.params.items()})

    def _distribution(self, outputs: Params, count: int) -> Distribution:
        """The distribution p(x|z) that a decoder's outputs say, of batch shape (count,)."""
        source = f"The decoder of {self.model.name}"
        with fitting(source, self._likelihood, outputs, count):
            p = self._likelihood.distribution(outputs)
        require_batch(source, outputs, p.batch_shape, count)
        return p

    def _log_likelihood(self, x: Tensor, lent: tuple[Tensor, Params], batch: slice) -> Tensor:
        """Values of log p(x|z) of a batch of x and what is lent of z, on the model's device."""
        p = self._distribution(self._returned(*lent).params, len(lent[0]))
        require_event(f"The decoder of {self.model.name}", p.event_shape, x.shape[1:])
        try:
            found: Tensor = p.log_prob(x[batch].to(self.device, copy=True))
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
        fitting=parts.fitting,
        chain=parts.chain,
    )
