"""Backpropagation with every number: a 4-2-2-1 network, one sample, one step of gradient descent.

Forward, z = a W + b and a = g(z) layer by layer. Back, delta = (y - t) g'(z) at the output, and before it
delta = (delta W^T) g'(z); the gradient of W is a^T delta, that of b is delta. Then W and b take a step of
learning rate times gradient downhill, and the cost of this sample is smaller.
"""

from pathlib import Path

import numpy as np

import multicapa as mc

x, t = np.array([[1.0, 0.0, 1.0, 0.5]]), np.array([[1.0]])
net = mc.Sequential(
    [
        mc.Dense(2, "sigmoid", weight_init=[[0.1, -0.2], [0.4, 0.3], [-0.5, 0.2], [0.8, -0.1]]),
        mc.Dense(2, "sigmoid", weight_init=[[0.3, -0.6], [0.7, 0.5]]),
        mc.Dense(1, "sigmoid", weight_init=[[0.8], [-0.4]]),
    ],
    input_shape=4,
    dtype="float64",
    seed=0,
)
for layer, bias in zip(net.layers, ([0.1, -0.1], [0.2, 0.0], [0.3]), strict=True):
    layer.parameters["bias"] = bias

trace = net.trace(x, t, loss="half_squared_error")


def numbers(array):
    return "  ".join(f"{value + 0.0:8.5f}" for value in np.ravel(array))


print("x       ", numbers(x))
for name in trace.z:
    print(f"\n{name}\nz       ", numbers(trace.z[name]))
    print("a       ", numbers(trace.activations[name]))
print(f"\ncost (y - t)^2 / 2 = {trace.loss:.6f}")

for name in reversed(list(trace.z)):
    print(f"\n{name}\ndelta   ", numbers(trace.deltas[name]))
    for row in trace.gradients[f"{name}.weight"]:
        print("grad. W ", numbers(row))
    print("grad. b ", numbers(trace.gradients[f"{name}.bias"]))

Path("backpropagation.svg").write_text(net.to_svg(detail="units", trace=trace), encoding="utf-8")

before = {name: view.copy() for name, view in net.parameters.items()}
net.fit(x, t, loss="half_squared_error", optimizer=mc.SGD(0.5), epochs=1)
print("\nAfter a step with learning rate 0.5:")
for name, view in net.parameters.items():
    for old, new in zip(np.atleast_2d(before[name]), np.atleast_2d(view), strict=True):
        print(f"{name:14}", numbers(old), " -> ", numbers(new))
cost_after = net.evaluate(x, t)["loss"]
print(
    f"cost {trace.loss:.6f} -> {cost_after:.6f}\n\nThe network with all these numbers is drawn in backpropagation.svg"
)
