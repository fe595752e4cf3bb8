#!/usr/bin/env python3
"""How long it takes to read one message, here and elsewhere, one after the other on the same machine.

Each rival parses the message and reads PID-3.1 and MSH-9.2. What they do beside that differs; README.md says how.
Usage: benches/rivals/rivals.py [FILE]    (installs the rivals from PyPI and npm below target/rivals)
"""

import json
import pathlib
import re
import subprocess
import sys
import time
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HOME = ROOT / "target" / "rivals"
PYPI = ["hl7==0.4.5", "hl7apy==1.3.5"]
NPM = ["@medplum/core@4.5.2", "node-hl7-client@3.2.0"]
SECONDS = 3


def install():
    python = HOME / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(HOME / "venv", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PYPI], check=True)
    if not (HOME / "node_modules" / "node-hl7-client").exists():
        subprocess.run(["npm", "install", "--silent", "--no-fund", "--no-audit", *NPM], cwd=HOME, check=True)
    return python


def best_of(read):
    read()
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(20):
            read()
        best = min(best, (time.perf_counter() - start) / 20)
    return best * 1e6


def python_rivals(text):
    import hl7
    import hl7apy.parser

    def with_hl7():
        message = hl7.parse(text)
        return str(message["PID.F3.R1.C1"]), str(message["MSH.F9.R1.C2"])

    def with_hl7apy():
        message = hl7apy.parser.parse_message(text, find_groups=False)
        return message.pid.pid_3[0].cx_1.value, message.msh.msh_9.msh_9_2.value

    for name, read in (("python hl7", with_hl7), ("hl7apy", with_hl7apy)):
        print(json.dumps({"name": name, "microseconds": best_of(read)}))


def ours():
    """`parse` of our own crate and of hl7-parser, parsed and the routing fields read, by criterion."""
    command = ["cargo", "bench", "--bench", "parse", "--", "--measurement-time", str(SECONDS), "adt_a01/.*routing_fields"]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    scale = {"ns": 1e-3, "µs": 1.0, "ms": 1e3}
    for name, label in (("own_routing_fields", "eprgw hl7v2"), ("hl7-parser_routing_fields", "hl7-parser")):
        found = re.search(rf"parse/adt_a01/{name}\s+time:\s+\[([\d.]+) (\S+)", printed)
        yield {"name": label, "microseconds": float(found[1]) * scale[found[2]]}


def main():
    file = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "fixtures" / "bench" / "adt_a01.hl7"
    if "--inside" in sys.argv:
        return python_rivals(file.read_bytes().decode())
    HOME.mkdir(parents=True, exist_ok=True)
    python = install()
    rows = list(ours())
    for command in (
        [python, __file__, file, "--inside"],
        ["node", ROOT / "benches" / "rivals" / "rivals.mjs", file, str(SECONDS)],
    ):
        printed = subprocess.run(command, cwd=HOME, check=True, capture_output=True, text=True).stdout
        rows += [json.loads(line) for line in printed.splitlines()]
    rows.sort(key=lambda row: row["microseconds"])
    for row in rows:
        ratio = row["microseconds"] / rows[0]["microseconds"]
        print(f"{row['name']:<18} {row['microseconds']:>10.2f} µs {ratio:>9.0f}x")


if __name__ == "__main__":
    main()
