"""Random networks of every kind of layer, and samples for them."""

import multicapa as mc

CELLS = (mc.SimpleRNN, mc.LSTM, mc.GRU, mc.SecondOrderRNN)


def pick(rng, options):
    return options[rng.integers(len(options))]


def dense(rng):
    """A small graph of dense layers, norms, noise and merges."""
    x = mc.Input(int(rng.integers(1, 40)))
    h = x
    for _ in range(rng.integers(1, 5)):
        width = int(rng.integers(1, 150))
        made = mc.Dense(width, pick(rng, ("tanh", "relu", "sigmoid", "gelu")))(h)
        kind = rng.integers(6)
        if kind == 0:
            made = mc.BatchNorm()(made)
        elif kind == 1 and width > 1:
            made = mc.LayerNorm()(made)
        elif kind == 2:
            made = mc.Dropout(0.2)(made)
        elif kind == 3:
            made = mc.concat([made, h])
        elif kind == 4:
            made = mc.add([made, mc.Dense(width)(h)])
        h = made
    return x, mc.Dense(int(rng.integers(1, 12)))(h)


def convolutional(rng):
    """Thin maps and wide ones, so that samples are columns or rows."""
    x = mc.Input((int(rng.integers(5, 20)), int(rng.integers(5, 20)), int(rng.integers(1, 4))))
    filters = int(pick(rng, (3, 8, 33)))
    h = mc.Conv2D(filters, pick(rng, (2, 3, (1, 3))), "relu", padding="same")(x)
    if rng.integers(2):
        h = mc.BatchNorm()(h)
    h = pick(rng, (mc.MaxPool2D, mc.AveragePool2D))(2)(h)
    h = mc.Conv2D(filters, 3, "tanh", padding=1)(h)
    h = pick(rng, (mc.Flatten, mc.GlobalAveragePool2D, mc.GlobalMaxPool2D))()(h)
    return x, mc.Dense(int(rng.integers(1, 12)))(h)


def recurrent(rng):
    """One output for a sequence, or one for each step."""
    x = mc.Input((int(rng.integers(1, 20)), int(rng.integers(1, 6))))
    cell = pick(rng, CELLS)
    most = 12 if cell is mc.SecondOrderRNN else 50
    options = {"dropout": 0.1, "recurrent_dropout": 0.1} if rng.integers(3) == 0 else {}
    h = cell(int(rng.integers(1, most)), return_sequences=True, **options)(x)
    kind = rng.integers(3)
    if kind == 0:
        h = mc.Bidirectional(mc.GRU(int(rng.integers(1, 20)), return_sequences=True))(h)
    elif kind == 1:
        h = pick(rng, CELLS)(int(rng.integers(1, 12)))(h)
    return x, mc.Dense(int(rng.integers(1, 6)))(h)


def attending(rng):
    """A block of a transformer, or a state that asks all others."""
    x = mc.Input((int(rng.integers(1, 20)), 4))
    if rng.integers(2):
        heads = int(rng.integers(1, 4))
        h = mc.PositionalEncoding()(mc.Dense(4 * heads)(x))
        h = mc.LayerNorm()(h + mc.MultiHeadAttention(heads, 4, bool(rng.integers(2)))(h))
    else:
        states = mc.GRU(int(rng.integers(1, 20)), return_sequences=True)(x)
        h = mc.Attention(pick(rng, mc.layers.attention.SCORES), units=5)([mc.LSTM(6)(x), states])
    return x, mc.Dense(int(rng.integers(1, 6)))(h)


def several(rng):
    """Two inputs, of which one is a sequence, through a layer that both share, to two outputs."""
    row, series = mc.Input(3, name="row"), mc.Input((int(rng.integers(1, 9)), 3), name="series")
    shared = mc.Dense(int(rng.integers(2, 30)), "tanh")
    last = mc.GRU(int(rng.integers(1, 20)))(shared(series))
    h = mc.Dense(int(rng.integers(1, 40)), "relu")(mc.concat([shared(row), last]))
    ends = [mc.Dense(2, name="first")(h), mc.Dense(1, name="second")(mc.concat([h, row]))]
    return [row, series], ends


KINDS = (dense, convolutional, recurrent, attending, several)


def random_network(rng, kind=None):
    ends = (kind or pick(rng, KINDS))(rng)
    return mc.Network(*ends, dtype=pick(rng, ("float32", "float64")), seed=int(rng.integers(2**31)))


def samples(net, rng, rows):
    """Inputs and targets, by name where there are several; now and then sequences end at different steps."""
    X = {each.name: _input(each, rng, rows) for each in net.inputs}
    y = {each.name: rng.normal(size=(rows, *each.shape)) for each in net.outputs}
    return _alone(X), _alone(y)


def _input(end, rng, rows):
    values = rng.normal(size=(rows, *end.shape))
    if len(end.shape) != 2 or rng.integers(2):
        return values
    lengths = rng.integers(0, end.shape[0] + 1, rows)
    lengths[-1] = end.shape[0]  # there is something to learn from
    return mc.data.Padded(values, lengths)


def _alone(by_name):
    return by_name if len(by_name) > 1 else next(iter(by_name.values()))
