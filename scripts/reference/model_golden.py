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


def layout(kinds):
    """Names and shapes in the order of the flat buffer."""
    out = [("item.weight", (ITEMS + 1, WIDTH)), ("position.weight", (HISTORY, WIDTH))]
    norm = lambda name: [(name + ".weight", (WIDTH,)), (name + ".bias", (WIDTH,))]
    linear = lambda name: [(name + ".weight", (WIDTH, WIDTH)), (name + ".bias", (WIDTH,))]
    for block, kind in enumerate(kinds):
        at = f"blocks.{block}."
        out += norm(at + "norm1") + linear(at + "query") + linear(at + "key") + linear(at + "value") + linear(at + "output")
        if kind == "additive":
            out.append((at + "additive.weight", (HEADS, HEAD)))
        if kind == "bilinear":
            out.append((at + "bilinear.weight", (HEADS, HEAD, HEAD)))
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
    if kind == "additive":
        return torch.stack([torch.stack([torch.dot(p[at + "additive.weight"][head], torch.tanh(a + b)) for b in k]) for a in q])
    return torch.stack([torch.stack([a @ p[at + "bilinear.weight"][head] @ b for b in k]) for a in q])


def hidden(kinds, p, rows):
    """Hidden states of one unpadded sequence of at most HISTORY rows, [len, WIDTH]."""
    n = len(rows)
    x = p["item.weight"][torch.tensor(rows)] * math.sqrt(WIDTH) + p["position.weight"][HISTORY - n:]
    norm = lambda y, name: F.layer_norm(y, (WIDTH,), p[name + ".weight"], p[name + ".bias"], 1e-8)
    linear = lambda y, name: F.linear(y, p[name + ".weight"], p[name + ".bias"])
    future = torch.ones(n, n).triu(1).bool()
    for block, kind in enumerate(kinds):
        at = f"blocks.{block}."
        h = norm(x, at + "norm1")
        q, k, v = (linear(h, at + name) for name in ("query", "key", "value"))
        heads = []
        for head in range(HEADS):
            cut = slice(head * HEAD, (head + 1) * HEAD)
            s = score(kind, p, at, head, q[:, cut], k[:, cut]).masked_fill(future, -math.inf)
            heads.append(torch.softmax(s, -1) @ v[:, cut])
        x = x + linear(torch.cat(heads, 1), at + "output")
        x = x + linear(F.relu(linear(norm(x, at + "norm2"), at + "ff1")), at + "ff2")
    return norm(x, "norm")


def losses(name, p, h, targets, negatives):
    """One loss a position."""
    table = p["item.weight"]
    if name == "softmax":
        return F.cross_entropy(h @ table[1:].T, torch.tensor(targets) - 1, reduction="none")
    positive = (h * table[torch.tensor(targets)]).sum(1)
    negative = torch.einsum("td,tkd->tk", h, table[torch.tensor(negatives)])
    if name == "bce":
        return F.binary_cross_entropy_with_logits(positive, torch.ones_like(positive), reduction="none") + \
            F.binary_cross_entropy_with_logits(negative, torch.zeros_like(negative), reduction="none").sum(1)
    corrected = torch.cat([positive[:, None], negative - math.log(NEGATIVES / ITEMS)], 1)
    return F.cross_entropy(corrected, torch.zeros(len(targets), dtype=torch.long), reduction="none")


def client_loss(loss, kinds, flat, shapes, sequences, negatives):
    p = unflatten(flat, shapes)
    each = [losses(loss, p, hidden(kinds, p, rows[:-1][-HISTORY:]), rows[1:][-HISTORY:], negs[-HISTORY:])
            for rows, negs in zip(sequences, negatives)]
    return torch.cat(each).mean()


def main(folder):
    generator = torch.Generator().manual_seed(5)
    draw = lambda: int(torch.randint(1, ITEMS + 1, (1,), generator=generator))
    lengths = [[3, 8], [2, 5, 4], [7]]  # rows of each client's sequences; 8 is longer than the history
    data = [[[draw() for _ in range(n)] for n in client] for client in lengths]
    negs = [[[[draw() for _ in range(NEGATIVES)] for _ in rows[1:]] for rows in client] for client in data]
    for kind in ("multi_head", "dot", "additive", "bilinear"):
        kinds = [kind] * BLOCKS
        shapes = layout(kinds)
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
                    write(f"client{c}.hidden{s}", hidden(kinds, unflatten(flats[c], shapes), rows[:-1][-HISTORY:]))
                for loss in ("softmax", "sampled_softmax", "bce"):
                    w = flats[c].clone().requires_grad_()
                    value = client_loss(loss, kinds, w, shapes, data[c], negs[c])
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
                        value = client_loss("softmax", kinds, w, shapes, data[c], negs[c])
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
