"""Pictures of distorted glyphs: strokes in the unit square, bent, turned, scaled, drawn with varying pens on a noisy ground."""
import numpy as np

SIZE = 16


def arc(cx, cy, rx, ry, start, end, n=8):
    """Polyline along an ellipse; angles in degrees, clockwise from the right."""
    t = np.radians(np.linspace(start, end, n))
    return [(cx + rx * np.cos(a), cy + ry * np.sin(a)) for a in t]


# Strokes of each class, as polylines; x to the right, y down.
GLYPHS = {
    "0": [arc(.5, .5, .28, .4, 0, 360, 13)],
    "1": [[(.35, .25), (.52, .1), (.52, .9)]],
    "2": [arc(.5, .32, .26, .22, 180, 380) + [(.24, .9), (.78, .9)]],
    "3": [arc(.48, .3, .26, .2, 200, 430), arc(.48, .7, .28, .21, 290, 520)],
    "4": [[(.64, .9), (.64, .1), (.22, .65), (.82, .65)]],
    "5": [[(.74, .1), (.32, .1), (.28, .45)] + arc(.48, .65, .27, .24, 220, 500)],
    "6": [arc(.62, .55, .36, .46, 255, 175, 6) + arc(.5, .68, .25, .22, 180, 540, 12)],
    "7": [[(.22, .1), (.78, .1), (.42, .9)]],
    "8": [arc(.5, .3, .22, .2, 0, 360, 11), arc(.5, .7, .27, .21, 0, 360, 11)],
    "9": [arc(.5, .33, .25, .22, 0, 360, 12) + [(.73, .5), (.62, .9)]],
    "A": [[(.18, .9), (.5, .1), (.82, .9)], [(.32, .6), (.68, .6)]],
    "E": [[(.75, .1), (.27, .1), (.27, .9), (.75, .9)], [(.27, .5), (.65, .5)]],
    "H": [[(.24, .1), (.24, .9)], [(.76, .1), (.76, .9)], [(.24, .5), (.76, .5)]],
    "K": [[(.27, .1), (.27, .9)], [(.76, .1), (.27, .55)], [(.42, .43), (.78, .9)]],
    "S": [arc(.5, .3, .24, .2, 320, 90, 9) + arc(.5, .7, .26, .2, 270, 500, 9)],
    "X": [[(.22, .1), (.78, .9)], [(.78, .1), (.22, .9)]],
}
CLASSES = list(GLYPHS)


def draw(rng, label):
    """One picture, uint8 [SIZE, SIZE]."""
    angle, shear = rng.normal(0, .22), rng.normal(0, .18)
    scale = rng.uniform(.62, 1.0, 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.array([[1, shear], [0, 1]]) * scale
    shift = rng.normal(0, .055, 2) + .5
    bend = rng.normal(0, .045, (4, 2))
    pen, ink = rng.uniform(.5, 1.0), rng.uniform(110, 235)
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    pixels = np.stack([x, y], -1).reshape(-1, 2) + .5
    nearest = np.full(len(pixels), 1e9)
    for stroke in GLYPHS[CLASSES[label]]:
        points = np.array(stroke) - .5
        wave = np.stack([np.sin(np.pi * points[:, ::-1]), np.cos(2 * np.pi * points[:, ::-1])], 0)
        points = points + wave[0] * bend[:2].sum(0) + wave[1] * bend[2:].sum(0) * .5 + rng.normal(0, .02, points.shape)
        points = (points @ turn.T + shift) * SIZE
        for a, b in zip(points, points[1:]):
            d = b - a
            t = np.clip(((pixels - a) @ d) / max(d @ d, 1e-9), 0, 1)
            nearest = np.minimum(nearest, np.linalg.norm(pixels - a - t[:, None] * d, axis=1))
    picture = ink * np.clip(pen + .5 - nearest, 0, 1)
    ground = rng.uniform(0, 45) + rng.normal(0, rng.uniform(4, 22), len(pixels))
    return np.clip(np.round(picture + ground), 0, 255).astype(np.uint8).reshape(SIZE, SIZE)


def make(seed, count):
    """Pictures [count, 1, 1, SIZE, SIZE] and labels [count]; the classes in turn."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    return np.stack([draw(rng, label) for label in labels])[:, None, None], labels.astype(np.uint8)
