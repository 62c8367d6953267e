"""A Laplace prior over every entry of z, p(z) = Π_d Laplace(z_d; loc_d, scale_d)."""

from torch.distributions import Laplace

from genprobe.priors.factorised import factorised

laplace = factorised("laplace", Laplace, ("loc", "scale"))
