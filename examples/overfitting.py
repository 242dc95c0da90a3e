"""Little, noisy data and many weights: the loss on train keeps falling while the loss on dev turns and rises.

L2, dropout and early stopping help: they end at a lower loss on dev and a higher one on train.
"""

import numpy as np
from sklearn.datasets import make_moons

import multicapa as mc

X_train, y_train = make_moons(60, noise=0.35, random_state=0)
X_dev, y_dev = make_moons(1000, noise=0.35, random_state=1)


def train(dropout=0.0, l2=0.0, callbacks=()):
    """The history and the final losses on train and dev."""
    layers = [mc.Dense(100, "relu"), mc.Dropout(dropout), mc.Dense(100, "relu"), mc.Dropout(dropout)]
    net = mc.Sequential([*layers, mc.Dense(2, "softmax")], input_shape=(2,), seed=0)
    options = {"optimizer": mc.Adam(3e-3), "epochs": 200, "l2": l2, "callbacks": callbacks}
    history = net.fit(X_train, y_train, validation_data=(X_dev, y_dev), **options)
    return history, net.evaluate(X_train, y_train)["loss"], net.evaluate(X_dev, y_dev)["loss"]


history, plain_train, plain_dev = train()
turn = int(np.argmin(history["val_loss"]))
print("epoch   train     dev")
for epoch in (0, 3, 10, 30, 100, 199):
    print(f"{epoch:5}  {history['loss'][epoch]:.4f}  {history['val_loss'][epoch]:.4f}")
print(f"the loss on dev is lowest after epoch {turn}\n")

results = {
    "nothing": (plain_train, plain_dev),
    "l2 = 0.03": train(l2=0.03)[1:],
    "dropout 0.5": train(dropout=0.5)[1:],
    "early stopping": train(callbacks=[mc.EarlyStopping(20)])[1:],
}
for name, (on_train, on_dev) in results.items():
    print(f"{name:15} train {on_train:.4f}  dev {on_dev:.4f}")
