#!/usr/bin/env python3
"""Writes tests/model/golden/*.txt: the attention recommender in plain PyTorch, one client after the other.

Independent of the C++: torch.nn.functional on one unpadded sequence at a time, so that padding, groups and
gathers of the C++ meet an implementation that has none of them.

usage: model_golden.py [OUT_FOLDER]   (python3-torch 1.13 of Debian 12 wrote the committed files)
Each line of a file: name, number of values, values.
"""
import math
import os
import sys

import torch
import torch.nn.functional as F

ITEMS, WIDTH, HEADS, BLOCKS, HISTORY, CLIENTS, NEGATIVES = 10, 4, 2, 2, 6, 3, 2
HEAD = WIDTH // HEADS
RATE, STEPS, MU = 0.05, 3, 0.3
WINDOW, TOP_K, CALIBRATION = 2, 2, 0.75
LOSSES = ("softmax", "sampled_softmax", "bce", "bpr", "gbce")


class Spec:
    """A model: its encoder, its kind of scores and its forms of attention."""

    def __init__(self, kind="multi_head", forms=(), encoder="self_attention"):
        self.kind, self.forms, self.encoder = kind, forms, encoder

    def candidates_ask(self, block):
        return self.encoder == "target_attention" and block == BLOCKS - 1


def layout(spec):
    """Names and shapes in the order of the flat buffer."""
    out = [("item.weight", (ITEMS + 1, WIDTH)), ("position.weight", (HISTORY, WIDTH))]
    norm = lambda name: [(name + ".weight", (WIDTH,)), (name + ".bias", (WIDTH,))]
    linear = lambda name, n=1: [(name + ".weight", (n * WIDTH, WIDTH)), (name + ".bias", (n * WIDTH,))]
    for block in range(BLOCKS):
        at, kind = f"blocks.{block}.", spec.kind
        if spec.encoder == "gru":
            out += linear(at + "input", 3) + linear(at + "hidden", 3)
            continue
        out += norm(at + "norm1") + linear(at + "query") + linear(at + "key") + linear(at + "value") + linear(at + "output")
        if kind == "additive":
            out.append((at + "additive.weight", (HEADS, HEAD)))
        if kind == "bilinear":
            out.append((at + "bilinear.weight", (HEADS, HEAD, HEAD)))
        for form in () if spec.candidates_ask(block) else spec.forms:
            if form == "gated":
                out += linear(at + "gate")
            if form == "relative":
                out.append((at + "relative.weight", (HEADS, HISTORY)))
        out += norm(at + "norm2") + linear(at + "ff1") + linear(at + "ff2")
    return out + norm("norm")


def unflatten(flat, shapes):
    out, at = {}, 0
    for name, shape in shapes:
        size = math.prod(shape)
        out[name] = flat[at:at + size].view(shape)
        at += size
    return out


def score(kind, p, at, head, q, k):
    if kind == "multi_head":
        return q @ k.T / math.sqrt(HEAD)
    if kind == "dot":
        return q @ k.T
    if kind == "uniform":
        return torch.zeros(len(q), len(k))
    if kind == "additive":
        return torch.stack([torch.stack([torch.dot(p[at + "additive.weight"][head], torch.tanh(a + b)) for b in k]) for a in q])
    return torch.stack([torch.stack([a @ p[at + "bilinear.weight"][head] @ b for b in k]) for a in q])


def norm(p, x, name):
    return F.layer_norm(x, (WIDTH,), p[name + ".weight"], p[name + ".bias"], 1e-8)


def linear(p, x, name):
    return F.linear(x, p[name + ".weight"], p[name + ".bias"])


def attend(spec, p, at, h):
    """The attended values of one block, query by query, before their projection."""
    q, k, v = (linear(p, h, at + name) for name in ("query", "key", "value"))
    out = []
    for i in range(len(h)):
        first = max(0, i - WINDOW + 1) if "window" in spec.forms else 0
        heads = []
        for head in range(HEADS):
            cut = slice(head * HEAD, (head + 1) * HEAD)
            s = score(spec.kind, p, at, head, q[i:i + 1, cut], k[first:i + 1, cut])[0]
            if "relative" in spec.forms:
                s = s + torch.stack([p[at + "relative.weight"][head, i - j] for j in range(first, i + 1)])
            if "top_k" in spec.forms and len(s) > TOP_K:
                kept = torch.sort(s.detach(), descending=True).indices[:TOP_K]
                left_out = torch.ones(len(s)).bool()
                left_out[kept] = False
                s = s.masked_fill(left_out, -math.inf)
            heads.append(torch.softmax(s, -1) @ v[first:i + 1, cut])
        mixed = torch.cat(heads)
        out.append(torch.sigmoid(linear(p, h[i], at + "gate")) * mixed if "gated" in spec.forms else mixed)
    return torch.stack(out)


