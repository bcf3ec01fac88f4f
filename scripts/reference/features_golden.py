#!/usr/bin/env python3
"""Writes tests/model/golden/features_*.txt and features_catalogue.tsv: item features and their fusion in plain PyTorch.

The features are read from the text of the catalogue as the scenario's documentation says: vocabularies sorted, a value
of a token_seq weighs 1 / n, numbers are standardised over the items that have one. The model is that of model_golden.py
with the fused table in place of the item table.

usage: features_golden.py [OUT_FOLDER]   (python3-torch 1.13 of Debian 12 wrote the committed files)
"""
import math
import os
import statistics
import sys

import torch

import model_golden as model

ITEMS, WIDTH = model.ITEMS, model.WIDTH
STEPS, RATE = 3, 0.1
COLUMNS = ("class:token", "genres:token_seq", "year:float", "place:float_seq")
CELLS = [
    ("film", "Comedy Drama", "1999", "0.5 1"), ("series", "Drama", "2001", "1.5 -2"), ("film", "", "1987.5", ""),
    ("", "Action Comedy War", "", "2 4"), ("film", "War", "2010", "0 0"), ("short", "Comedy Comedy", "1970", "3"),
    ("series", "Action", "", "1 1"), ("film", "Drama War", "2005", "-1 2"), ("", "", "", ""), ("short", "Zen", "1999", "2 2"),
]


def feature_matrix():
    """[ITEMS + 1, values] with a zero row 0, and the names of the values."""
    names, columns = [], []
    for c, header in enumerate(COLUMNS):
        name, kind = header.split(":")
        cells = [row[c] for row in CELLS]
        if kind.startswith("token"):
            sets = [set(cell.split()) if kind == "token_seq" else ({cell} if cell else set()) for cell in cells]
            for token in sorted(set.union(*sets)):
                names.append(f"{name}={token}")
                columns.append([1 / len(own) if token in own else 0.0 for own in sets])
        else:
            lists = [[float(x) for x in cell.split()] for cell in cells]
            for place in range(max(map(len, lists))):
                have = [own[place] for own in lists if len(own) > place]
                mean, deviation = statistics.fmean(have), statistics.pstdev(have)
                names.append(name if kind == "float" else f"{name}[{place}]")
                columns.append([(own[place] - mean) / deviation if len(own) > place else 0.0 for own in lists])
    return torch.cat([torch.zeros(1, len(names)), torch.tensor(columns).T]), names


def layout(fusion, values):
    plain = model.layout(["multi_head"] * model.BLOCKS)
    own = [("feature.weight", (values, WIDTH))]
    if fusion != "sum":
        own += [("fusion.weight", (WIDTH, 2 * WIDTH)), ("fusion.bias", (WIDTH,))]
    return plain[:1] + own + plain[1:]


def fused(fusion, p, matrix):
    item, feature = p["item.weight"], matrix @ p["feature.weight"]
    if fusion == "sum":
        return item + feature
    joined = torch.cat([item, feature], 1) @ p["fusion.weight"].T + p["fusion.bias"]
    return joined if fusion == "concat" else item + torch.sigmoid(joined) * feature


def main(folder):
    generator = torch.Generator().manual_seed(6)
    draw = lambda: int(torch.randint(1, ITEMS + 1, (1,), generator=generator))
    lengths = [[3, 8], [2, 5, 4], [7]]
    data = [[[draw() for _ in range(n)] for n in client] for client in lengths]
    negs = [[[[draw() for _ in range(model.NEGATIVES)] for _ in rows[1:]] for rows in client] for client in data]
    kinds = ["multi_head"] * model.BLOCKS
    matrix, names = feature_matrix()
    with open(os.path.join(folder, "features_catalogue.tsv"), "w") as out:
        out.write("\t".join(("item_id",) + COLUMNS) + "\n")
        for i, row in enumerate(CELLS):
            out.write("\t".join((f"i{i + 1}",) + row) + "\n")
    with open(os.path.join(folder, "features_names.txt"), "w") as out:
        out.write("\n".join(names) + "\n")
    for fusion in ("sum", "gate", "concat"):
        shapes = layout(fusion, len(names))
        flat = torch.randn(sum(math.prod(shape) for _, shape in shapes), generator=generator) * 0.4
        flat[:WIDTH] = 0  # the padding row

        def value_of(loss, w, c):
            p = model.unflatten(w, shapes)
            p["item.weight"] = fused(fusion, p, matrix)
            each = [model.losses(loss, p, model.hidden(kinds, p, rows[:-1][-model.HISTORY:]), rows[1:][-model.HISTORY:],
                                 own[-model.HISTORY:]) for rows, own in zip(data[c], negs[c])]
            return torch.cat(each).mean()

        with open(os.path.join(folder, f"features_{fusion}.txt"), "w") as out:
            def write(name, values):
                values = torch.as_tensor(values).reshape(-1).tolist()
                out.write(f"{name} {len(values)} " + " ".join(f"{v:.9g}" for v in values) + "\n")
            write("items_width_heads_blocks_history_negatives",
                  [ITEMS, WIDTH, model.HEADS, model.BLOCKS, model.HISTORY, model.NEGATIVES])
            write("matrix", matrix)
            write("weights", flat)
            for c in range(model.CLIENTS):
                for s, rows in enumerate(data[c]):
                    write(f"client{c}.rows{s}", rows)
                    write(f"client{c}.negatives{s}", negs[c][s])
                    p = model.unflatten(flat, shapes)
                    p["item.weight"] = fused(fusion, p, matrix)
                    write(f"client{c}.scores{s}", model.hidden(kinds, p, rows[-model.HISTORY:])[-1] @ p["item.weight"].T)
                for loss in ("softmax", "sampled_softmax", "bce"):
                    w = flat.clone().requires_grad_()
                    value = value_of(loss, w, c)
                    write(f"client{c}.{loss}.loss", value.detach())
                    write(f"client{c}.{loss}.gradient", torch.autograd.grad(value, w)[0])
                    for _ in range(STEPS):
                        gradient = torch.autograd.grad(value_of(loss, w, c), w)[0]
                        w = (w - RATE * gradient).detach().requires_grad_()
                    write(f"client{c}.{loss}.delta", w.detach() - flat)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../../tests/model/golden"))
