"""Handwritten digits of 8 x 8 pixels: split, standardise, train with early stopping on dev, judge on test."""

import numpy as np
from sklearn.datasets import load_digits

import multicapa as mc

split = mc.data.train_dev_test_split(*load_digits(return_X_y=True), seed=0)
standardizer = mc.data.Standardizer().fit(split.X_train)  # on the training samples only
X_train, X_dev, X_test = (standardizer.transform(X) for X in (split.X_train, split.X_dev, split.X_test))

layers = [mc.Dense(64, "relu"), mc.Dropout(0.2), mc.Dense(32, "relu"), mc.Dense(10, "softmax")]
net = mc.Sequential(layers, input_shape=(64,), seed=0)
print(net.summary())

history = net.fit(
    X_train,
    split.y_train,
    optimizer=mc.Adam(2e-3),
    epochs=100,
    validation_data=(X_dev, split.y_dev),
    callbacks=[mc.EarlyStopping(patience=10)],
)
best = int(np.argmin(history["val_loss"]))
print(f"{len(history)} epochs, kept the weights of epoch {best}: dev loss {history['val_loss'][best]:.3f}")

accuracy = net.evaluate(X_test, split.y_test)["accuracy"]
print(f"accuracy on the test set: {accuracy:.3f}")

# Which digits are taken for which others?
predicted = net.predict(X_test).argmax(axis=1)
mistakes = [(int(t), int(p)) for t, p in zip(split.y_test, predicted, strict=True) if t != p]
print("mistakes (true, predicted):", mistakes)
