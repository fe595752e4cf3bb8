#!/usr/bin/env python3
"""docs/transcripts.md: sessions with each mock EPR, made by running them.

Starts `eprgw` with tokens asked for, runs each command below with curl or over MLLP, and writes down what was sent and what
came back, so that a reader can lay it beside the vendor's own documentation. What changes with every run (times, tokens,
ports, request ids) is written as a word in angle brackets; long bodies are cut, and say so.

Usage: tests/transcripts.py [--program PATH] [--check]
With --check nothing is written: it ends with 1 when the page is not what these commands say today.
"""

import argparse
import base64
import difflib
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "transcripts.md"
TENANT = "7f3e2a54-0c1b-4d6e-9a8f-5b21c0de9990"
SECRET = "synthetic-secret-of-this-page"
HEADERS = {
    "content-type", "etag", "location", "www-authenticate", "retry-after", "x-progress", "content-location", "cache-control",
    "allow", "expires", "content-length",
}
LINES_MAX = 34
ADMISSION = {
    "lastword": "margaret-1-admission", "millennium": "margaret-1-admission", "epic": "margaret-1-admission",
}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """An RSA key of this run, by openssl."""

    def __init__(self, folder):
        self.pem = folder / "key.pem"
        subprocess.run(["openssl", "genrsa", "-out", self.pem, "2048"], check=True, capture_output=True)
        out = subprocess.run(["openssl", "rsa", "-in", self.pem, "-modulus", "-noout"], check=True, capture_output=True, text=True)
        modulus = bytes.fromhex(out.stdout.strip().split("=")[1])
        keys = {"keys": [{"kty": "RSA", "kid": "page", "alg": "RS384", "n": b64(modulus), "e": "AQAB"}]}
        self.jwks = folder / "keys.json"
        self.jwks.write_text(json.dumps(keys))

    def sign(self, claims):
        header = {"alg": "RS384", "typ": "JWT", "kid": "page"}
        signed = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
        done = subprocess.run(["openssl", "dgst", "-sha384", "-sign", self.pem], input=signed.encode(), check=True, capture_output=True)
        return f"{signed}.{b64(done.stdout)}"


