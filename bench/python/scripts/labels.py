"""Several labels for each sample: the F1 score over all of them on a test set."""

from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

X, Y = make_multilabel_classification(3000, n_features=30, n_classes=8, n_labels=3, random_state=0)
X_train, X_test, Y_train, Y_test = train_test_split(StandardScaler().fit_transform(X), Y, random_state=0)
model = MLPClassifier((50,), alpha=0.1, max_iter=60, tol=0, n_iter_no_change=60, random_state=0).fit(X_train, Y_train)
score = f1_score(Y_test, model.predict(X_test), average="micro")
epochs = model.n_iter_
