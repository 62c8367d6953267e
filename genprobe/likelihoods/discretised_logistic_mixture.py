"""8-bit pixels in [0, 1] as a mixture of logistic bins: PixelCNN++ (Salimans et al. 2017), NVAE.

In the units of those models, y = 2x − 1 in [−1, 1] with bins of width 2/255 and the outer two open,

    p(y) = Σ_k π_k Π_c [σ((y_c + 1/255 − m_ck)/s_ck) − σ((y_c − 1/255 − m_ck)/s_ck)].

The channels of a pixel share their component, and its means may depend on the channels before,
m_ck = loc_ck + Σ_{c' < c} coefficient_{cc'k} y_c'. A bin's mass is taken exactly, by
σ(a) − σ(b) = σ(a) σ(−b) (1 − e^{b − a}); published losses replace it by density times width where
it is below 10⁻⁵. They also clamp log s at −7: do so in the decoder if the model was trained so.
"""

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint
from torch.nn.functional import logsigmoid
from torch.types import _size

from genprobe.errors import ModelError, Notice
from genprobe.likelihoods.categorical import draw
from genprobe.likelihoods.parameters import ONE, parameter, precise, sum_last, whole_example
from genprobe.likelihoods.support import Levels, require_levels
from genprobe.types import Likelihood, Params

NAME = "discretised-logistic-mixture"
LEVELS = 256
HALF_BIN = 1 / (LEVELS - 1)
REMEDY = "Give 8-bit images as bytes, or divide them by 255; do not resize or add noise."


