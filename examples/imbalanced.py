"""One sample in fifty is positive: a net that always says no is right in 98 % and of no use.

Class weights multiply the cost of the rare class. Its recall rises; precision, and often accuracy, pay for it.
"""

from sklearn.datasets import make_classification
from sklearn.metrics import accuracy_score, precision_score, recall_score
from sklearn.model_selection import train_test_split

import multicapa as mc

X, y = make_classification(
    4000, n_features=10, n_informative=4, weights=[0.98], class_sep=1.2, flip_y=0.01, random_state=0
)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0, stratify=y)
print(f"{y_train.sum()} of {len(y_train)} training samples are positive")


def train(class_weight):
    """Accuracy, precision and recall of the rare class on the test set."""
    net = mc.Sequential([mc.Dense(16, "tanh"), mc.Dense(1, "sigmoid")], input_shape=(10,), seed=0)
    net.fit(X_train, y_train, optimizer=mc.Adam(3e-3), epochs=30, class_weight=class_weight)
    predicted = net.predict(X_test).ravel() > 0.5
    return (
        accuracy_score(y_test, predicted),
        precision_score(y_test, predicted, zero_division=0),
        recall_score(y_test, predicted),
    )


results = {str(weights): train(weights) for weights in (None, {1: 10.0}, "balanced")}
print("class_weight   accuracy  precision  recall")
for name, values in results.items():
    print(f"{name:12}  " + "".join(f"{value:10.3f}" for value in values))
