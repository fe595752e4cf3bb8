#!/usr/bin/env python3
"""Clients that other people wrote, unmodified, against each EPR: FHIR with and without tokens, HL7 v2 by MLLP.

fhirpy, fhirclient and hl7 (its mllp_send) from PyPI in a virtual environment of this script's own; fhir-kit-client and
node-hl7-client from npm in a folder of its own. Starts `eprgw` twice: once open, once with FHIR faces that ask for tokens,
which are fetched as each product gives them: a secret at Millennium, an assertion signed with RS384 at Epic.

Usage: tests/clients/run.py [--program PATH] [--folder PATH]
Ends with 1 when any check fails, and says which; a check that did not run is a failure too.
"""

import argparse
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PYTHON = ["fhirpy==2.3.1", "fhirclient==4.4.0", "hl7==0.4.5", "pyjwt[crypto]==2.15.1"]
NODE = ["fhir-kit-client@2.0.3", "node-hl7-client@3.2.0"]
TENANT = "7f3e2a54-0c1b-4d6e-9a8f-5b21c0de9990"
SECRET = "synthetic-secret-of-this-test"
GATEWAY_TOKEN = "synthetic-token-of-this-test"
SYSTEMS = ["lastword", "millennium", "epic"]
SUBSTANCES = {"millennium": ("111088007", "Latex"), "epic": ("256277009", "Grass pollen")}

# Checks each client must have made; fewer is a failure, however green the rest.
LEAST = {"fhirpy": 5, "fhirclient": 5, "fhir-kit-client": 6, "mllp_send": 1, "node-hl7-client": 1}


def prepare(folder):
    """The clients, installed once; a folder that has them is used as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "venv" / "bin" / "python"
    stamp = folder / "installed.json"
    wanted = json.dumps([PYTHON, NODE])
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    venv.create(folder / "venv", with_pip=True, clear=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PYTHON], check=True)
    modules = folder / "npm"
    shutil.rmtree(modules, ignore_errors=True)
    modules.mkdir()
    (modules / "package.json").write_text('{"private": true}')
    subprocess.run(["npm", "install", "--silent", "--no-fund", "--no-audit", *NODE], cwd=modules, check=True)
    stamp.write_text(wanted)
    return python


def signing_key(python, folder):
    """A key pair for this run: the private half in a file, the public half as a key set."""
    code = """
import json, sys
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives import serialization
from jwt.algorithms import RSAAlgorithm
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
open(sys.argv[1], "wb").write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                serialization.NoEncryption()))
public = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
public.update(kid="run", alg="RS384", use="sig")
public.pop("key_ops", None)
json.dump({"keys": [public]}, open(sys.argv[2], "w"))
"""
    subprocess.run([python, "-c", code, folder / "key.pem", folder / "keys.json"], check=True)


def configuration(folder, guarded):
    """The default configuration; with guards, two systems that name a client."""
    text = (ROOT / "fixtures/config/default.toml").read_text()
    if guarded:
        types = ["Patient", "Encounter", "AllergyIntolerance", "Observation", "Condition"]
        letters = json.dumps([f"system/{name}.cruds" for name in types])
        words = json.dumps([f"system/{name}.*" for name in types])
        text = text.replace(
            'vendor   = "millennium"\n',
            'vendor   = "millennium"\nauthorise = true\n'
            f'client = [{{ id = "bed-board", secret-env = "MILLENNIUM_SECRET", scopes = {letters} }}]\n',
        ).replace(
            'vendor   = "epic"\n',
            'vendor   = "epic"\nauthorise = true\n'
            f'client = [{{ id = "bed-board", jwks-file = "{folder / "keys.json"}", scopes = {words}, user = "INTERFACE" }}]\n',
        )
    path = folder / ("guarded.toml" if guarded else "open.toml")
    path.write_text(text)
    return path


@contextlib.contextmanager
def serving(program, folder, guarded):
    """A running eprgw and its ready line."""
    environment = {**os.environ, "MILLENNIUM_SECRET": SECRET}
    if guarded:
        environment["EPRGW_TOKEN"] = GATEWAY_TOKEN
    command = [program, "serve", "--config", configuration(folder, guarded), "--http", "0", "--mllp", "0",
               "--log-format", "json"]
    log = open(folder / f"serve-{'guarded' if guarded else 'open'}.log", "w")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    try:
        for line in process.stdout:
            with contextlib.suppress(json.JSONDecodeError):
                ready = json.loads(line)
                if ready.get("event") == "ready":
                    yield ready
                    return
        sys.exit(f"eprgw did not start; its log is {log.name}:\n{pathlib.Path(log.name).read_text()[-2000:]}")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            sys.exit("eprgw did not stop within 20 s")
        log.close()


def post_form(url, form, headers=None):
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode(), headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"no token at {url}: {error.code} {error.read().decode()[:500]}")


def millennium_token(console):
    url = f"{console}/millennium/tenants/{TENANT}/protocols/oauth2/profiles/smart-v1/token"
    shown = base64.b64encode(f"bed-board:{SECRET}".encode()).decode()
    types = ["Patient", "Encounter", "AllergyIntolerance", "Observation", "Condition"]
    form = {"grant_type": "client_credentials", "scope": " ".join(f"system/{name}.cruds" for name in types)}
    return url, post_form(url, form, {"Authorization": f"Basic {shown}"})["access_token"]


def epic_token(console, python, folder):
    url = f"{console}/epic/oauth2/token"
    code = """
