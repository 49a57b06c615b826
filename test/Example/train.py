"""Trains the built-in example: a depthwise-separable CNN with a residual connection on the pictures of glyphs.py. Needs numpy only, about
three minutes on one core. Writes glyphs.onnx, calib.npz and eval.npz beside itself; those are committed, so nobody has to run this.

The pictures are the network's input as they are (0..255). Batch normalization stays a node of its own: folding it is the compiler's work."""
import os
import sys

import numpy as np

import glyphs
import onnx_file

HERE = os.path.dirname(os.path.abspath(__file__))
EPSILON = 1e-5


# Layers: forward keeps what backward needs; backward returns the gradient of the input and fills self.grads (same keys as self.weights).
class Conv:
    """3x3 (padding 1) or 1x1 convolution, full or depthwise; no bias, batch normalization follows."""

    def __init__(self, rng, inputs, outputs, kernel, stride=1, depthwise=False):
        self.kernel, self.stride, self.depthwise = kernel, stride, depthwise
        shape = (outputs, 1 if depthwise else inputs, kernel, kernel)
        self.weights = {"w": rng.normal(0, np.sqrt(2 / (shape[1] * kernel * kernel)), shape).astype(np.float32)}
        self.grads = {}

    def windows(self, x):
        """[taps, N, C, H, W]: the input under each tap."""
        pad = self.kernel // 2
        self.shape = x.shape
        x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        height, width = self.shape[2] // self.stride, self.shape[3] // self.stride
        return np.stack([x[:, :, i:i + self.stride * height:self.stride, j:j + self.stride * width:self.stride]
                         for i in range(self.kernel) for j in range(self.kernel)])

    def forward(self, x, training):
        windows, w = self.windows(x), self.weights["w"]
        self.x = windows
        taps = w.reshape(w.shape[0], w.shape[1], -1)
        if self.depthwise:
            return np.einsum("tnchw,ct->nchw", windows, taps[:, 0], optimize=True)
        t, n, c, height, width = windows.shape
        flat = windows.transpose(2, 0, 1, 3, 4).reshape(c * t, -1)
        return (taps.reshape(len(w), -1) @ flat).reshape(len(w), n, height, width).transpose(1, 0, 2, 3)

    def backward(self, g):
        w = self.weights["w"]
        t, n, c, height, width = self.x.shape
        if self.depthwise:
            self.grads["w"] = np.einsum("tnchw,nchw->ct", self.x, g, optimize=True).reshape(w.shape)
            windows = g[None] * w.reshape(c, t).T[:, None, :, None, None]
        else:
            flat = self.x.transpose(2, 0, 1, 3, 4).reshape(c * t, -1)
            g = g.transpose(1, 0, 2, 3).reshape(len(w), -1)
            self.grads["w"] = (g @ flat.T).reshape(w.shape)
            windows = (w.reshape(len(w), -1).T @ g).reshape(c, t, n, height, width).transpose(1, 2, 0, 3, 4)
        pad = self.kernel // 2
        back = np.zeros((n, c, self.shape[2] + 2 * pad, self.shape[3] + 2 * pad), np.float32)
        for i in range(self.kernel):
            for j in range(self.kernel):
                back[:, :, i:i + self.stride * height:self.stride, j:j + self.stride * width:self.stride] += windows[i * self.kernel + j]
        return back[:, :, pad:pad + self.shape[2], pad:pad + self.shape[3]]

    def nodes(self, file, name, x):
        pad = self.kernel // 2
        groups = self.weights["w"].shape[0] if self.depthwise else 1
        return file.node("Conv", name, [x, file.constant(name + ".weight", self.weights["w"])], kernel_shape=[self.kernel] * 2,
                         strides=[self.stride] * 2, pads=[pad] * 4, group=groups)


class BatchNorm:
    def __init__(self, channels):
        self.weights = {"scale": np.ones(channels, np.float32), "shift": np.zeros(channels, np.float32)}
        self.mean, self.variance, self.grads = np.zeros(channels, np.float32), np.ones(channels, np.float32), {}

    def forward(self, x, training):
        if training:
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
            self.mean += .05 * (mean - self.mean)
            self.variance += .05 * (variance - self.variance)
        else:
            mean, variance = self.mean, self.variance
        self.inverse = (1 / np.sqrt(variance + EPSILON)).astype(np.float32)[:, None, None]
        self.x = (x - mean[:, None, None]) * self.inverse
        return self.x * self.weights["scale"][:, None, None] + self.weights["shift"][:, None, None]

    def backward(self, g):
        self.grads = {"scale": (g * self.x).sum((0, 2, 3)), "shift": g.sum((0, 2, 3))}
        count = g.shape[0] * g.shape[2] * g.shape[3]
        centred = g - (self.grads["shift"][:, None, None] + self.x * self.grads["scale"][:, None, None]) / count
        return centred * (self.weights["scale"][:, None, None] * self.inverse)

    def nodes(self, file, name, x):
        parts = [("scale", self.weights["scale"]), ("bias", self.weights["shift"]), ("mean", self.mean), ("var", self.variance)]
        return file.node("BatchNormalization", name, [x] + [file.constant(f"{name}.{key}", value.astype(np.float32)) for key, value in parts],
                         epsilon=EPSILON)


class Relu:
    weights, grads = {}, {}

    def forward(self, x, training):
        self.on = x > 0
        return x * self.on

    def backward(self, g):
        return g * self.on

    def nodes(self, file, name, x):
        return file.node("Relu", name, [x])


