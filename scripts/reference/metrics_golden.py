#!/usr/bin/env python3
"""Writes golden files for common/metrics, computed with numpy and exact fractions from the definitions in docs/metrics.md.

rank.txt            rows target negatives k | scores | seen | greater ties candidates | full hr ndcg mrr | sampled hr ndcg mrr
exposure.txt        gini, coverage and novelty of the lists of rank.txt-like score rows, and the rows
lists/*.tsv         recommendation lists with ties and repeats, their truth, and the expected metrics
baselines/*.txt     random sequences, histories, and dense scores of popularity, markov1 and item_knn

usage: metrics_golden.py FOLDER
"""
import os
import sys
from fractions import Fraction
from math import comb

import numpy as np


def metrics_of(positions, k):
    """positions: probability of each 0-based position."""
    places = np.arange(1, k + 1)
    p = np.array([float(x) for x in positions[:k]])
    return p.sum(), (p / np.log2(places + 1)).sum(), (p / places).sum()


def full_positions(greater, ties, length):
    places = range(greater, greater + ties + 1)
    return [Fraction(1, ties + 1) if p in places else Fraction(0) for p in range(length)]


def sampled_positions(greater, ties, less, negatives, length):
    """Sums over how many greater, tied and lesser items are drawn: the multivariate hypergeometric law."""
    others = greater + ties + less
    drawn = min(negatives, others)
    total = comb(others, drawn)
    positions = [Fraction(0)] * length
    for x in range(min(greater, drawn) + 1):
        for y in range(min(ties, drawn - x) + 1):
            z = drawn - x - y
            if z > less:
                continue
            weight = Fraction(comb(greater, x) * comb(ties, y) * comb(less, z), total)
            for p in range(x, min(x + y + 1, length)):
                positions[p] += weight / (y + 1)
    return positions


