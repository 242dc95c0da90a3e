"""The progress of diabetes: a pipeline whose network a grid search chooses, R2 on a test set."""

from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X_train, X_test, y_train, y_test = train_test_split(*load_diabetes(return_X_y=True), random_state=0)
network = MLPRegressor(max_iter=1000, early_stopping=True, n_iter_no_change=20, batch_size=32, random_state=0)
model = make_pipeline(StandardScaler(), TransformedTargetRegressor(network, transformer=StandardScaler()))
prefix = "transformedtargetregressor__regressor__"
grid = {prefix + "alpha": [0.01, 1.0], prefix + "hidden_layer_sizes": [(20,), (50,), (20, 20)]}
search = GridSearchCV(model, grid, cv=5).fit(X_train, y_train)
score = search.score(X_test, y_test)
epochs = search.best_estimator_[-1].regressor_.n_iter_
