#!/usr/bin/env python3
"""Workload w4 in plain PyTorch: the alternative that `rondo-sim bench --workload w4` is timed beside.

    bench/pytorch_w4.py FOLDER [--threads 2] [--cohort 128]

FOLDER holds ml-1m.inter. One user is one client that takes one SGD step of rate 1 over its own positions; the mean,
weighted by positions, goes to a server Adam. One local step makes the cohort one minibatch, so clients share weights:
the fastest honest form. Packs of similar length (of 4, 8, 16 and 32 users the best), one Python thread a core, full softmax only where there is a target.
Prints one line "RESULT {...}".
"""

import argparse
import collections
import json
import math
import os
import resource
import threading
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

WIDTH, BLOCKS, HISTORY, DROPOUT, RATE, PACK = 64, 2, 200, 0.2, 2e-3, 16


def read_users(folder):
    """Training rows of each user, oldest first, without the two events held out; and the number of items."""
    events = collections.defaultdict(list)
    with open(os.path.join(folder, "ml-1m.inter")) as file:
        next(file)
        for line_number, line in enumerate(file):
            user, item, _, moment = line.split("\t")[:4]
            events[user].append((float(moment), line_number, item))
    rows = {}
    users = []
    for user in sorted(events, key=lambda name: (len(name), name)):
        items = [rows.setdefault(item, len(rows) + 1) for _, _, item in sorted(events[user])]
        if len(items) >= 4:
            users.append(items[:-2][-HISTORY - 1:])
    return users, len(rows)


class Model:
    """SASRec: pre-norm blocks of one-head causal attention and a ReLU layer, item table shared with the output."""

    def __init__(self, items):
        torch.manual_seed(1)
        self.weights = [torch.randn(items + 1, WIDTH) * 0.02, torch.randn(HISTORY, WIDTH) * 0.02]
        for _ in range(BLOCKS):
            for _ in range(6):  # query, key, value, output and two layers
                self.weights += [torch.randn(WIDTH, WIDTH) * 0.6 / math.sqrt(WIDTH), torch.zeros(WIDTH)]
            self.weights += [torch.ones(WIDTH), torch.zeros(WIDTH), torch.ones(WIDTH), torch.zeros(WIDTH)]
        self.weights += [torch.ones(WIDTH), torch.zeros(WIDTH)]
        self.weights[0][0] = 0
        for weight in self.weights:
            weight.requires_grad_(True)

    def hidden(self, rows):
        """[B, L] padded on the left with 0 to [B, L, width]."""
        length = rows.shape[1]
        table, places = self.weights[:2]
        x = F.dropout(table[rows] * math.sqrt(WIDTH) + places[HISTORY - length:], DROPOUT)
        real = (rows > 0).unsqueeze(1)
        seen = torch.ones(length, length, dtype=torch.bool).tril() & real | torch.eye(length, dtype=torch.bool)
        forbidden = torch.zeros(seen.shape).masked_fill(~seen, -math.inf)
        for block in range(BLOCKS):
            w = self.weights[2 + 16 * block:]
            normal = F.layer_norm(x, (WIDTH,), w[12], w[13])
            query, key, value = (F.linear(normal, w[2 * i], w[2 * i + 1]) for i in range(3))
            scores = query @ key.transpose(1, 2) / math.sqrt(WIDTH) + forbidden
            mixed = F.dropout(torch.softmax(scores, -1), DROPOUT) @ value
            x = x + F.dropout(F.linear(mixed, w[6], w[7]), DROPOUT)
            normal = F.layer_norm(x, (WIDTH,), w[14], w[15])
            inner = F.dropout(F.relu(F.linear(normal, w[8], w[9])), DROPOUT)
            x = x + F.dropout(F.linear(inner, w[10], w[11]), DROPOUT)
        return F.layer_norm(x, (WIDTH,), self.weights[-2], self.weights[-1])

    def gradients(self, users):
        """Of the summed loss over all positions of a pack of users."""
        length = max(len(user) for user in users) - 1
        rows = torch.zeros(len(users), length, dtype=torch.long)
        targets = torch.zeros_like(rows)
        for i, user in enumerate(users):
            rows[i, length - len(user) + 1:] = torch.tensor(user[:-1])
            targets[i, length - len(user) + 1:] = torch.tensor(user[1:])
        where = targets.flatten().nonzero().squeeze(1)
        states = self.hidden(rows).reshape(-1, WIDTH)[where]
        loss = F.cross_entropy(states @ self.weights[0][1:].T, targets.flatten()[where] - 1, reduction="sum")
        return torch.autograd.grad(loss, self.weights), float(loss), len(where)


class ServerAdam:
    def __init__(self, weights):
        self.first = [torch.zeros_like(weight) for weight in weights]
        self.second = [torch.zeros_like(weight) for weight in weights]
        self.steps = 0

    @torch.no_grad()
    def step(self, weights, deltas):
        self.steps += 1
        for weight, delta, first, second in zip(weights, deltas, self.first, self.second):
            first.mul_(0.9).add_(delta, alpha=0.1)
            second.mul_(0.99).addcmul_(delta, delta, value=0.01)
            scale = (second / (1 - 0.99 ** self.steps)).sqrt_().add_(1e-8)
            weight.addcdiv_(first, scale, value=RATE / (1 - 0.9 ** self.steps))
        weights[0][0] = 0


def play_round(model, server, users, threads):
    users = sorted(users, key=len)
    packs = [users[i:i + PACK] for i in range(0, len(users), PACK)]
    sums, losses, positions = [None] * threads, [0.0] * threads, [0] * threads

    def work(thread):
        for pack in packs[thread::threads]:
            gradients, loss, count = model.gradients(pack)
            sums[thread] = gradients if sums[thread] is None else [a.add_(b) for a, b in zip(sums[thread], gradients)]
            losses[thread] += loss
            positions[thread] += count

    workers = [threading.Thread(target=work, args=(thread,)) for thread in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    total = sum(positions)
    server.step(model.weights, [-sum(parts) / total for parts in zip(*[part for part in sums if part])])
    return sum(losses) / total


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cohort", type=int, default=128)
    options = parser.parse_args()
    torch.set_num_threads(1)
    users, items = read_users(options.folder)
    model = Model(items)
    server = ServerAdam(model.weights)

    def cohort(index):
        return [users[(index * options.cohort + i) % len(users)] for i in range(options.cohort)]

    play_round(model, server, cohort(0), options.threads)
    rounds, seconds = 0, 0.0
    while rounds < 5 or seconds < 10:
        rounds += 1
        start = time.perf_counter()
        loss = play_round(model, server, cohort(rounds), options.threads)
        seconds += time.perf_counter() - start
    print("RESULT " + json.dumps({
        "workload": "w4", "threads": options.threads, "units_per_s": options.cohort * rounds / seconds,
        "rounds": rounds, "loss": loss,
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0}))


main()