class Residual:
    """x + inner(x)"""

    def __init__(self, *layers):
        self.inner = Chain(*layers)

    def forward(self, x, training):
        return x + self.inner.forward(x, training)

    def backward(self, g):
        return g + self.inner.backward(g)

    def nodes(self, file, name, x):
        return file.node("Add", name + "/add", [x, self.inner.nodes(file, name, x)])


class Head:
    """Global average pool, then a fully connected layer."""

    def __init__(self, rng, inputs, outputs):
        self.weights = {"w": rng.normal(0, np.sqrt(1 / inputs), (outputs, inputs)).astype(np.float32), "b": np.zeros(outputs, np.float32)}
        self.grads = {}

    def forward(self, x, training):
        self.shape, self.x = x.shape, x.mean((2, 3))
        return self.x @ self.weights["w"].T + self.weights["b"]

    def backward(self, g):
        self.grads = {"w": g.T @ self.x, "b": g.sum(0)}
        g = (g @ self.weights["w"]) / (self.shape[2] * self.shape[3])
        return np.broadcast_to(g[:, :, None, None], self.shape)

    def nodes(self, file, name, x):
        x = file.node("Flatten", name + "/flatten", [file.node("GlobalAveragePool", name + "/pool", [x])], axis=1)
        constants = [file.constant(name + ".weight", self.weights["w"]), file.constant(name + ".bias", self.weights["b"])]
        return file.node("Gemm", name + "/fc", [x] + constants, output="logits", transB=1)


class Chain:
    def __init__(self, *layers):
        self.layers = layers

    def forward(self, x, training):
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, g):
        for layer in reversed(self.layers):
            g = layer.backward(g)
        return g

    def nodes(self, file, name, x):
        for index, layer in enumerate(self.layers):
            x = layer.nodes(file, f"{name}/{type(layer).__name__.lower()}{index}", x)
        return x

    def leaves(self):
        for layer in self.layers:
            yield from (layer.inner.leaves() if isinstance(layer, Residual) else [layer])


def separable(rng, inputs, outputs, stride=1, last_relu=True):
    layers = [Conv(rng, inputs, inputs, 3, stride, depthwise=True), BatchNorm(inputs), Relu(),
              Conv(rng, inputs, outputs, 1), BatchNorm(outputs)]
    return layers + [Relu()] if last_relu else layers


def build(rng):
    return Chain(Conv(rng, 1, 12, 3), BatchNorm(12), Relu(),
                 *separable(rng, 12, 24, stride=2),
                 Residual(*separable(rng, 24, 24, last_relu=False)), Relu(),
                 *separable(rng, 24, 40, stride=2),
                 Head(rng, 40, len(glyphs.CLASSES)))


def predict(network, pictures):
    return np.concatenate([network.forward(pictures[i:i + 256], False) for i in range(0, len(pictures), 256)])


def train(network, pictures, labels, rng, epochs, batch=64, rate=4e-3):
    """Adam with a cosine schedule on the cross entropy, labels a little smoothed."""
    moments, step, steps = {}, 0, epochs * (len(pictures) // batch)
    classes = len(glyphs.CLASSES)
    for epoch in range(epochs):
        order, total = rng.permutation(len(pictures)), 0.0
        for start in range(0, len(order) - batch + 1, batch):
            index = order[start:start + batch]
            logits = network.forward(pictures[index], True)
            p = np.exp(logits - logits.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            target = np.eye(classes, dtype=np.float32)[labels[index]] * .95 + .05 / classes
            total += -(target * np.log(p + 1e-9)).sum()
            network.backward((p - target) / batch)
            step += 1
            now = rate * .5 * (1 + np.cos(np.pi * step / steps))
            for layer in network.leaves():
                for key, weight in layer.weights.items():
                    m, v = moments.setdefault((id(layer), key), [np.zeros_like(weight), np.zeros_like(weight)])
                    gradient = layer.grads[key] + 1e-4 * weight
                    m += .1 * (gradient - m)
                    v += .01 * (gradient ** 2 - v)
                    weight -= (now * (m / (1 - .9 ** step)) / (np.sqrt(v / (1 - .99 ** step)) + 1e-8)).astype(np.float32)
        print(f"epoch {epoch + 1}: loss {total / len(order):.4f}", flush=True)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else HERE
    rng = np.random.default_rng(20)
    network = build(rng)
    pictures, labels = glyphs.make(1, 12000)
    # Trained on numbers near one; the first layer takes the factor afterwards.
    train(network, pictures[:, 0].astype(np.float32) / 128, labels, rng, epochs=14)
    network.layers[0].weights["w"] /= 128

    calib, _ = glyphs.make(2, 256)
    pictures, labels = glyphs.make(3, 960)
    accuracy = (predict(network, pictures[:, 0].astype(np.float32)).argmax(1) == labels).mean()
    print(f"accuracy of the float network on {len(labels)} new pictures: {accuracy:.2%}")

    file = onnx_file.Graph("glyphs")
    network.nodes(file, "glyphs", "picture")
    file.write(os.path.join(folder, "glyphs.onnx"), {"picture": [1, 1, glyphs.SIZE, glyphs.SIZE]}, {"logits": [1, len(glyphs.CLASSES)]})
    np.savez_compressed(os.path.join(folder, "calib.npz"), picture=calib.astype(np.float32))
    np.savez_compressed(os.path.join(folder, "eval.npz"), picture=pictures.astype(np.float32), y=labels)


if __name__ == "__main__":
    main()
