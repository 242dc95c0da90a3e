"""The network: a list of nodes in topological order, the forward pass, backpropagation and a training loop."""

import numpy as np

from .layers import LAYERS, Activation
from .losses import FUSED, LOSSES, batch_cost, batch_gradient
from .recurrent import RECURRENT

STATE_NAMES = ("running_mean", "running_variance")


class Node:
    """One layer and the names of the nodes it reads."""

    def __init__(self, name, layer, inputs, owner=None):
        self.name, self.layer, self.inputs = name, layer, inputs
        self.owner = owner or name  # of the parameters


class ReferenceNetwork:
    """A feed-forward network from a spec (plain dicts, the last one is the output) and a dict of named parameters."""

    def __init__(self, spec, parameters):
        self.nodes = []
        self.outputs = {}  # name -> output of that node in the last forward
        self.deltas = {}  # name -> dCost/d(output of that node) in the last backward
        reads = {}  # name in the spec -> node that gives its output
        left = {name: np.array(value, dtype=np.float64) for name, value in parameters.items()}
        for node in spec:
            name = node["name"]
            owner = next((n for n in self.nodes if n.name == node.get("shares")), None)
            own = dict(owner.layer.parameters) if owner else {}
            own |= {key.rpartition(".")[2]: left.pop(key) for key in list(left) if key.rpartition(".")[0] == name}
            state = {key: own.pop(key) for key in STATE_NAMES if key in own}
            if node["type"] in ("dense", "maxout", "conv1d", "conv2d") and node.get("bias", True) != ("bias" in own):
                raise ValueError(f"{name}: its spec and its parameters disagree about a bias")
            layer = LAYERS[node["type"]](node, own, state)
            self.nodes.append(Node(name, layer, [reads[i] for i in node.get("inputs", [])], node.get("shares")))
            reads[name] = name
            activation = None if node["type"] in RECURRENT else node.get("activation")
            if activation not in (None, "linear"):  # z and a = g(z) are two nodes here
                reads[name] = name + ":activation"
                layer = Activation(activation, node.get("activation_parameter"))
                self.nodes.append(Node(reads[name], layer, [name]))
        if left:
            raise ValueError(f"parameters of no node: {sorted(left)}")

    @property
    def parameters(self):
        """{"dense_1.weight": array, ...}: the layers' own arrays, in the order of the spec"""
        return {
            f"{n.name}.{key}": value
            for n in self.nodes
            for key, value in n.layer.parameters.items()
            if n.owner == n.name
        }

    @property
    def state(self):
        """{"batch_norm_1.running_mean": array, ...}"""
        return {f"{n.name}.{key}": value for n in self.nodes for key, value in n.layer.state.items()}

    def forward(self, X, training=False, draws=None):
        """y; with several inputs X is a dict by name. draws: {node name: mask or noise} for the random layers"""
        draws = draws or {}
        for node in self.nodes:
            if node.inputs:
                inputs = [self.outputs[i] for i in node.inputs]
            else:
                inputs = [np.asarray(X[node.name] if isinstance(X, dict) else X, dtype=np.float64)]
            self.outputs[node.name] = node.layer.forward(inputs, training, draws.get(node.name))
        return self.outputs[self.nodes[-1].name]

    def backward(self, start, dy):
        """From delta(start) = dy back: the delta of a node is the sum of what its consumers send it"""
        self.deltas = {start: dy}
        gradients = {name: np.zeros_like(value) for name, value in self.parameters.items()}
        for node in reversed(self.nodes):
            if node.name not in self.deltas:  # the cost does not depend on it
                continue
            for name, dx in zip(node.inputs, node.layer.backward(self.deltas[node.name]), strict=False):
                self.deltas[name] = self.deltas.get(name, 0.0) + dx
            for key in node.layer.parameters:
                gradients[f"{node.owner}.{key}"] = gradients[f"{node.owner}.{key}"] + node.layer.gradients[key]
        return gradients

    def penalty(self, l1, l2, penalize_bias):
        """(l2/2) sum W^2 + (l1/2) sum |W| over the weights (all parameters with penalize_bias), and its gradient"""
        cost, gradients = 0.0, {}
        for name, W in self.parameters.items():
            if name.endswith(".weight") or penalize_bias:
                cost += 0.5 * l2 * (W**2).sum() + 0.5 * l1 * np.abs(W).sum()
                gradients[name] = l2 * W + 0.5 * l1 * np.sign(W)
        return float(cost), gradients

    def loss_and_gradient(
        self,
        X,
        T,
        loss,
        loss_parameter=None,
        sample_weight=None,
        l1=0.0,
        l2=0.0,
        penalize_bias=False,
        training=True,
        draws=None,
    ):
        """Cost = (1/b) sum_i w_i c_i + penalty, and its gradient {"dense_1.weight": array, ...}"""
        T = np.asarray(T, dtype=np.float64)
        y = self.forward(X, training, draws)
        last = self.nodes[-1]
        pair = (getattr(last.layer, "function", None), loss)
        if pair in FUSED:  # cost and delta straight from z: backpropagation starts before the last activation
            start = last.inputs[0]
            z = self.outputs[start]
            costs, dy = FUSED[pair].value(z, T, loss_parameter), FUSED[pair].gradient(z, T, loss_parameter)
        else:
            start = last.name
            costs, dy = LOSSES[loss].value(y, T, loss_parameter), LOSSES[loss].gradient(y, T, loss_parameter)
        gradients = self.backward(start, batch_gradient(dy, sample_weight))
        cost, penalties = self.penalty(l1, l2, penalize_bias)
        for name, gradient in penalties.items():
            gradients[name] = gradients[name] + gradient
        return batch_cost(costs, sample_weight) + cost, gradients

    def update(self, optimizer, gradients, rate=None):
        """theta = optimizer.step(theta, gradient): all parameters as one vector, written back in place"""
        parameters = self.parameters
        theta = np.concatenate([value.ravel() for value in parameters.values()])
        gradient = np.concatenate([gradients[name].ravel() for name in parameters])
        theta = optimizer.step(theta, gradient, rate)
        for value in parameters.values():
            value[...] = theta[: value.size].reshape(value.shape)
            theta = theta[value.size :]

    def train(
        self,
        X,
        T,
        loss,
        optimizer,
        epochs,
        batch_size,
        order=None,
        schedule=None,
        draws=None,
        sample_weight=None,
        **options,
    ):
        """Epochs of mini-batches; gives, per epoch, the mean over samples of the costs as met (penalty included).

        order: an order of the samples for all epochs, or a list with one per epoch; as they lie when None.
        schedule(k) and draws(k) give the rate, and the masks and noise, of step k = 0, 1, ...
        """
        X, T, N = np.asarray(X), np.asarray(T), len(X)
        orders = np.broadcast_to(np.arange(N) if order is None else np.asarray(order), (epochs, N))
        losses, k = [], 0
        for epoch in range(epochs):
            total = 0.0
            for first in range(0, N, batch_size):
                rows = orders[epoch, first : first + batch_size]
                w = None if sample_weight is None else np.asarray(sample_weight)[rows]
                cost, gradients = self.loss_and_gradient(
                    X[rows], T[rows], loss, sample_weight=w, draws=draws(k) if draws else None, **options
                )
                self.update(optimizer, gradients, schedule(k) if schedule else None)
                total += len(rows) * cost
                k += 1
            losses.append(total / N)
        return losses
