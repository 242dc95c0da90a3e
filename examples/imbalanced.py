"""One sample in fifty is positive: a net that always says no is right in 98 % and of no use.

Class weights multiply the cost of the rare class. More of its samples are found; false alarms, and often accuracy, pay.
"""

from sklearn.datasets import make_classification
from sklearn.metrics import accuracy_score, confusion_matrix, precision_score, recall_score
from sklearn.model_selection import train_test_split

import multicapa as mc

X, y = make_classification(
    6000, n_features=10, n_informative=5, n_redundant=0, weights=[0.98], class_sep=1.2, flip_y=0.0, random_state=5
)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0, stratify=y)
print(f"{y_train.sum()} of {len(y_train)} training samples are positive, {y_test.sum()} of {len(y_test)} to test on.\n")


def train(class_weight):
    """What such weights find in the test set."""
    net = mc.MLPClassifier((16,), activation="tanh", learning_rate_init=3e-3, batch_size=32, max_iter=1000,
                           tol=1e-3, n_iter_no_change=5, class_weight=class_weight, random_state=0)  # fmt: skip
    return net.fit(X_train, y_train).predict(X_test)


results = {}
print("class_weight    found  missed  false alarms   accuracy  precision  recall")
for weights in (None, {1: 5.0}, "balanced"):
    predicted = train(weights)
    (_, alarms), (missed, found) = confusion_matrix(y_test, predicted)
    scores = [score(y_test, predicted) for score in (accuracy_score, precision_score, recall_score)]
    results[str(weights)] = scores
    print(f"{weights!s:12} {found:8} {missed:7} {alarms:13}   " + "".join(f"{score:9.3f}" for score in scores))

always_no = accuracy_score(y_test, 0 * y_test)
print(f"{'always no':12} {0:8} {y_test.sum():7} {0:13}   {always_no:9.3f}")
