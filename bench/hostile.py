#!/usr/bin/env python3
"""Attacks a live coordinator while honest clients run rounds, and prints what that costs them.

    bench/hostile.py build/release/bin                       10^6 malformed frames, 1,000 slow connections, 500 connections/s
    bench/hostile.py build/release/bin --frames 20000 --seconds 5

Makes a small federation of three honest clients and one member that attacks with its own certificate, in a temporary folder,
on loopback. Attackers run at the lowest priority and come from other loopback addresses than the clients. Each phase lasts
--seconds, or until its frames are sent. The last line is one JSON object. Exit code 1 if the coordinator or a client died.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import selectors
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HONEST = 3
SCENARIO = """name = "hostile"
[model]
width = 16
blocks = 1
history = 8
[client]
steps = 2
batch_size = 64
[strategy]
name = "fedadam"
rounds = 1000000
cohort = 3
over_selection = 1.4
deadline_s = 20
max_void_rounds = 1000
[evaluation]
every = 0
"""
FRAME_TYPES = 16
BATCH = 500  # Malformed frames in one write; the first of them ends a connection.


def frame(kind, payload=b"", length=None, version=1):
    return struct.pack(">IBB", len(payload) if length is None else length, kind, version) + payload


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def text(number, value):
    return varint(number << 3 | 2) + varint(len(value)) + value


def hello(catalogue):
    return frame(1, varint(1 << 3) + varint(1) + text(2, b"hostile") + text(3, catalogue))


def malformed(random):
    """One frame that no decoder takes, of one of nine sorts."""
    kind = random.randrange(1, FRAME_TYPES + 1)
    sort = random.randrange(9)
    noise = random.randbytes(random.randrange(1, 60))
    if sort == 0:
        return frame(kind, length=0xFFFFFFFF)
    if sort == 1:
        return frame(random.randrange(FRAME_TYPES + 1, 256), noise)
    if sort == 2:
        return frame(kind, noise, version=random.randrange(2, 256))
    if sort == 3:
        return frame(kind, b"\xff" * len(noise))  # A varint without end.
    if sort == 4:
        return frame(kind, text(1, noise)[:-1])
    if sort == 5:
        return frame(kind, b"\x7b" * len(noise))  # Groups in each other.
    if sort == 6:
        return frame(2, noise)  # What only a coordinator sends.
    if sort == 7:
        return frame(9, text(3, b"\xff\xfe" * 9))  # No UTF-8.
    return frame(kind, random.randbytes(40))


def out_of_place(random, chunk):
    """A frame that is well formed and that no offer asks for."""
    round_number = varint(1 << 3) + varint(random.randrange(1, 1 << 31))
    if random.randrange(2):
        return frame(9, round_number + text(3, b"no"))
    return frame(11, round_number + varint(3 << 3) + varint(len(chunk)) + text(5, chunk))


class Target:
    """What an attacker knows."""

    def __init__(self, folder, port):
        self.port = port
        member = folder / "federation/clients/mallory"
        self.files = member / "client.crt", member / "client.key"
        self.authority = member / "ca.crt"
        import hashlib
        self.catalogue = hashlib.sha256((folder / "catalogue.tsv").read_bytes()).hexdigest().encode()

    def connect(self, source):
        return socket.create_connection(("127.0.0.1", self.port), timeout=10, source_address=(source, 0))

    def tls(self, source, member, enrol):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.authority)
        if member:
            context.load_cert_chain(*self.files)
        if enrol:
            context.set_alpn_protocols(["rondo-enrol/1"])
        return context.wrap_socket(self.connect(source), server_hostname="127.0.0.1")


def drain(connection):
    """Waits until the other side has closed."""
    connection.settimeout(10)
    try:
        while connection.recv(65536):
            pass
    except OSError:
        pass


def send_frames(target, counts, until, share, sort):
    """Connects again and again, sending malformed frames over each connection."""
    import random as module
    random = module.Random(os.getpid())
    chunk = random.randbytes(32)
    while time.monotonic() < until and counts["frames"].value < share:
        sent = 0
        try:
            if sort == "plain":
                connection = target.connect("127.0.0.2")
                connection.sendall(b"".join(malformed(random) for _ in range(BATCH)))
                sent = BATCH
            elif sort == "newcomer":
                connection = target.tls("127.0.0.3", member=False, enrol=True)
                connection.sendall(b"".join(malformed(random) for _ in range(BATCH)))
                sent = BATCH
            elif sort == "member":
                connection = target.tls("127.0.0.4", member=True, enrol=False)
                connection.sendall(hello(target.catalogue) + b"".join(malformed(random) for _ in range(BATCH)))
                sent = BATCH
            else:
                connection = target.tls("127.0.0.5", member=True, enrol=False)
                connection.sendall(hello(target.catalogue))
                while time.monotonic() < until and counts["frames"].value + sent < share:
                    connection.sendall(b"".join(out_of_place(random, chunk) for _ in range(BATCH)))
                    sent += BATCH
                    connection.setblocking(False)
                    try:
                        if not connection.recv(65536):
                            break
                    except (ssl.SSLWantReadError, BlockingIOError):
                        pass
                    connection.setblocking(True)
            if sort != "out of place":
                drain(connection)
            connection.close()
        except OSError:
            pass
        counts["frames"].value += sent
        counts["connections"].value += 1


def slow(target, counts, until, number):
    """Holds connections that send one byte of a TLS greeting a second, and opens those anew that were closed."""
    greeting = bytes.fromhex("1603010200010001fc0303") + bytes(500)
    selector = selectors.DefaultSelector()
    open_now = {}
    next_byte = time.monotonic()
    while time.monotonic() < until:
        for _ in range(min(100, number - len(open_now))):
            connection = socket.socket()
            connection.setblocking(False)
            connection.bind((f"127.0.1.{1 + counts['connections'].value % 8}", 0))
            connection.connect_ex(("127.0.0.1", target.port))
            selector.register(connection, selectors.EVENT_READ)
            open_now[connection] = 0
            counts["connections"].value += 1
        counts["open"].value = max(counts["open"].value, len(open_now))
        for key, _ in selector.select(timeout=0.05):
            selector.unregister(key.fileobj)
            del open_now[key.fileobj]
            key.fileobj.close()
        if time.monotonic() >= next_byte:
            next_byte += 1
            for connection in open_now:
                try:
                    connection.send(greeting[open_now[connection] % 500:][:1])
                    open_now[connection] += 1
                except OSError:
                    pass  # Closed meanwhile; the next look finds it.


def flood(target, counts, until, rate):
    """Opens so many connections a second from sixteen addresses and leaves each after a greeting's first bytes."""
    start = time.monotonic()
    held = []
    while time.monotonic() < until:
        due = int((time.monotonic() - start) * rate) - counts["connections"].value
        for _ in range(due):
            connection = socket.socket()
            connection.setblocking(False)
            connection.bind((f"127.0.2.{1 + counts['connections'].value % 16}", 0))
            connection.connect_ex(("127.0.0.1", target.port))
            held.append(connection)
            counts["connections"].value += 1
        for connection in held[:-200]:
            connection.close()
        held = held[-200:]
        time.sleep(0.005)


