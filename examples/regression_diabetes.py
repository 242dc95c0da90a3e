"""Regression: inputs and targets standardised on train, several losses, the error in the units of the target."""

from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score

import multicapa as mc

split = mc.data.train_dev_test_split(*load_diabetes(return_X_y=True), dev=0.2, test=0.2, seed=1)
inputs = mc.data.Standardizer().fit(split.X_train)
targets = mc.data.Standardizer().fit(split.y_train[:, None])
X_train, X_dev, X_test = (inputs.transform(X) for X in (split.X_train, split.X_dev, split.X_test))
t_train, t_dev = (targets.transform(y[:, None]) for y in (split.y_train, split.y_dev))


def train(loss):
    """Predictions for the test set, in the units of the target."""
    net = mc.Sequential([mc.Dense(16, "tanh"), mc.Dense(1)], input_shape=(10,), seed=0)
    stop = mc.EarlyStopping(patience=20)
    options = {"optimizer": mc.Adam(3e-3), "epochs": 300, "l2": 0.02, "callbacks": [stop]}
    net.fit(X_train, t_train, loss=loss, validation_data=(X_dev, t_dev), **options)
    return net.predict(X_test).ravel() * targets.scale_ + targets.mean_


predictions = {f"network, {loss}": train(loss) for loss in ("half_squared_error", "absolute_error", "huber")}
predictions["linear regression"] = LinearRegression().fit(X_train, split.y_train).predict(X_test)
predictions["always the mean"] = 0 * split.y_test + split.y_train.mean()

r2, absolute = {}, {}
print(f"{len(X_train)} patients to train on, {len(X_dev)} for early stopping, {len(X_test)} to test on.")
print("The progress of the disease a year later, a number from 25 to 346:\n")
print("                               R2   mean absolute error")
for name, predicted in predictions.items():
    r2[name], absolute[name] = r2_score(split.y_test, predicted), mean_absolute_error(split.y_test, predicted)
    print(f"{name:28} {r2[name]:6.3f}   {absolute[name]:5.1f}  {'#' * round(absolute[name] / 2)}")

figure = Figure(figsize=(9, 4.8), layout="compressed")
for ax, name in zip(figure.subplots(1, 2, sharey=True), ("network, huber", "linear regression"), strict=True):
    ax.axline((150, 150), slope=1, color="#999999", linewidth=1)
    ax.scatter(split.y_test, predictions[name], s=22, color="#0072B2", alpha=0.75, linewidths=0)
    ax.set(title=f"{name}: R2 {r2[name]:.2f}", xlabel="measured", xlim=(0, 360), ylim=(0, 360), aspect="equal")
    ax.spines[["top", "right"]].set_visible(False)
figure.axes[0].set_ylabel("predicted")
figure.savefig("regression_diabetes.png", dpi=110)
print("\nPredicted against measured: regression_diabetes.png")
