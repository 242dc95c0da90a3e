"""Graphs in PyTorch, eager: nn.GRU over all steps, its own attention kernel, one product for query, keys and values."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from comparison.graphs import END, START, Graph, GraphData, Named, Transformer, Translation, positions
from comparison.work import Array

HIDDEN = (0, START)  # tokens that nobody says


class TransformerNet(nn.Module):
    def __init__(self, work: Transformer) -> None:
        super().__init__()
        m, self.heads = work.units, work.heads
        self.first, self.last, self.out = nn.Linear(work.shape[1], m), nn.LayerNorm(m), nn.Linear(m, work.outputs)
        self.register_buffer("positions", torch.from_numpy(positions(work.shape[0], m).astype(work.dtype)))
        self.blocks = nn.ModuleList(
            nn.ModuleDict({
                "look_norm": nn.LayerNorm(m), "look": nn.Linear(m, 3 * m), "output": nn.Linear(m, m),
                "norm": nn.LayerNorm(m), "wide": nn.Linear(m, 4 * m), "narrow": nn.Linear(4 * m, m),
            })
            for _ in range(work.blocks)
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.first(x) + self.positions
        for block in self.blocks:
            made = block["look"](block["look_norm"](h)).unflatten(2, (3, self.heads, -1))
            q, k, v = made.permute(2, 0, 3, 1, 4)
            looked = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
            h = h + block["output"](looked)
            h = h + block["narrow"](functional.relu(block["wide"](block["norm"](h))))
        result: torch.Tensor = self.out(self.last(h).mean(dim=1))
        return result

    def places(self) -> dict[str, torch.Tensor]:
        """Its numbers by the names of the comparison, as (in, out)."""
        found = _linear("in", self.first) | _norm("last", self.last) | _linear("out", self.out)
        for i, block in enumerate(self.blocks):
            found |= _norm(f"look_norm_{i}", block["look_norm"]) | _norm(f"norm_{i}", block["norm"])
            look = block["look"]
            for part, W, b in zip(("query", "keys", "values"), look.weight.chunk(3), look.bias.chunk(3), strict=True):
                found |= {f"look_{i}_{part}.weight": W.T, f"look_{i}_{part}.bias": b}
            found |= _linear(f"look_{i}_output", block["output"])
            found |= _linear(f"wide_{i}", block["wide"]) | _linear(f"narrow_{i}", block["narrow"])
        return found


class TranslationNet(nn.Module):
    def __init__(self, work: Translation) -> None:
        super().__init__()
        m, count = work.units, work.tokens
        self.source, self.target = nn.Embedding(count, m), nn.Embedding(count, m)
        self.encoder = nn.GRU(m, m, batch_first=True, bidirectional=True)
        self.decoder = nn.GRU(m, m, batch_first=True)
        self.first, self.keys, self.query = nn.Linear(2 * m, m), nn.Linear(2 * m, m), nn.Linear(m, m, bias=False)
        self.score, self.both, self.next = nn.Parameter(torch.empty(m)), nn.Linear(3 * m, m), nn.Linear(m, count)

    def encode(self, source: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        memory = self.encoder(self.source(source))[0]
        return memory, self.keys(memory), torch.tanh(self.first(memory.mean(dim=1)))

    def decode(
        self, read: torch.Tensor, memory: torch.Tensor, keys: torch.Tensor, state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of the next tokens, and the state after these."""
        h, after = self.decoder(self.target(read), state[None])
        scores = torch.tanh(self.query(h)[:, :, None] + keys[:, None]) @ self.score
        found = torch.softmax(scores, dim=2) @ memory
        return self.next(torch.tanh(self.both(torch.cat([h, found], dim=2)))), after[0]

    def forward(self, source: torch.Tensor, read: torch.Tensor) -> torch.Tensor:
        return self.decode(read, *self.encode(source))[0]

    def places(self) -> dict[str, torch.Tensor]:
        found = {"source_embedding.weight": self.source.weight, "target_embedding.weight": self.target.weight}
        found |= {"attention.weight": self.score, "attention_query.weight": self.query.weight.T}
        for name, layer in (("first_0", self.first), ("attention_keys", self.keys), ("both", self.both)):
            found |= _linear(name, layer)
        walks = (("encoder_0", self.encoder, ""), ("encoder_0_reverse", self.encoder, "_reverse"))
        for name, layer, way in (*walks, ("decoder_0", self.decoder, "")):
            for part, theirs in (("weight", "weight_ih"), ("recurrent_weight", "weight_hh"),
                                 ("bias", "bias_ih"), ("recurrent_bias", "bias_hh")):  # fmt: skip
                numbers = getattr(layer, f"{theirs}_l0{way}")
                found[f"{name}.{part}"] = numbers.T if numbers.ndim == 2 else numbers
        return found | _linear("next", self.next)


def _linear(name: str, layer: nn.Linear) -> dict[str, torch.Tensor]:
    return {f"{name}.weight": layer.weight.T, f"{name}.bias": layer.bias}


def _norm(name: str, layer: nn.LayerNorm) -> dict[str, torch.Tensor]:
    return {f"{name}.gamma": layer.weight, f"{name}.beta": layer.bias}