class DiscretisedLogisticMixture(Distribution):
    """Pixels of whole examples.

    Args:
        logits: of the components, (batch, *pixel, K) shared by the channels of a pixel, or
            (batch, *event, K) of every value's own mixture.
        loc: (batch, *event, K), in units where pixels span [−1, 1].
        log_scale: like loc.
        coefficients: (batch, C (C − 1)/2, *pixel, K) of the channels before, in the order
            (1, 0), (2, 0), (2, 1); None where channels do not look at each other.
    """

    arg_constraints = {}  # noqa: RUF012

    def __init__(
        self, logits: Tensor, loc: Tensor, log_scale: Tensor, coefficients: Tensor | None
    ) -> None:
        self.logits, self.loc, self.log_scale = logits, loc, log_scale
        self.coefficients = coefficients
        self.shared = logits.dim() < loc.dim()
        super().__init__(loc.shape[:1], loc.shape[1:-1], validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability of whole examples x (..., batch, *event) in [0, 1].

        Raises:
            SupportError: if a value is no level.
        """
        require_levels(NAME, value, LEVELS, HALF_BIN, REMEDY)
        axis = -len(self.event_shape) - 1
        y = quantise(2 * precise(value) - 1)  # float32 levels are off by more than a narrow bin
        loc = self.loc + self._from_before(y)
        mass = log_bin(y[..., None], loc, self.log_scale)
        each = mass.sum(axis) if self.shared else mass
        pixels = torch.logsumexp(self.logits.log_softmax(-1) + each, -1)
        return sum_last(pixels, len(self.event_shape) - self.shared)

    def _from_before(self, y: Tensor) -> Tensor | float:
        """What earlier channels of y (..., batch, *event) add to the means (..., K)."""
        if self.coefficients is None:
            return 0.0
        axis = -len(self.event_shape)
        channels = y.unbind(axis)
        given = self.coefficients.unbind(axis - 1)
        shifts = [torch.zeros_like(given[0]).expand(*channels[0].shape, -1)]
        shifts += [
            sum(given[c * (c - 1) // 2 + b] * channels[b][..., None] for b in range(c))  # type: ignore[misc]
            for c in range(1, len(channels))
        ]
        return torch.stack(shifts, axis - 1)

    def sample(self, sample_shape: _size = ONE) -> Tensor:
        """Levels of a logistic value, channel after channel where they look at each other."""
        with torch.no_grad():
            component = draw(self.logits, sample_shape)
            event = -len(self.event_shape)
            if self.shared:
                component = component.unsqueeze(event).expand(self._extended_shape(sample_shape))
            chosen = component[..., None]
            noise = torch.rand_like(component, dtype=self.loc.dtype).logit()
            scaled = noise * self._of(self.log_scale, chosen).exp()
            y = quantise(self._of(self.loc, chosen) + scaled)
            if self.coefficients is not None:
                for c in range(1, self.event_shape[0]):
                    means = self._of(self.loc + self._from_before(y), chosen)
                    y.select(event, c).copy_(quantise(means + scaled).select(event, c))
            return (y + 1) / 2

    @property
    def support(self) -> Constraint:
        """The multiples of 1/255 in [0, 1]."""
        return whole_example(Levels(LEVELS, HALF_BIN), len(self.event_shape))

    @staticmethod
    def _of(values: Tensor, chosen: Tensor) -> Tensor:
        """Parameters (..., K) of the chosen component (..., 1)."""
        return values.expand(*chosen.shape[:-1], -1).gather(-1, chosen).squeeze(-1)


def log_bin(y: Tensor, loc: Tensor, log_scale: Tensor) -> Tensor:
    """Log-mass of the bins around levels y in [−1, 1] under logistic densities, the outer open."""
    narrowness = (-log_scale).exp()
    above, below = (y - loc + HALF_BIN) * narrowness, (y - loc - HALF_BIN) * narrowness
    width = (-torch.expm1(-2 * HALF_BIN * narrowness)).log()
    up, down = logsigmoid(above), logsigmoid(-below)
    closed = torch.where(y >= 1 - HALF_BIN, down, up + down + width)
    return torch.where(y <= -1 + HALF_BIN, up, closed)


def quantise(y: Tensor) -> Tensor:
    """The nearest level in [−1, 1]."""
    steps = (LEVELS - 1) / 2
    return ((y + 1) * steps).round().clamp(0, LEVELS - 1) / steps - 1


def distribution(params: Params) -> Distribution:
    """``logits``, ``loc``, ``log_scale`` and perhaps ``coefficients``, components last, to p(x|z).

    Raises:
        ModelError: if their shapes do not fit each other.
    """
    logits, loc, log_scale = (parameter(NAME, params, n) for n in ("logits", "loc", "log_scale"))
    pairs = None
    pixel = (*loc.shape[:1], *loc.shape[2:])
    require_shape("log_scale", log_scale, loc.shape)
    require_shape("logits", logits, loc.shape, pixel)
    if "coefficients" in params:
        pairs = parameter(NAME, params, "coefficients")
        count = loc.shape[1] * (loc.shape[1] - 1) // 2
        require_shape("logits", logits, pixel)
        require_shape("coefficients", pairs, (len(loc), count, *loc.shape[2:]))
    return DiscretisedLogisticMixture(logits, loc, log_scale, pairs)


def require_shape(name: str, values: Tensor, *allowed: tuple[int, ...]) -> None:
    """Check that a parameter has one of the shapes that fit the others.

    Raises:
        ModelError: naming the shape it has and those it may have.
    """
    if tuple(values.shape) in [tuple(shape) for shape in allowed]:
        return
    shapes = " or ".join(str(tuple(shape)) for shape in allowed)
    raise ModelError(
        f"The decoder gives {name} of shape {tuple(values.shape)}; the likelihood {NAME} needs "
        f"{shapes} to fit its loc.",
        "Components come last; see the documentation of the likelihood.",
    )


def support(x: Tensor) -> Notice | None:
    """None for 8-bit levels (batch, *event), multiples of 1/255 in [0, 1].

    Raises:
        SupportError: naming the first example with a value that is not one.
    """
    require_levels(NAME, x, LEVELS, HALF_BIN, REMEDY)
    return None


discretised_logistic_mixture = Likelihood(
    name=NAME, distribution=distribution, discrete=True, support=support
)
