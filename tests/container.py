#!/usr/bin/env python3
"""The container as its users run it: build, start, one message in by MLLP, the patient out by FHIR, stop.

Standard library only, so that nothing of ours is on this side of the wire.
Usage: tests/container.py [IMAGE]    (builds the Dockerfile as IMAGE, default eprgw:ci)
"""

import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
IMAGE = sys.argv[1] if len(sys.argv) > 1 else "eprgw:ci"
NAME = "eprgw-container-test"
SIZE_LIMIT = 30_000_000
STOP_LIMIT_S = 10

MESSAGE = "\r".join([
    r"MSH|^~\&|CARECAST|UCLH|ROUTE|ZZ|202611230915||ADT^A01|PLW00000000000424242|P|2.4|||AL|NE",
    "EVN|A01|202611230915||ADM|TEST01^TESTER^TINA|202611230910",
    "PID|1||40999001^^^MRENTR^MEDREC~9990000018||CONTAINER^CLARA^^^MRS||19610314|F|||1 EXAMPLE ROAD^^LONDON^^ZZ99 3VZ",
    "PV1|1|I|T06^T06A^T06-32||||C9999999^CONSULT^CARL||||41008|||19|||||4099900101",
    "",
])


def docker(*arguments, check=True):
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    if check and done.returncode != 0:
        sys.exit(f"docker {arguments[0]} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def until(what, limit_s, condition):
    """Polls a condition of the running container; the limit only ends a run that hangs."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    sys.exit(f"not within {limit_s} s: {what}\n{docker('logs', NAME, check=False)}")


def port(inside):
    return int(docker("port", NAME, f"{inside}/tcp").splitlines()[0].rsplit(":", 1)[1])


def send_by_mllp(to_port, message):
    with socket.create_connection(("127.0.0.1", to_port), timeout=10) as wire:
        wire.sendall(b"\x0b" + message.encode() + b"\x1c\r")
        answer = b""
        while not answer.endswith(b"\x1c\r"):
            chunk = wire.recv(65536)
            if not chunk:
                sys.exit("the gateway closed the connection without an ACK")
            answer += chunk
    return answer.strip(b"\x0b\x1c\r").decode()


def read_patient(http_port, path, identifier):
    url = f"http://127.0.0.1:{http_port}{path}/Patient?identifier={identifier}"
    request = urllib.request.Request(url, headers={"Accept": "application/fhir+json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            bundle = json.load(answer)
    except (urllib.error.URLError, ConnectionError):
        return None
    patients = [e["resource"] for e in bundle.get("entry", []) if e["resource"]["resourceType"] == "Patient"]
    return patients[0] if patients else None


def main():
    print(f"building {IMAGE} …", flush=True)
    built = subprocess.run(["docker", "build", "--quiet", "--network", "host", "--tag", IMAGE, str(ROOT)])
    if built.returncode != 0:
        sys.exit("docker build failed")
    size = int(docker("image", "inspect", "--format", "{{.Size}}", IMAGE))
    assert size < SIZE_LIMIT, f"image is {size} bytes, limit {SIZE_LIMIT}"
    assert docker("image", "inspect", "--format", "{{.Config.User}}", IMAGE) == "65532:65532"

    docker("rm", "--force", NAME, check=False)
    docker("run", "--detach", "--name", NAME, "--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp",
           "--publish", "127.0.0.1::8575", "--publish", "127.0.0.1::2575", IMAGE)
    try:
        until("the ready line", 20, lambda: "eprgw ready" in docker("logs", NAME))
        until("the health check", 40, lambda: docker(
            "inspect", "--format", "{{.State.Health.Status}}", NAME) == "healthy")

        ack = send_by_mllp(port(2575), MESSAGE)
        assert "\rMSA|AA|PLW00000000000424242" in ack, f"expected AA, got: {ack!r}"

        for path in ("/epic/api/FHIR/R4", "/lastword/fhir/r4"):
            patient = until(f"the patient at {path}", 10, lambda: read_patient(port(8575), path, "9990000018"))
            assert any(name.get("family", "").upper() == "CONTAINER" for name in patient["name"]), patient

        began = time.monotonic()
        docker("stop", "--time", str(STOP_LIMIT_S), NAME)
        stopped = time.monotonic() - began
        code = docker("inspect", "--format", "{{.State.ExitCode}}", NAME)
        assert code == "0", f"exit code {code} after SIGTERM"
        assert stopped < STOP_LIMIT_S, f"took {stopped:.1f} s to stop"
        print(f"container: image {size / 1e6:.1f} MB, message in by MLLP, patient out by FHIR, stopped in {stopped:.1f} s")
    finally:
        docker("rm", "--force", "--volumes", NAME, check=False)


main()