def build(work: Graph) -> TransformerNet | TranslationNet:
    net = TransformerNet(work) if isinstance(work, Transformer) else TranslationNet(work)  # type: ignore[arg-type]
    return net.to(getattr(torch, work.dtype))


def _gates(name: str, numbers: torch.Tensor) -> torch.Tensor:
    """Of a GRU z r here, r z there; the same turn leads there and back."""
    if not name.startswith(("encoder", "decoder")):
        return numbers
    z, r, a = numbers.chunk(3, dim=-1)
    return torch.cat([r, z, a], dim=-1)


@torch.no_grad()
def set_weights(net: TransformerNet | TranslationNet, weights: Named) -> None:
    places = net.places()
    if places.keys() != weights.keys():
        raise ValueError(f"other weights: {places.keys() ^ weights.keys()}")
    for name, weight in weights.items():
        places[name].copy_(_gates(name, torch.from_numpy(weight)))


class Training:
    def __init__(self, data: GraphData, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        self.work, self.model = data.work, build(data.work)
        self.X, self.y = [torch.from_numpy(x) for x in data.X], torch.from_numpy(data.y)

    def start(self, weights: Named) -> None:
        set_weights(self.model, weights)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=self.work.learning_rate, fused=True)

    def run(self, epochs: int) -> None:
        for _ in range(epochs):
            order = torch.randperm(self.work.samples)
            arrays = (each.index_select(0, order).split(self.work.batch) for each in (*self.X, self.y))
            for *x, t in zip(*arrays, strict=True):
                self.optimizer.zero_grad(set_to_none=True)
                functional.cross_entropy(self.model(*x).flatten(0, -2), t.flatten()).backward()
                self.optimizer.step()

    def weights(self) -> Named:
        return {name: _gates(name, numbers.detach()).numpy().copy() for name, numbers in self.model.places().items()}


class Decoding:
    """All sentences at once; the beams of a sentence are rows side by side, which read the same memory."""

    def __init__(self, work: Translation, weights: Named, sources: Array, width: int, threads: int) -> None:
        torch.set_num_threads(threads)
        self.work, self.width, self.most = work, width, work.shape[0]
        self.net = TranslationNet(work).to(getattr(torch, work.dtype))
        set_weights(self.net, weights)
        self.sources = torch.from_numpy(sources)

    @torch.inference_mode()
    def run(self) -> list[tuple[list[int], float]]:
        said, scores = self._beam() if self.width > 1 else self._greedy()
        return [
            (row[: row.index(END)] if END in row else row, score)
            for row, score in zip(said.tolist(), scores.tolist(), strict=True)
        ]

    def _logs(self, logits: torch.Tensor) -> torch.Tensor:
        logs = torch.log_softmax(logits[:, 0], dim=1)
        logs[:, HIDDEN] = -torch.inf
        return logs

    def _greedy(self) -> tuple[torch.Tensor, torch.Tensor]:
        memory, keys, state = self.net.encode(self.sources)
        last = torch.full((len(memory),), START)
        sums, lengths, open_ = (
            torch.zeros(len(memory)),
            torch.zeros(len(memory)),
            torch.ones(len(memory), dtype=torch.bool),
        )
        said = []
        for t in range(self.most + 1):
            logits, state = self.net.decode(last[:, None], memory, keys, state)
            logs = self._logs(logits)
            best, last = logs.max(dim=1) if t < self.most else (logs[:, END], torch.full_like(last, END))
            sums += torch.where(open_, best, 0)
            lengths += open_
            open_ = open_ & (last != END)
            said.append(last)
            if not open_.any():
                break
        return torch.stack(said, dim=1), sums / lengths

    def _beam(self) -> tuple[torch.Tensor, torch.Tensor]:
        made, width, count = self.net.encode(self.sources), self.width, len(self.sources)
        memory, keys, state = (each.repeat_interleave(width, dim=0) for each in made)
        last, tokens = torch.full((count * width,), START), self.work.tokens
        sums = torch.full((count, width), -torch.inf)
        sums[:, 0] = 0  # at first all beams are the same
        said = torch.full((count, width, self.most + 1), END)
        best, found = torch.full((count,), -torch.inf), torch.full((count, self.most + 1), END)
        first = torch.arange(count)[:, None] * width
        for t in range(self.most + 1):
            logits, state = self.net.decode(last[:, None], memory, keys, state)
            every = sums[:, :, None] + self._logs(logits).view(count, width, tokens)
            ended, which = (every[:, :, END] / (t + 1)).max(dim=1)
            better = ended > best
            best = torch.where(better, ended, best)
            found[better] = said[better, which[better]]
            if t == self.most:
                break
            every[:, :, END] = -torch.inf
            sums, places = every.flatten(1).topk(width)
            if (best >= sums[:, 0] / (self.most + 1)).all():
                break
            parents, last = places // tokens, (places % tokens).flatten()
            said = said.gather(1, parents[:, :, None].expand_as(said))
            said[:, :, t] = last.view(count, width)
            state = state.index_select(0, (first + parents).flatten())
        return found, best
