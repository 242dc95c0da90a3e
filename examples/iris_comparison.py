"""The same split of the iris flowers for five classifiers: on small, clean data a network is one of many."""

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import multicapa as mc


class MultilayerPerceptron:
    """The two methods that the comparison needs."""

    def fit(self, X, y):
        self.net = mc.Sequential([mc.Dense(8, "tanh"), mc.Dense(3, "softmax")], input_shape=(4,), seed=0)
        self.net.fit(X, y, optimizer="lbfgs", batch_size=None, epochs=200, l2=0.01)
        return self

    def score(self, X, y):
        return self.net.evaluate(X, y)["accuracy"]


models = {
    "multilayer perceptron": MultilayerPerceptron(),
    "k nearest neighbours": KNeighborsClassifier(5),
    "logistic regression": LogisticRegression(),
    "decision tree": DecisionTreeClassifier(random_state=0),
    "support vector machine": SVC(),
}
X, y = load_iris(return_X_y=True)
accuracies = dict.fromkeys(models, 0.0)
folds = StratifiedKFold(5, shuffle=True, random_state=0)
for train, test in folds.split(X, y):
    scaler = StandardScaler().fit(X[train])
    for name, model in models.items():
        model.fit(scaler.transform(X[train]), y[train])
        accuracies[name] += model.score(scaler.transform(X[test]), y[test]) / folds.n_splits

for name, accuracy in sorted(accuracies.items(), key=lambda item: -item[1]):
    print(f"{name:24} {accuracy:.3f}")
