#!/usr/bin/env python3
"""Writes tests/model/golden/roles.txt: losses of sequences whose events have roles, in plain PyTorch.

Every target event is looked at alone: its history is the input events before it, cut on the left where the window of the
last HISTORY inputs before the sequence's last target begins; a target without an input in that window does not count.

usage: roles_golden.py [OUT_FOLDER]   (python3-torch 1.13 of Debian 12 wrote the committed files)
Roles: 1 input, 2 target, 3 both.
"""
import math
import os
import sys

import torch

import model_golden as model

INPUT, TARGET = 1, 2


def cut(rows, roles):
    """The window of inputs, and (index of the target row, inputs of the window before it) of every target that counts."""
    targets = [j for j, role in enumerate(roles) if role & TARGET]
    inputs_before = lambda j: [i for i in range(j) if roles[i] & INPUT]
    targets = [j for j in targets if inputs_before(j)]
    if not targets:
        return [], []
    window = inputs_before(targets[-1])[-model.HISTORY:]
    seen = [(j, sum(1 for i in window if i < j)) for j in targets]
    return [rows[i] for i in window], [(j, n) for j, n in seen if n > 0]


def main(folder):
    generator = torch.Generator().manual_seed(7)
    draw = lambda high: int(torch.randint(1, high + 1, (1,), generator=generator))
    lengths = [[5, 14], [2, 8, 6, 9], [12, 4]]
    data = [[[draw(model.ITEMS) for _ in range(n)] for n in client] for client in lengths]
    roles = [[[draw(3) for _ in rows] for rows in client] for client in data]
    roles[1][0] = [INPUT, INPUT]  # nothing to predict
    roles[2][0][-2:] = [INPUT, INPUT]  # clicks after the last target
    negs = [[[[draw(model.ITEMS) for _ in range(model.NEGATIVES)] for _ in rows] for rows in client] for client in data]
    kinds = ["multi_head"] * model.BLOCKS
    shapes = model.layout(kinds)
    flat = torch.randn(sum(math.prod(shape) for _, shape in shapes), generator=generator) * 0.4
    flat[:model.WIDTH] = 0
    with open(os.path.join(folder, "roles.txt"), "w") as out:
        def write(name, values):
            values = torch.as_tensor(values).reshape(-1).tolist()
            out.write(f"{name} {len(values)} " + " ".join(f"{v:.9g}" for v in values) + "\n")
        write("items_width_heads_blocks_history_negatives",
              [model.ITEMS, model.WIDTH, model.HEADS, model.BLOCKS, model.HISTORY, model.NEGATIVES])
        write("weights", flat)
        for c, client in enumerate(data):
            count = 0
            for s, rows in enumerate(client):
                write(f"client{c}.rows{s}", rows)
                write(f"client{c}.roles{s}", roles[c][s])
                # One K-tuple for every target with an input before it, whether it falls into the window or not.
                own = [negs[c][s][j] for j in range(len(rows)) if roles[c][s][j] & TARGET and any(r & INPUT for r in roles[c][s][:j])]
                write(f"client{c}.negatives{s}", own)
                count += len(cut(rows, roles[c][s])[1])
            write(f"client{c}.positions", [count])
            for loss in ("softmax", "sampled_softmax", "bce"):
                w = flat.clone().requires_grad_()
                p = model.unflatten(w, shapes)
                each = []
                for s, rows in enumerate(client):
                    window, targets = cut(rows, roles[c][s])
                    for j, seen in targets:
                        # The place of an input counts from the window's end, so the whole window is encoded.
                        state = model.hidden(kinds, p, window)[seen - 1:seen]
                        each.append(model.losses(loss, p, state, [rows[j]], [negs[c][s][j]]))
                value = torch.cat(each).mean()
                write(f"client{c}.{loss}.loss", value.detach())
                write(f"client{c}.{loss}.gradient", torch.autograd.grad(value, w)[0])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../../tests/model/golden"))