def write_ranks(folder, rng):
    with open(f"{folder}/rank.txt", "w") as out:
        for case in range(60):
            items = int(rng.integers(5, 80))
            levels = int(rng.choice([2, 4, 1000]))
            scores = rng.integers(0, levels, items + 1) / 8.0
            target = int(rng.integers(1, items + 1))
            seen = sorted(int(i) for i in rng.choice(np.arange(1, items + 1), items // 4, replace=False))
            negatives = int(rng.choice([1, 10, 30, 99]))
            k = int(rng.choice([1, 5, 10]))
            keep = [i for i in range(1, items + 1) if i not in seen and i != target]
            greater = int(sum(scores[i] > scores[target] for i in keep))
            ties = int(sum(scores[i] == scores[target] for i in keep))
            less = len(keep) - greater - ties
            full = metrics_of(full_positions(greater, ties, k), k)
            sampled = metrics_of(sampled_positions(greater, ties, less, negatives, k), k)
            print(items + 1, target, negatives, k, file=out)
            print(*scores, file=out)
            print(len(seen), *seen, file=out)
            print(greater, ties, len(keep) + 1, file=out)
            print(*[repr(float(v)) for v in full + sampled], file=out)


def write_exposure(folder, rng):
    items, lists, k, users = 30, 40, 5, 200
    item_users = np.concatenate([[0], rng.integers(0, users, items)])
    shown = np.zeros(items + 1)
    rows = []
    for _ in range(lists):
        scores = rng.integers(0, 6, items + 1) / 2.0
        seen = sorted(int(i) for i in rng.choice(np.arange(1, items + 1), 4, replace=False))
        rows.append((scores, seen))
        free = k
        keep = np.array([i for i in range(1, items + 1) if i not in seen])
        for level in sorted(set(scores[keep]), reverse=True):
            group = keep[scores[keep] == level]
            shown[group] += min(1.0, free / len(group))
            free = max(0, free - len(group))
    values = shown[1:]
    gini = np.abs(values[:, None] - values[None, :]).sum() / (2 * items**2 * values.mean())
    novelty = (values * -np.log2((item_users[1:] + 1) / (users + 1))).sum() / values.sum()
    with open(f"{folder}/exposure.txt", "w") as out:
        print(items, lists, k, users, file=out)
        print(*item_users, file=out)
        print(repr(float((values > 0).mean())), repr(float(gini)), repr(float(novelty)), file=out)
        for scores, seen in rows:
            print(*scores, file=out)
            print(len(seen), *seen, file=out)


def write_lists(folder, rng):
    os.makedirs(folder, exist_ok=True)
    ks = (1, 5, 10)
    lists, truth = {}, {}
    for u in range(40):
        user = f"u{u}"
        if u % 7 != 3:
            lists[user] = [(f"i{int(rng.integers(0, 30))}", float(rng.integers(0, 8)) / 4 - 1) for _ in range(20)]
        if u % 5 != 4:
            truth[user] = {f"i{int(i)}" for i in rng.integers(0, 30, int(rng.integers(1, 14)))}
    with open(f"{folder}/recommendations.tsv", "w") as out:
        print("user_id", "item_id", "score", sep="\t", file=out)
        rows = [(u, i, s) for u, row in lists.items() for i, s in row]
        for place in rng.permutation(len(rows)):
            print(*rows[place], sep="\t", file=out)
    with open(f"{folder}/truth.tsv", "w") as out:
        print("user_id", "item_id", sep="\t", file=out)
        for user, items in truth.items():
            for item in sorted(items):
                print(user, item, sep="\t", file=out)
    with open(f"{folder}/expected.txt", "w") as out:
        print("users", len(truth), file=out)
        for k in ks:
            table = np.zeros((len(truth), 7))
            for row, (user, relevant) in enumerate(truth.items()):
                order = sorted(lists.get(user, []), key=lambda pair: (-pair[1], pair[0].encode()))
                items = list(dict.fromkeys(item for item, _ in order))[:k]
                hit = np.array([item in relevant for item in items] + [False] * (k - len(items)), float)
                best = min(k, len(relevant))
                discount = 1 / np.log2(np.arange(2, k + 2))
                precision, recall = hit.sum() / k, hit.sum() / len(relevant)
                table[row] = [
                    hit.any(),
                    (hit * discount).sum() / discount[:best].sum(),
                    1 / (1 + hit.argmax()) if hit.any() else 0,
                    precision,
                    recall,
                    2 * precision * recall / (precision + recall) if hit.any() else 0,
                    (hit * hit.cumsum() / np.arange(1, k + 1)).sum() / best,
                ]
            for name, value in zip(("hr", "ndcg", "mrr", "precision", "recall", "f1", "map"), table.mean(0)):
                print(f"{name}@{k}", repr(float(value)), file=out)


def write_scores(path, histories, scores):
    with open(path, "w") as out:
        print(len(histories), len(scores[0]), file=out)
        for history, row in zip(histories, scores):
            print(len(history), *history, file=out)
            print(*[repr(float(v)) for v in row], file=out)


def write_baselines(folder, rng):
    os.makedirs(folder, exist_ok=True)
    users, items, neighbours, shrink = 40, 25, 6, 20.0
    taste = rng.dirichlet(np.full(items, 0.3), 4)
    sequences = [[int(i) + 1 for i in rng.choice(items, int(rng.integers(3, 15)), p=taste[u % 4])] for u in range(users)]
    histories = sequences[:10]
    with open(f"{folder}/sequences.txt", "w") as out:
        print(users, items, neighbours, shrink, file=out)
        for sequence in sequences:
            print(len(sequence), *sequence, file=out)
    count = np.zeros(items + 1)
    follow = np.zeros((items + 1, items + 1))
    own = np.zeros((users, items + 1))
    for u, sequence in enumerate(sequences):
        np.add.at(count, sequence, 1)
        np.add.at(follow, (sequence[:-1], sequence[1:]), 1)
        own[u, sequence] = 1
    write_scores(f"{folder}/popularity.txt", histories, [count for _ in histories])
    write_scores(f"{folder}/markov1.txt", histories, [follow[h[-1]] + count / (count.max() + 1) for h in histories])
    both = own.T @ own
    size = np.sqrt(np.maximum(np.diag(both), 1e-12))
    similar = both / np.outer(size, size) * both / (both + shrink)
    np.fill_diagonal(similar, 0)
    nearest = np.zeros_like(similar)
    for j in range(items + 1):
        bound = np.sort(similar[j].astype(np.float32))[-neighbours]
        nearest[j] = np.where(similar[j].astype(np.float32) >= bound, similar[j], 0)
    write_scores(f"{folder}/item_knn.txt", histories, own[:10] @ nearest.T)


def main():
    folder = sys.argv[1]
    rng = np.random.default_rng(20260101)
    os.makedirs(folder, exist_ok=True)
    write_ranks(folder, rng)
    write_exposure(folder, rng)
    write_lists(f"{folder}/lists", rng)
    write_baselines(f"{folder}/baselines", rng)


if __name__ == "__main__":
    main()