def states(spec, p, rows):
    """States of one unpadded sequence before the last norm, or before the block that candidates ask, [len, WIDTH]."""
    n = len(rows)
    x = p["item.weight"][torch.tensor(rows)] * math.sqrt(WIDTH) + p["position.weight"][HISTORY - n:]
    for block in range(BLOCKS):
        at = f"blocks.{block}."
        if spec.encoder == "gru":
            names = ("input.weight", "hidden.weight", "input.bias", "hidden.bias")
            x = torch.gru(x[:, None], torch.zeros(1, 1, WIDTH), [p[at + name] for name in names], True, 1, 0.0, False,
                          False, False)[0][:, 0]
        elif not spec.candidates_ask(block):
            x = x + linear(p, attend(spec, p, at, norm(p, x, at + "norm1")), at + "output")
            x = x + linear(p, F.relu(linear(p, norm(p, x, at + "norm2"), at + "ff1")), at + "ff2")
    return x


def hidden(spec, p, rows):
    """Hidden states of one unpadded sequence of at most HISTORY rows, [len, WIDTH]."""
    return norm(p, states(spec, p, rows), "norm")


def target_score(spec, p, x, item):
    """The score of one candidate, which asks the states x [len, WIDTH] seen so far."""
    at, embedding = f"blocks.{BLOCKS - 1}.", p["item.weight"][item]
    h = norm(p, x, at + "norm1")
    q = linear(p, norm(p, embedding[None] * math.sqrt(WIDTH), at + "norm1"), at + "query")
    k, v = linear(p, h, at + "key"), linear(p, h, at + "value")
    heads = []
    for head in range(HEADS):
        cut = slice(head * HEAD, (head + 1) * HEAD)
        heads.append(torch.softmax(score(spec.kind, p, at, head, q[:, cut], k[:, cut]), -1) @ v[:, cut])
    user = linear(p, torch.cat(heads, 1), at + "output")
    user = user + linear(p, F.relu(linear(p, norm(p, user, at + "norm2"), at + "ff1")), at + "ff2")
    return torch.dot(norm(p, user, "norm")[0], embedding)


def losses(name, spec, p, rows, targets, negatives):
    """One loss a position."""
    table = p["item.weight"]
    if spec.encoder == "target_attention":
        x = states(spec, p, rows)
        positive = torch.stack([target_score(spec, p, x[:t + 1], item) for t, item in enumerate(targets)])
        negative = torch.stack([torch.stack([target_score(spec, p, x[:t + 1], item) for item in some])
                                for t, some in enumerate(negatives)])
    else:
        h = hidden(spec, p, rows)
        if name == "softmax":
            return F.cross_entropy(h @ table[1:].T, torch.tensor(targets) - 1, reduction="none")
        positive = (h * table[torch.tensor(targets)]).sum(1)
        negative = torch.einsum("td,tkd->tk", h, table[torch.tensor(negatives)])
    if name == "bce":
        return F.binary_cross_entropy_with_logits(positive, torch.ones_like(positive), reduction="none") + \
            F.binary_cross_entropy_with_logits(negative, torch.zeros_like(negative), reduction="none").sum(1)
    if name == "bpr":
        return -torch.log(torch.sigmoid(positive[:, None] - negative)).sum(1)
    if name == "gbce":
        rate = NEGATIVES / (ITEMS - 1)
        beta = rate * (CALIBRATION * (1 - 1 / rate) + 1 / rate)
        return -torch.log(torch.sigmoid(positive) ** beta) - torch.log(1 - torch.sigmoid(negative)).sum(1)
    corrected = torch.cat([positive[:, None], negative - math.log(NEGATIVES / ITEMS)], 1)
    return F.cross_entropy(corrected, torch.zeros(len(targets), dtype=torch.long), reduction="none")


