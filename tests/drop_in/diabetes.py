"""Diabetes: a regression in a pipeline, its parameters found by a search with cross-validation."""

from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

network = MLPRegressor(max_iter=1000, learning_rate="adaptive", early_stopping=True, random_state=0)
pipe = make_pipeline(StandardScaler(), TransformedTargetRegressor(network, transformer=StandardScaler()))
grid = {
    "transformedtargetregressor__regressor__hidden_layer_sizes": [(20,), (50, 20)],
    "transformedtargetregressor__regressor__alpha": [0.01, 1.0],
    "transformedtargetregressor__regressor__solver": ["adam", "sgd"],
}
search = GridSearchCV(pipe, grid, cv=3)
search.fit(X_train, y_train)

print(search.best_params_)
print(f"best in cross-validation: {search.best_score_:.3f}")
score = search.score(X_test, y_test)
