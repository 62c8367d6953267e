"""A beta prior over every entry of z, p(z) = Π_d Beta(z_d; concentration1_d, concentration0_d)."""

from torch.distributions import Beta

from genprobe.priors.factorised import factorised

beta = factorised("beta", Beta, ("concentration1", "concentration0"))