class Session:
    """Commands, and what came of them, as one page."""

    def __init__(self, ready):
        self.console = ready["console"]
        self.ports = {name: int(address.rsplit(":", 1)[1]) for name, address in ready["systems"].items()}
        self.names = {}
        self.page = []

    def mask(self, text):
        text = text.replace(self.console, "http://127.0.0.1:8575").replace(self.console[7:], "127.0.0.1:8575")
        for value, name in self.names.items():
            text = text.replace(value, f"<{name}>")
        text = re.sub(r"jobs/[0-9a-f-]{36}|BulkRequest/[0-9a-f-]{36}|files/[0-9a-f-]{36}", lambda m: m[0].split("/")[0] + "/<job>", text)
        text = re.sub(r'("lastUpdated": ?|"transactionTime": ?|"recordedDate": ?)"[^"]+"', r'\1"<now>"', text)
        text = re.sub(r'<lastUpdated value="[^"]+"', '<lastUpdated value="<now>"', text)
        text = re.sub(r"\d+% complete", "<n>% complete", text)
        text = re.sub(r"urn:uuid:[0-9a-f-]{36}", "urn:uuid:<of this address>", text)
        text = re.sub(r"instances:\d+", "instances:<n>", text)
        text = re.sub(r"(?im)^expires: .*$", "expires: <in thirty days>", text)
        today = time.strftime("%Y%m%d")
        return re.sub(rf"\b{today}\d{{4,6}}(?:[+-]\d{{4}})?", "<now>", text)

    def say(self, words):
        self.page.append(words)

    def block(self, command, output):
        lines = self.mask(output).rstrip("\n").split("\n")
        if len(lines) > LINES_MAX:
            lines = lines[:LINES_MAX] + [f"… {len(lines) - LINES_MAX} more lines"]
        self.page.append("```console\n$ " + self.mask(command) + "\n" + "\n".join(lines) + "\n```")

    def curl(self, path, *options, shown=None, keep=()):
        """Runs curl; `keep` names members of the JSON answer to be masked from now on. Returns headers and body."""
        url = path if path.startswith("http") else self.console + path
        done = subprocess.run(["curl", "-sS", "-i", *options, url], capture_output=True, timeout=60)
        if done.returncode != 0:
            sys.exit(f"curl failed at {url}: {done.stderr.decode()}")
        head, _, body = done.stdout.decode().partition("\r\n\r\n")
        status, *fields = head.split("\r\n")
        headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        told = [status] + [f"{name}: {value}" for name, value in headers.items()
                          if name in HEADERS and (name != "content-length" or value == "0")]
        if body.startswith(("{", "[")):
            read = json.loads(body)
            if any(member not in read for member in keep):
                sys.exit(f"{path} answered {status}: {body}")
            for member in keep:
                self.names[read[member]] = member
            if "ndjson" not in headers.get("content-type", ""):
                body = json.dumps(read, indent=2, ensure_ascii=False)
        elif "xml" in headers.get("content-type", ""):
            body = body.replace("><", ">\n<")
        quoted = shlex.join(["curl", "-i", *options, url]) if shown is None else shown
        self.block(quoted, "\n".join(told) + ("\n\n" + body if body else ""))
        return headers, body

    def mllp(self, system, name, message):
        """Sends one message to a system's port and shows its ACK."""
        with socket.create_connection(("127.0.0.1", self.ports[system]), timeout=10) as wire:
            wire.sendall(b"\x0b" + message.encode("latin-1") + b"\x1c\r")
            answer = b""
            while not answer.endswith(b"\x1c\r"):
                answer += wire.recv(65536) or sys.exit(f"{system} closed without an ACK")
        text = answer.strip(b"\x0b\x1c\r").decode("latin-1").replace("\r", "\n")
        # Control ids of answers are given by the clock or by chance.
        lines = [re.sub(r"(\|ACK[^|]*\|)[^|]*", r"\1<id>", line) for line in text.split("\n")]
        sent = message.strip("\r").replace("\r", "\n")
        self.page.append(f"`{name}`, sent to the port of {system}:\n\n```hl7\n{sent}\n```\n\nits answer:\n\n```hl7\n"
                         + self.mask("\n".join(lines)) + "\n```")


def fixture(system, event="ADT_A01", name=None):
    path = ROOT / "fixtures/messages" / system / event / f"{name or ADMISSION[system]}.hl7"
    return re.sub(r"\r\n?|\n", "\r", path.read_bytes().decode("latin-1").strip()) + "\r"


def bad_event(message):
    segments = [one for one in message.split("\r") if one[:3] in ("MSH", "EVN", "PID")]
    return "\r".join([*segments, ""]).replace("ADT^A01", "ADT^Z99", 1)


def number_of(message):
    return next(line for line in message.split("\r") if line.startswith("PID")).split("|")[3].split("^")[0]


def lastword(session):
    session.say("## LastWord\n\nNo FHIR of its own: HL7 v2 by MLLP only. Carecast as at UCLH.")
    admission = fixture("lastword")
    session.mllp("lastword", "an admission", admission)
    session.mllp("lastword", "an event it does not take", bad_event(admission))
    session.mllp("lastword", "no message at all", "this is no HL7\r")


