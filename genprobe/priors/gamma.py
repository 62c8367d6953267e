"""A gamma prior over every entry of z, p(z) = Π_d Gamma(z_d; concentration_d, rate_d)."""

from torch.distributions import Gamma

from genprobe.priors.factorised import factorised

gamma = factorised("gamma", Gamma, ("concentration", "rate"))