class Federation:
    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        items = [f"i{i}" for i in range(1, 41)]
        (folder / "catalogue.tsv").write_text("item_id\n" + "\n".join(items) + "\n")
        (folder / "scenario.toml").write_text(SCENARIO)
        names = [f"honest-{i}" for i in range(HONEST)]
        arguments = [f"--client={name}" for name in names + ["mallory"]]
        subprocess.run([programs / "rondo-coordinator", "init", "--scenario", "scenario.toml", "--catalogue", "catalogue.tsv", *arguments,
                        "--host", "127.0.0.1", "--port", "0", "--out", "federation"], cwd=folder, check=True, stderr=subprocess.DEVNULL)
        self.coordinator = self.start("coordinator", "rondo-coordinator", "run", "--config", "federation/coordinator.toml",
                                      "--set", f"server.expected_clients={HONEST}")
        address = folder / "federation/state/address"
        while not address.exists():
            self.check()
            time.sleep(0.05)
        self.port = int(address.read_text().strip().rsplit(":", 1)[1])
        self.clients = []
        for number, name in enumerate(names):
            log = ["user_id:token\titem_id:token\ttimestamp:float"]
            log += [f"u{user}\t{items[(user * 7 + event * (1 + user % 3)) % 40]}\t{1000 * user + event}"
                    for user in range(100 * number, 100 * number + 24) for event in range(10)]
            (folder / f"log-{number}").mkdir()
            (folder / f"log-{number}/log.inter").write_text("\n".join(log) + "\n")
            self.clients.append(self.start(name, "rondo-client", "run", "--config", f"federation/clients/{name}/client.toml",
                                           "--set", f"coordinator.port={self.port}", "--set", f"data.path=log-{number}",
                                           "--set", "client.threads=1"))

    def start(self, name, program, *arguments):
        with open(self.folder / f"{name}.log", "w") as log:
            return subprocess.Popen([self.programs / program, *arguments], cwd=self.folder, stdout=log, stderr=log)

    def check(self):
        if self.coordinator.poll() is not None:
            sys.exit("the coordinator died:\n" + (self.folder / "coordinator.log").read_text()[-3000:])

    def crashes(self):
        return sum(process.poll() is not None for process in [self.coordinator, *self.clients])

    def rounds(self):
        path = self.folder / "federation/state/rounds.jsonl"
        if not path.exists():
            return []
        lines = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
        return [line for line in lines if "seconds" in line]

    def memory_mib(self, field):
        for line in pathlib.Path(f"/proc/{self.coordinator.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024

    def stop(self):
        for process in [*self.clients, self.coordinator]:
            process.kill()
            process.wait()


def phase(federation, seconds, attack=None, frames=None):
    """Runs an attack beside the rounds; returns what it sent and what the rounds took."""
    counts = {name: multiprocessing.Value("q", 0, lock=False) for name in ("frames", "connections", "open")}
    before = len(federation.rounds())
    start = time.monotonic()
    until = start + seconds
    worker = None
    if attack:
        def run():
            os.nice(19)
            attack(counts, until if frames is None else start + 1800)
        worker = multiprocessing.Process(target=run)
        worker.start()
    while time.monotonic() < until or (frames is not None and worker.is_alive()):
        federation.check()
        time.sleep(0.1)
    if worker:
        worker.join()
    took = time.monotonic() - start
    rounds = federation.rounds()[before:]
    times = [line["seconds"] for line in rounds]
    return {"seconds": round(took, 1), "frames": counts["frames"].value, "connections": counts["connections"].value,
            "open": counts["open"].value, "rounds": len(rounds), "void": sum(bool(line.get("void")) for line in rounds),
            "round_s": statistics.median(times) if times else None,
            "p99_s": sorted(times)[int(len(times) * 0.99)] if times else None,
            "rounds_per_s": len(rounds) / took, "rss_mib": round(federation.memory_mib("VmRSS"), 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=pathlib.Path, help="folder of rondo-coordinator and rondo-client")
    parser.add_argument("--frames", type=int, default=1_000_000, help="malformed frames in all")
    parser.add_argument("--slow", type=int, default=1000, help="connections at one byte a second")
    parser.add_argument("--rate", type=int, default=500, help="connections a second of the flood")
    parser.add_argument("--seconds", type=float, default=20, help="of each phase")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        federation = Federation(options.programs.resolve(), folder)
        try:
            target = Target(folder, federation.port)
            while len(federation.rounds()) < 20:
                federation.check()
                time.sleep(0.1)
            quarter = options.frames // 4

            def frames_of(sort):
                return lambda counts, until: send_frames(target, counts, until, quarter, sort)

            plan = [("nobody", None, None), ("malformed, no TLS", frames_of("plain"), quarter),
                    ("malformed, newcomer", frames_of("newcomer"), quarter), ("malformed, member", frames_of("member"), quarter),
                    ("out of place, member", frames_of("out of place"), quarter),
                    (f"{options.slow} at 1 B/s", lambda counts, until: slow(target, counts, until, options.slow), None),
                    (f"{options.rate} connections/s", lambda counts, until: flood(target, counts, until, options.rate), None),
                    ("nobody again", None, None)]
            print(f"{'attack':<22} {'frames':>8} {'connections':>11} {'rounds':>7} {'void':>5} {'rounds/s':>8} {'median s':>9} {'99 % s':>8} {'RSS MiB':>8}")
            results = {}
            for title, attack, frames in plan:
                result = results[title] = phase(federation, options.seconds, attack, frames)
                print(f"{title:<22} {result['frames']:>8} {result['connections']:>11} {result['rounds']:>7} {result['void']:>5} "
                      f"{result['rounds_per_s']:>8.1f} {result['round_s'] or 0:>9.4f} {result['p99_s'] or 0:>8.4f} {result['rss_mib']:>8}", flush=True)
            crashes = federation.crashes()
            print(json.dumps({"schema_version": 1, "phases": results, "peak_rss_mib": round(federation.memory_mib("VmHWM"), 1),
                              "crashes": crashes, "log_kib": (folder / "coordinator.log").stat().st_size >> 10}))
            return 1 if crashes else 0
        finally:
            federation.stop()


if __name__ == "__main__":
    sys.exit(main())
