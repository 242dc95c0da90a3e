"""Regression: inputs and targets standardised on train, several costs, the error in the units of the target."""

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


predictions = {loss: train(loss) for loss in ("half_squared_error", "absolute_error", "huber")}
predictions["linear regression"] = LinearRegression().fit(X_train, split.y_train).predict(X_test)
predictions["always the mean"] = 0 * split.y_test + split.y_train.mean()

r2, absolute = {}, {}
for name, predicted in predictions.items():
    r2[name], absolute[name] = r2_score(split.y_test, predicted), mean_absolute_error(split.y_test, predicted)
    print(f"{name:20} R2 {r2[name]:6.3f}   mean absolute error {absolute[name]:5.1f}")
