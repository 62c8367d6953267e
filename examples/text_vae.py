r"""A small VAE of sentences: GRU encoder, autoregressive GRU decoder, padding left out by a mask.

    python -m examples.text_vae

Trains for some seconds on sentences of a tiny grammar and prints their report. The decoder is
teacher-forced: it is called as decode(z, x) and predicts a token from z and the tokens before it.
"""

import itertools

import torch
from torch import Tensor, nn

import genprobe
from genprobe import Model

PAD, START = 0, 1
GRAMMAR = (
    ["the", "a", "no", "every"],
    ["", "small", "old", "grey"],
    ["cat", "dog", "bird", "horse"],
    ["sleeps", "runs", "sings"],
)
WORDS = ["<pad>", "<start>", "<end>", *(w for choice in GRAMMAR for w in choice if w)]
LENGTH, LATENT, HIDDEN = 6, 4, 32


def sentences(count: int, seed: int = 0) -> Tensor:
    """Token ids (count, LENGTH) of random sentences, each ended by <end> and padded with <pad>."""
    all_of_them = [[w for w in choice if w] for choice in itertools.product(*GRAMMAR)]
    ids = torch.full((len(all_of_them), LENGTH), PAD)
    for row, sentence in enumerate(all_of_them):
        tokens = [WORDS.index(w) for w in [*sentence, "<end>"]]
        ids[row, : len(tokens)] = torch.tensor(tokens)
    random = torch.Generator().manual_seed(seed)
    return ids[torch.randint(len(ids), (count,), generator=random)]


class TextVae(nn.Module):
    """Embeds tokens, encodes them with one GRU and predicts them with another."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(len(WORDS), HIDDEN, padding_idx=PAD)
        self.reads = nn.GRU(HIDDEN, HIDDEN, batch_first=True)
        self.posterior = nn.Linear(HIDDEN, 2 * LATENT)
        self.begins = nn.Linear(LATENT, HIDDEN)
        self.writes = nn.GRU(HIDDEN, HIDDEN, batch_first=True)
        self.predicts = nn.Linear(HIDDEN, len(WORDS))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z|x)."""
        states, _ = self.reads(self.embed(x.long()))
        last = (x != PAD).sum(1) - 1
        mean, logvar = self.posterior(states[torch.arange(len(x)), last]).chunk(2, 1)
        return mean, logvar

    def decode(self, z: Tensor, x: Tensor) -> dict[str, Tensor]:
        """Logits of each token given z and the tokens before it, and which tokens count."""
        before = torch.cat([torch.full_like(x[:, :1], START), x[:, :-1]], 1)
        states, _ = self.writes(self.embed(before.long()), self.begins(z).tanh()[None])
        return {"logits": self.predicts(states), "mask": x != PAD}

    def as_model(self) -> Model:
        """What genprobe evaluates."""
        return Model(
            name="sentences",
            encode=self.encode,
            decode=self.decode,
            teacher_forced=True,
            posterior="diagonal-normal",
            prior="standard-normal",
            likelihood="categorical",
            module=self,
        )


def train(net: TextVae, x: Tensor, steps: int = 400) -> None:
    """Minimise R + D; the loss of a token that is padding is ignored."""
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    for step in range(steps):
        batch = x[torch.randint(len(x), (128,))]
        mean, logvar = net.encode(batch)
        z = mean + (logvar / 2).exp() * torch.randn_like(mean)
        logits = net.decode(z, batch)["logits"]
        distortion = nn.functional.cross_entropy(
            logits.flatten(0, 1), batch.flatten(), ignore_index=PAD, reduction="sum"
        )
        rate = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum()
        optimiser.zero_grad()
        ((distortion + min(1.0, step / 200) * rate) / len(batch)).backward()
        optimiser.step()


if __name__ == "__main__":
    torch.manual_seed(0)
    network = TextVae()
    train(network, sentences(5000))
    print(genprobe.evaluate(network.as_model(), sentences(1000, seed=1)))
