"""Handwritten digits: a test set, scaling, the accuracy."""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X_train, X_test, y_train, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
model = make_pipeline(StandardScaler(), MLPClassifier((100,), max_iter=300, random_state=0))
model.fit(X_train, y_train)
score = model.score(X_test, y_test)
epochs = model[-1].n_iter_
