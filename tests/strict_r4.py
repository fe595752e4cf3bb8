#!/usr/bin/env python3
"""Every expected Bundle under fixtures/ passes a strict R4 reader that is none of ours: `fhirkit` (PyPI `fhirkit-rs`).

The goldens hold the translator to these Bundles byte for byte, so what holds for them holds for what we emit.
Usage: tests/strict_r4.py    (with a Python that has fhirkit-rs; .ci/run installs one)
"""

import json
import pathlib
import sys

import fhirkit

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUNDLES = sorted(ROOT.glob("fixtures/messages/**/*.fhir.json"))


def faults(text):
    """What the reader says against a resource; reading is strict, so an unknown element is a fault too."""
    try:
        resource = fhirkit.parse(text, strict=True)
    except (fhirkit.ParseError, fhirkit.ValidationError) as error:
        return [str(error)]
    return [f"{issue.path}: {issue.message}" for issue in resource.issues]


def must_notice():
    """A check that cannot fail shows nothing: three faults of ours that the reader has to see."""
    good = json.loads(BUNDLES[0].read_text(encoding="utf-8"))
    for spoil in (
        lambda bundle: bundle.update(type=""),
        lambda bundle: bundle["entry"][0]["resource"].pop("source"),
        lambda bundle: bundle["entry"][0]["resource"].update(noSuchElement=1),
    ):
        bad = json.loads(json.dumps(good))
        spoil(bad)
        if not faults(json.dumps(bad)):
            sys.exit("the strict reader let a planted fault pass")


def main():
    if not BUNDLES:
        sys.exit("no expected Bundles under fixtures/messages")
    must_notice()
    found = 0
    for path in BUNDLES:
        for fault in faults(path.read_text(encoding="utf-8")):
            found += 1
            print(f"{path.relative_to(ROOT)}: {fault}")
    print(f"{len(BUNDLES)} Bundles, {found} faults")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
