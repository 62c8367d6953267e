"""A Poisson prior over every entry of z, whole numbers, p(z) = Π_d Poisson(z_d; rate_d)."""

from torch.distributions import Poisson

from genprobe.priors.factorised import factorised

poisson = factorised("poisson", Poisson, ("rate",))