def millennium(session):
    face = f"/millennium/r4/{TENANT}"
    session.names[SECRET] = "secret"
    session.say("## Millennium\n\nThe token endpoint: HTTP Basic, client credentials, 570 seconds.")
    endpoint = f"/millennium/tenants/{TENANT}/protocols/oauth2/profiles/smart-v1/token"
    form = ["-d", "grant_type=client_credentials"]
    session.curl(f"{face}/Patient?family=Okonkwo")
    session.curl(endpoint, *form, "-d", "scope=system/Patient.rs", "-u", "bed-board:wrong")
    session.curl(endpoint, *form, "-d", "scope=system/Patient.read", "-u", f"bed-board:{SECRET}")
    types = ["Patient", "Encounter", "AllergyIntolerance", "ServiceRequest", "Group"]
    scope = " ".join(f"system/{name}.cruds" for name in types)
    _, body = session.curl(endpoint, *form, "-d", f"scope={scope}", "-u", f"bed-board:{SECRET}", keep=["access_token"])
    token = ["-H", "Authorization: Bearer " + json.loads(body)["access_token"]]
    session.curl(f"{face}/.well-known/smart-configuration")
    session.say("An admission by MLLP, and what FHIR shows of it.")
    admission = fixture("millennium")
    session.mllp("millennium", "an admission", admission)
    session.mllp("millennium", "an event it does not take", bad_event(admission))
    _, body = session.curl(f"{face}/Patient?identifier={number_of(admission)}", *token)
    patient = json.loads(body)["entry"][0]["resource"]["id"]
    session.curl(f"{face}/Encounter?patient={patient}&_count=1", *token)
    session.say("Refusals.")
    session.curl(f"{face}/Patient?gender=female", *token)
    session.curl(f"{face}/Patient/1", *token)
    session.curl(f"{face}/Nonsense/1", *token)
    session.curl(f"{face}/Patient/{patient}", *token, "-H", "Accept: application/fhir+xml")
    session.curl("/millennium/r4/another-tenant/Patient/1", *token)
    session.curl(f"{face}/Observation?patient={patient}", *token)
    json_body = ["-H", "Content-Type: application/fhir+json"]
    session.curl(f"{face}/ServiceRequest", *token, *json_body, "-d", '{"resourceType": "ServiceRequest"}')
    session.say("A write: created without a body; updated by the version it saw.")
    allergy = {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "111088007", "display": "Latex"}]},
        "patient": {"reference": f"Patient/{patient}"},
    }
    headers, _ = session.curl(f"{face}/AllergyIntolerance", *token, *json_body, "-d", json.dumps(allergy))
    place = headers["location"]
    session.curl(place, "-X", "PUT", *token, *json_body, "-d", json.dumps(allergy))
    session.curl(place, "-X", "PUT", *token, *json_body, "-H", 'If-Match: W/"1"', "-d", json.dumps(allergy))
    session.say("A bulk export of a group.")
    group = f"{face}/Group/5f0c6a52-0f8e-4a43-9c0e-2b7a4d8e9902/$export?_type=Patient"
    asynchronous = ["-H", "Prefer: respond-async"]
    session.curl(group, *token)
    headers, _ = session.curl(group, *token, *asynchronous)
    job = headers["content-location"]
    session.curl(job, *token)
    session.curl(group, *token, *asynchronous)
    time.sleep(2.5)
    session.curl(job, *token)
    session.curl(job, "-X", "DELETE", *token)
    session.curl(job, *token)


def epic(session, key):
    face = "/epic/api/FHIR/R4"
    endpoint = "/epic/oauth2/token"
    session.say("## Epic\n\nBackend services: no secret, but an assertion signed with RS384 or ES384, shown once.")
    session.curl(f"{face}/Patient/e1")
    url = session.console + endpoint
    claims = {"iss": "bed-board", "sub": "bed-board", "aud": url, "jti": f"page-{time.time_ns()}", "exp": int(time.time()) + 240}
    assertion = key.sign(claims)
    session.names[assertion] = "assertion"
    kind = "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    form = ["-d", "grant_type=client_credentials", "-d", kind, "-d"]
    _, body = session.curl(endpoint, *form, f"client_assertion={assertion}", keep=["access_token"])
    token = ["-H", "Authorization: Bearer " + json.loads(body)["access_token"]]
    session.say("The same assertion again, and one that nobody signed.")
    session.curl(endpoint, *form, f"client_assertion={assertion}")
    unsigned = ".".join([b64(b'{"alg":"none"}'), b64(json.dumps(claims).encode()), ""])
    session.names[unsigned] = "an assertion with alg none"
    session.curl(endpoint, *form, f"client_assertion={unsigned}")
    session.curl(f"{face}/.well-known/smart-configuration")
    session.say("An admission by MLLP, and what FHIR shows of it: XML unless JSON is asked for.")
    admission = fixture("epic")
    session.mllp("epic", "an admission", admission)
    session.mllp("epic", "an event it does not take", bad_event(admission))
    wanted = ["-H", "Accept: application/fhir+json"]
    _, body = session.curl(f"{face}/Patient?identifier={number_of(admission)}", *token, *wanted)
    patient = json.loads(body)["entry"][0]["resource"]["id"]
    session.curl(f"{face}/Patient/{patient}", *token)
    session.say("Refusals and empty answers.")
    session.curl(f"{face}/Patient/eNobody3", *token, *wanted)
    session.curl(f"{face}/Patient?family=Nobody&given=At&birthdate=1900-01-01", *token, *wanted)
    session.curl(f"{face}/Patient?gender=female&colour=red", *token, *wanted)
    session.curl(f"{face}/Observation?patient={patient}", *token, *wanted)
    session.curl(f"{face}/Nonsense/1", *token, *wanted)
    session.curl(f"{face}/Condition?patient={patient}", *token, *wanted)
    session.curl(f"{face}/Patient/{patient}", "-X", "PATCH", *token, *wanted, "-H", "Content-Type: application/json-patch+json", "-d", "[]")
    session.say("A chart behind glass.")
    action = json.dumps({"patient": number_of(admission), "protected": True})
    done = subprocess.run(["curl", "-sS", "-d", action, f"{session.console}/api/v1/systems/epic/actions/update"], capture_output=True, text=True, check=True)
    if "control_id" not in done.stdout and "control-id" not in done.stdout and "event" not in done.stdout:
        sys.exit(f"the chart could not be protected: {done.stdout}")
    session.curl(f"{face}/Patient/{patient}", *token, *wanted)