import jwt, sys, time, uuid
claims = {"iss": "bed-board", "sub": "bed-board", "aud": sys.argv[2], "jti": str(uuid.uuid4()), "exp": int(time.time()) + 240}
print(jwt.encode(claims, open(sys.argv[1]).read(), algorithm="RS384", headers={"kid": "run"}))
"""
    signed = subprocess.run([python, "-c", code, folder / "key.pem", url], check=True, capture_output=True, text=True)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed.stdout.strip(),
    }
    return url, post_form(url, form)["access_token"]


class Findings:
    """Every check that was made."""

    def __init__(self):
        self.rows = []

    def add(self, system, mode, row):
        self.rows.append((system, mode, row["client"], row["what"], row["ok"], row["detail"]))
        mark = "ok  " if row["ok"] else "FAIL"
        print(f"{mark} {system:<10} {mode:<8} {row['client']:<24} {row['what']:<48} {row['detail']}", flush=True)

    def run(self, system, mode, command):
        done = subprocess.run(command, capture_output=True, text=True, timeout=180)
        for line in done.stdout.splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                self.add(system, mode, json.loads(line))
        if done.returncode != 0:
            detail = done.stderr.strip().splitlines()[-1:] or ["no word"]
            self.add(system, mode, {"client": pathlib.Path(command[1]).name, "what": "runs to its end", "ok": False,
                                    "detail": detail[0][:300]})

    def conclude(self, expected):
        failed = [row for row in self.rows if not row[4]]
        missing = []
        for system, mode, client, least in expected:
            made = [row for row in self.rows if row[:2] == (system, mode) and row[2].split(" ")[0] == client]
            if len(made) < least:
                missing.append(f"{client} made {len(made)} of at least {least} checks at {system}, {mode}")
        print(f"\n{len(self.rows)} checks, {len(failed)} failed, {len(missing)} clients did not do their part")
        for line in missing:
            print(f"  {line}")
        return 1 if failed or missing else 0


def admission(system, folder, mode, position):
    """A fixture's admission under a control id of this run, as a file; its number, name and control id."""
    source = ROOT / f"fixtures/messages/{system}/ADT_A01/margaret-1-admission.hl7"
    lines = re.split(r"\r\n?|\n", source.read_bytes().decode("latin-1").strip())
    header = lines[0].split("|")
    header[9] = f"{header[9][:-6]}{position:06d}"
    lines[0] = "|".join(header)
    pid = next(line for line in lines if line.startswith("PID")).split("|")
    path = folder / f"{system}-{mode}-{position}.hl7"
    path.write_bytes(("\r".join(lines) + "\r").encode("latin-1"))
    return path, pid[3].split("^")[0].split("~")[0], pid[5].split("^")[0].upper(), header[9]