def client_loss(loss, spec, flat, shapes, sequences, negatives):
    p = unflatten(flat, shapes)
    each = [losses(loss, spec, p, rows[:-1][-HISTORY:], rows[1:][-HISTORY:], negs[-HISTORY:])
            for rows, negs in zip(sequences, negatives)]
    return torch.cat(each).mean()


SPECS = {
    **{kind: Spec(kind) for kind in ("multi_head", "dot", "additive", "bilinear", "uniform")},
    "window": Spec(forms=("window",)),
    "top_k": Spec(forms=("top_k",)),
    "gated": Spec(forms=("gated",)),
    "relative": Spec(forms=("relative",)),
    "all_forms": Spec("bilinear", ("relative", "window", "gated", "top_k")),
    "gru": Spec(encoder="gru"),
    "target_attention": Spec("multi_head", ("relative",), "target_attention"),
}


def main(folder):
    generator = torch.Generator().manual_seed(5)
    draw = lambda: int(torch.randint(1, ITEMS + 1, (1,), generator=generator))
    lengths = [[3, 8], [2, 5, 4], [7]]  # rows of each client's sequences; 8 is longer than the history
    data = [[[draw() for _ in range(n)] for n in client] for client in lengths]
    negs = [[[[draw() for _ in range(NEGATIVES)] for _ in rows[1:]] for rows in client] for client in data]
    for kind, spec in SPECS.items():
        shapes = layout(spec)
        size = sum(math.prod(shape) for _, shape in shapes)
        flats = [torch.randn(size, generator=generator) * 0.4 for _ in range(CLIENTS)]
        with open(os.path.join(folder, f"{kind}.txt"), "w") as out:
            def write(name, values):
                values = torch.as_tensor(values).reshape(-1).tolist()
                out.write(f"{name} {len(values)} " + " ".join(f"{v:.9g}" for v in values) + "\n")
            write("items_width_heads_blocks_history_negatives", [ITEMS, WIDTH, HEADS, BLOCKS, HISTORY, NEGATIVES])
            for c in range(CLIENTS):
                flats[c].view(-1)[:WIDTH] = 0  # the padding row
                write(f"client{c}.weights", flats[c])
                for s, rows in enumerate(data[c]):
                    write(f"client{c}.rows{s}", rows)
                    write(f"client{c}.negatives{s}", negs[c][s])
                    if spec.encoder != "target_attention":
                        write(f"client{c}.hidden{s}", hidden(spec, unflatten(flats[c], shapes), rows[:-1][-HISTORY:]))
                for loss in LOSSES[1:] if spec.encoder == "target_attention" else LOSSES:
                    w = flats[c].clone().requires_grad_()
                    value = client_loss(loss, spec, w, shapes, data[c], negs[c])
                    write(f"client{c}.{loss}.loss", value.detach())
                    write(f"client{c}.{loss}.gradient", torch.autograd.grad(value, w)[0])
            if kind != "multi_head":
                continue
            # Local training of every client from the first one's weights: the change after STEPS full batches.
            for c in range(CLIENTS):
                for rule in ("sgd", "adam", "proximal", "decay", "clip"):
                    w = flats[0].clone().requires_grad_()
                    decay = 0.1 if rule == "decay" else 0.0
                    optimizer = (torch.optim.Adam([w], RATE) if rule == "adam" else torch.optim.SGD([w], RATE, weight_decay=decay))
                    smallest = torch.full_like(w, math.inf)  # of each coordinate's gradients
                    for _ in range(STEPS):
                        optimizer.zero_grad()
                        value = client_loss("softmax", spec, w, shapes, data[c], negs[c])
                        if rule == "proximal":
                            value = value + MU / 2 * ((w - flats[0]) ** 2).sum()
                        value.backward()
                        if rule == "clip":
                            torch.nn.utils.clip_grad_norm_([w], 0.5)
                        smallest = torch.minimum(smallest, w.grad.abs())
                        optimizer.step()
                    write(f"client{c}.{rule}.delta", w.detach() - flats[0])
                    if rule == "adam":
                        write(f"client{c}.adam.smallest_gradient", smallest)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../../tests/model/golden"))
