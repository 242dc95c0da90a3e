"""Several labels for each sample: probabilities of each, judged by the area under the ROC curve."""

from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

X, Y = make_multilabel_classification(3000, n_features=30, n_classes=6, n_labels=2, random_state=0)
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, random_state=0)
scale = StandardScaler().fit(X_train)

clf = MLPClassifier((64,), activation="tanh", solver="sgd", learning_rate_init=0.05, max_iter=60, random_state=0)
clf.fit(scale.transform(X_train), Y_train)
for _ in range(5):
    clf.partial_fit(scale.transform(X_train), Y_train)

print(f"exactly right: {clf.score(scale.transform(X_test), Y_test):.3f}, {clf.out_activation_} outputs")
score = roc_auc_score(Y_test, clf.predict_proba(scale.transform(X_test)))