def by_mllp(findings, python, folder, system, mode, port):
    """The same admission by mllp_send and by node-hl7-client."""
    path, number, family, control_id = admission(system, folder, mode, 1)
    command = [python.parent / "mllp_send", "--loose", "--port", str(port), "--file", path, "127.0.0.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    answer = re.search(r"MSA\|([A-Z]{2})\|([^|\r\n]*)", done.stdout)
    said = f"MSA-1 {answer[1]}, MSA-2 {answer[2]}" if answer else (done.stdout + done.stderr)[:200]
    findings.add(system, mode, {"client": "mllp_send (hl7 0.4.5)", "what": "send ADT^A01, read its ACK",
                                "ok": said == f"MSA-1 AA, MSA-2 {control_id}", "detail": said})
    path, _, _, control_id = admission(system, folder, mode, 2)
    case = {"modules": str(folder / "npm"), "port": port, "file": str(path), "control_id": control_id,
            "what": "send ADT^A01, read its ACK"}
    findings.run(system, mode, ["node", HERE / "node_clients.mjs", json.dumps(case)])
    return number, family


def wait_for(url, token, limit_s=20):
    """Deliveries follow the ACK: waits until a search finds somebody."""
    end = time.monotonic() + limit_s
    headers = {"Accept": "application/fhir+json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    while time.monotonic() < end:
        with contextlib.suppress(urllib.error.HTTPError):
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
                if any(one["resource"]["resourceType"] == "Patient" for one in json.load(answer).get("entry", [])):
                    return
        time.sleep(0.1)


def drive(findings, python, folder, ready, guarded):
    mode = "guarded" if guarded else "open"
    console = ready["console"]
    tokens = {"lastword": (None, GATEWAY_TOKEN if guarded else "")}
    if guarded:
        tokens["millennium"] = millennium_token(console)
        tokens["epic"] = epic_token(console, python, folder)
    bases = {
        "lastword": f"{console}/lastword/fhir/r4",
        "millennium": f"{console}/millennium/r4/{TENANT}",
        "epic": f"{console}/epic/api/FHIR/R4",
    }
    for system in SYSTEMS:
        port = int(ready["systems"][system].rsplit(":", 1)[1])
        number, family = by_mllp(findings, python, folder, system, mode, port)
        endpoint, token = tokens.get(system, (None, ""))
        if system == "lastword":
            # The product has no FHIR of its own: what its feed tells the gateway is served there.
            path, *_ = admission(system, folder, mode, 3)
            gateway = ready["mllp"].rsplit(":", 1)[1]
            subprocess.run([python.parent / "mllp_send", "--loose", "--quiet", "--port", gateway, "--file", path,
                            "127.0.0.1"], check=True, timeout=60, stdout=subprocess.DEVNULL)
        wait_for(f"{bases[system]}/Patient?identifier={number}", token)
        case = {
            "base": bases[system],
            "token": token,
            "number": number,
            "family": family,
            "guarded": guarded,
            "smart": guarded and system != "lastword",
            "token_endpoint": endpoint,
            "writes": system != "lastword",
            "refuses": system != "lastword",
            # What one EPR is told travels to the other: the same allergy there would be a duplicate.
            "substance": SUBSTANCES.get(system),
            "nobody": "99999999",
            "modules": str(folder / "npm"),
        }
        findings.run(system, mode, [python, HERE / "fhir_clients.py", json.dumps(case)])
        findings.run(system, mode, ["node", HERE / "node_clients.mjs", json.dumps(case)])


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", type=pathlib.Path, help="an eprgw; built with cargo when left out")
    arguments.add_argument("--folder", type=pathlib.Path, help="where the clients are installed, and stay")
    options = arguments.parse_args()
    program = options.program
    if program is None:
        subprocess.run(["cargo", "build", "--quiet", "--package", "cli"], cwd=ROOT, check=True)
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        program = target / "debug" / "eprgw"
    with contextlib.ExitStack() as stack:
        folder = options.folder or pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eprgw-clients-")))
        folder = folder.resolve()
        python = prepare(folder)
        signing_key(python, folder)
        findings = Findings()
        for guarded in (False, True):
            with serving(program, folder, guarded) as ready:
                drive(findings, python, folder, ready, guarded)
    modes = ["open", "guarded"]
    expected = [(system, mode, client, least) for system in SYSTEMS for mode in modes for client, least in LEAST.items()]
    sys.exit(findings.conclude(expected))


if __name__ == "__main__":
    main()
