#!/usr/bin/env python3
"""How much of a message the resources alone bring back: v2 -> FHIR -> v2 without the original that travels along.

    tests/resources_only.py EPRGW DIR... [--show N]        exit 1 below --least (95)

A value counts when the ledger says that it stands in an element: mapped, transformed or defaulted. It is back when the
message that the resources give holds it at the same segment, occurrence, field, repetition, component and
subcomponent. A time is compared as it is written, since its precision is part of it. Standard library only.
"""
import argparse, concurrent.futures, collections, json, os, re, subprocess, sys, tempfile

PLACE = re.compile(r"^([A-Z0-9]{3})(?:\[(\d+)\])?-(\d+)(?:\[(\d+)\])?(?:\.(\d+))?(?:\.(\d+))?$")
IN_AN_ELEMENT = ("mapped", "transformed", "defaulted")


def leaves(message):
    """Every value by its place, all six numbers of it."""
    found, seen = {}, collections.Counter()
    lines = [line for line in re.split(r"[\r\n]+", message) if len(line) > 3]
    head = next((line for line in lines if line.startswith("MSH")), "MSH|^~\\&")
    bar, (hat, tilde), ampersand = head[3], head[4:6], (head + "    ")[7]
    for line in lines:
        name = line[:3]
        seen[name] += 1
        fields = line.split(bar)
        if name == "MSH":
            fields = fields[:1] + [bar] + fields[1:]
        for n, field in enumerate(fields):
            if n == 0 or not field or (name == "MSH" and n < 3):
                continue
            for r, repetition in enumerate(field.split(tilde), 1):
                for c, component in enumerate(repetition.split(hat), 1):
                    for s, value in enumerate(component.split(ampersand), 1):
                        if value:
                            found[name, seen[name], n, r, c, s] = " ".join(value.split())
    return found


def place(text):
    found = PLACE.match(text)
    return found and (found[1],) + tuple(int(part or 1) for part in found.groups()[1:])


def text(raw):
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def run(program, site, path):
    """(came back, was in an element, places that did not come back)"""
    command = [program, "translate", path, "--site", site]
    ledger = subprocess.run(command + ["--ledger", "--format", "json", "--out", os.path.dirname(site)], capture_output=True)
    back = subprocess.run(command + ["--roundtrip"], capture_output=True)
    sent, got = leaves(text(open(path, "rb").read())), leaves(text(back.stdout))
    kept, lost = 0, []
    for row in ledger.stderr.splitlines():
        if not row.startswith(b"{"):
            continue
        for line in json.loads(row)["lines"]:
            at = place(line["location"])
            if line["outcome"] not in IN_AN_ELEMENT or at not in sent:
                continue
            if got.get(at) == sent[at]:
                kept += 1
            else:
                lost.append(line["location"])
    return kept, kept + len(lost), lost


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("program")
    ask.add_argument("folder", nargs="+")
    ask.add_argument("--least", type=float, default=95.0)
    ask.add_argument("--show", type=int, default=0, help="the N places that most often do not come back")
    ask.add_argument("--jobs", type=int, default=2)
    asked = ask.parse_args()
    paths = sorted(
        os.path.join(folder, name)
        for top in asked.folder
        for folder, _, names in os.walk(top)
        for name in names
        if name.endswith(".hl7") and not name.endswith((".back.hl7", "expected.hl7"))
    )
    with tempfile.TemporaryDirectory() as scratch:
        site = os.path.join(scratch, "bare.toml")
        with open(site, "w") as file:
            file.write("carry-original = false\n")
        with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
            results = list(pool.map(lambda path: run(asked.program, site, path), paths))
    kept, all_, lost = 0, 0, collections.Counter()
    for some, of, places in results:
        kept, all_ = kept + some, all_ + of
        lost.update(re.sub(r"\[\d+\]", "", at) for at in places)
    share = 100 * kept / all_ if all_ else 0
    print(f"{len(paths)} messages: {kept} of {all_} values in an element come back from the resources alone: {share:.2f} %")
    for at, count in lost.most_common(asked.show):
        print(f"  {count:6}  {at}")
    sys.exit(0 if all_ and share >= asked.least else 1)


main()
