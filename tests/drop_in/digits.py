"""Handwritten digits: a classifier with two hidden layers, its accuracy and its confusions."""

from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, stratify=y, random_state=0)

clf = MLPClassifier(hidden_layer_sizes=(100, 50), alpha=1e-3, max_iter=300, random_state=0)
clf.fit(X_train, y_train)

predicted = clf.predict(X_test)
print(confusion_matrix(y_test, predicted))
print(f"stopped after {clf.n_iter_} epochs at a loss of {clf.loss_curve_[-1]:.4f}, {clf.n_layers_} layers")
score = accuracy_score(y_test, predicted)