def configuration(folder, key):
    text = (ROOT / "fixtures/config/clients.toml").read_text()
    text = re.sub(r'scopes        = \[[^\]]*\]\norganisations[^\n]*\n', "scopes        = " + json.dumps(
        [f"system/{name}.cruds" for name in ["Patient", "Encounter", "AllergyIntolerance", "ServiceRequest", "Group"]]) + "\n", text)
    text = re.sub(r"jwks   = '''.*?'''", f'jwks-file = "{key.jwks}"', text, flags=re.S)
    text += '\n[[system]]\nname     = "lastword"\nvendor   = "lastword"\nlisten   = "mllp://127.0.0.1:2576"\n'
    path = folder / "page.toml"
    path.write_text(text)
    return path


def make(program):
    with tempfile.TemporaryDirectory(prefix="eprgw-page-") as name:
        folder = pathlib.Path(name)
        key = Key(folder)
        command = [program, "serve", "--config", configuration(folder, key), "--http", "0", "--mllp", "0", "--log-format", "json"]
        environment = {**os.environ, "BED_BOARD_SECRET": SECRET}
        log = open(folder / "log", "w")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        try:
            line = process.stdout.readline()
            if not line:
                sys.exit(f"eprgw did not start:\n{(folder / 'log').read_text()}")
            session = Session(json.loads(line))
            lastword(session)
            millennium(session)
            epic(session, key)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)
            log.close()
    title = (
        "# Sessions with the mock EPRs\n\nMade by `tests/transcripts.py`, which runs every command shown; do not edit. What changes with every run"
        " stands in angle brackets, long\nbodies are cut, and of the headers those are shown that a vendor documents. All people are synthetic, and no"
        " vendor has a part in this."
    )
    return "\n\n".join([title, *session.page]) + "\n"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", type=pathlib.Path, help="an eprgw; built with cargo when left out")
    arguments.add_argument("--check", action="store_true", help="compare, write nothing")
    options = arguments.parse_args()
    program = options.program
    if program is None:
        subprocess.run(["cargo", "build", "--quiet", "--package", "cli"], cwd=ROOT, check=True)
        program = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "eprgw"
    page = make(program)
    if not options.check:
        PAGE.write_text(page)
        print(f"{PAGE.relative_to(ROOT)}: {page.count('```console') + page.count('sent to the port')} exchanges")
        return
    differ = list(difflib.unified_diff(PAGE.read_text().splitlines(), page.splitlines(), "docs/transcripts.md", "today", lineterm="", n=2))
    print("\n".join(differ) or "docs/transcripts.md is what the mocks say today")
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
