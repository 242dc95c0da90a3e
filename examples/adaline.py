"""Adaline (Widrow & Hoff): a linear output and the squared error, corrected sample by sample.

Unlike the perceptron it goes on correcting samples that are on the right side, and so it ends at the least-squares
solution. With a constant learning rate it circles around that solution; with a falling one it settles there.
"""

import numpy as np
from sklearn.datasets import load_diabetes

import multicapa as mc

X, t = load_diabetes(return_X_y=True)
X = mc.data.Standardizer().fit_transform(X)[:, [2, 3, 8]]  # body mass, blood pressure, and a serum value
t = mc.data.Standardizer().fit_transform(t[:, None]).ravel()

# The solution in closed form.
with_ones = np.c_[X, np.ones(len(X))]
least_squares = np.linalg.lstsq(with_ones, t)[0]


def adaline(learning_rate, epochs):
    """The weights, the bias last, after so many epochs of one sample at a time in random order."""
    layer = mc.Dense(1, weight_init="zeros")
    net = mc.Sequential([layer], input_shape=(3,), dtype="float64", seed=0)
    net.fit(X, t, loss="half_squared_error", optimizer=mc.SGD(learning_rate), epochs=epochs, batch_size=1)
    return np.r_[net.parameters["dense_1.weight"].ravel(), net.parameters["dense_1.bias"]]


constant = adaline(0.02, epochs=100)
falling = adaline(lambda step: 0.02 / (1 + step / 2000), epochs=100)
distance_constant = np.linalg.norm(constant - least_squares)
distance_falling = np.linalg.norm(falling - least_squares)

print("              body mass  blood pressure   serum    bias   distance")
for name, weights in (("least squares", least_squares), ("constant rate", constant), ("falling rate", falling)):
    mass, pressure, serum, bias = weights
    distance = np.linalg.norm(weights - least_squares)
    print(f"{name:13} {mass:10.4f} {pressure:15.4f} {serum:7.4f} {bias:7.4f} {distance:10.4f}")

# On-line: the samples arrive one by one, and the network learns from each at once.
online = mc.Sequential([mc.Dense(1, weight_init="zeros")], input_shape=(3,), dtype="float64", seed=0)
widrow_hoff = mc.SGD(0.01)
errors = [
    online.partial_fit(x, [y], loss="half_squared_error", optimizer=widrow_hoff) for x, y in zip(X, t, strict=True)
]
first_errors, last_errors = np.mean(errors[:100]), np.mean(errors[-100:])
print(f"\nOn-line: mean loss of the first 100 samples {first_errors:.3f}, of the last 100 {last_errors:.3f}")
