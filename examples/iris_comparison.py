"""The same folds of the iris flowers for six classifiers: on small, clean data a network is one of many."""

import time

import numpy as np
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import multicapa as mc

models = {
    "multilayer perceptron": mc.MLPClassifier((8,), activation="tanh", solver="lbfgs", alpha=1.0, random_state=0),
    "the same, no hidden layer": mc.MLPClassifier((), solver="lbfgs", alpha=1.0, random_state=0),
    "logistic regression": LogisticRegression(),
    "k nearest neighbours": KNeighborsClassifier(5),
    "support vector machine": SVC(),
    "decision tree": DecisionTreeClassifier(random_state=0),
}
X, y = load_iris(return_X_y=True)
folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=0)
scores, seconds = {}, {}
for name, model in models.items():
    start = time.perf_counter()
    scores[name] = cross_val_score(make_pipeline(StandardScaler(), model), X, y, cv=folds)
    seconds[name] = (time.perf_counter() - start) / len(scores[name])

accuracies = {name: float(np.mean(values)) for name, values in scores.items()}
print(f"{len(scores['decision tree'])} folds of {len(X)} flowers\n")
print("                           accuracy         ms a fold")
for name in sorted(models, key=accuracies.get, reverse=True):
    print(f"{name:26} {accuracies[name]:.3f} ± {np.std(scores[name]):.3f} {1000 * seconds[name]:9.1f}")

spread = max(accuracies.values()) - min(accuracies.values())
print(f"\nBest and worst differ by {spread:.3f}; one flower in a fold of 30 is {1 / 30:.3f}.")
