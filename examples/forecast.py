"""A series to forecast: the next value from the last forty, by a recurrent network, a dense one and a naive guess.

The series is a sum of two waves whose strengths change slowly, with noise. The recurrent network then goes on step by
step as a stream: it remembers, so that each new value costs one step and not forty.
"""

import numpy as np

import multicapa as mc

rng = np.random.default_rng(0)
t = np.arange(3000)
strength = 1 + 0.5 * np.sin(2 * np.pi * t / 731)
series = strength * np.sin(2 * np.pi * t / 25) + np.cos(2 * np.pi * t / 9.7) / strength + rng.normal(0, 0.1, len(t))

lags = 40
windows = np.lib.stride_tricks.sliding_window_view(series, lags + 1)
X, y = windows[:, :lags], windows[:, lags:]
train, test = slice(0, 2200), slice(2300, None)  # no window of one part sees the other


def error(predictions):
    """Root of the mean squared error on the last part of the series."""
    return float(np.sqrt(np.mean((predictions - y[test]) ** 2)))


naive = error(X[test][:, -1:])

dense = mc.Sequential([mc.Dense(32, "tanh"), mc.Dense(1)], input_shape=(lags,), seed=0)
dense.fit(X[train], y[train], epochs=30, optimizer=mc.Adam(0.005))
dense_error = error(dense.predict(X[test]))

recurrent = mc.Sequential([mc.GRU(24), mc.Dense(1)], input_shape=(lags, 1), seed=0)
recurrent.fit(X[train][..., None], y[train], epochs=30, optimizer=mc.Adam(0.005))
recurrent_error = error(recurrent.predict(X[test][..., None]))

stream = recurrent.stream()
steps = np.array([stream.step([value]) for value in series[2300 : 2300 + lags]])
same = bool((steps[-1] == recurrent.predict(X[2300:2301][..., None])[0]).all())

print("forecast            root mean squared error")
for name, found in (("last value", naive), ("dense on 40 lags", dense_error), ("GRU", recurrent_error)):
    print(f"{name:20}{found:.3f}")
print(f"noise               0.100\n\nThe stream says what predict says, to the last bit: {same}")
