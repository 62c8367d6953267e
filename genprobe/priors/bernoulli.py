"""A Bernoulli prior over every bit of z, p(z) = Π_d Bernoulli(z_d; logits_d)."""

from torch.distributions import Bernoulli

from genprobe.priors.factorised import factorised

bernoulli = factorised("bernoulli", Bernoulli, ("logits",))
