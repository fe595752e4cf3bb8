"""fhirpy and fhirclient, as their users write them, against one face; runs inside run.py's own environment.

Takes one JSON argument, prints one JSON line a check: {"client", "what", "ok", "detail"}.
"""

import importlib.metadata
import json
import logging
import sys

CASE = json.loads(sys.argv[1])
BASE, TOKEN, NUMBER, FAMILY = CASE["base"], CASE["token"], CASE["number"], CASE["family"]
CLIENT = ""


def check(what, run):
    """Runs one check; an exception is a finding, not the end."""
    try:
        detail, ok = run(), True
    except Exception as error:  # whatever a client throws is what its user would see
        words = " ".join(str(error).split())
        detail, ok = f"{type(error).__name__}: {words[:300]}", False
    print(json.dumps({"client": CLIENT, "what": what, "ok": ok, "detail": str(detail)}), flush=True)
    return detail if ok else None


def must(condition, words):
    if not condition:
        raise AssertionError(words)
    return words


def with_fhirpy():
    global CLIENT
    from fhirpy import SyncFHIRClient
    from fhirpy.base.exceptions import AuthorizationError, OperationOutcome, ResourceNotFound

    CLIENT = "fhirpy " + importlib.metadata.version("fhirpy")
    client = SyncFHIRClient(BASE, authorization=f"Bearer {TOKEN}" if TOKEN else None)

    def search():
        found = client.resources("Patient").search(identifier=NUMBER).fetch()
        must(len(found) == 1, f"{len(found)} patients with the number")
        must(found[0]["name"][0]["family"].upper() == FAMILY, "the family name")
        return found[0]["id"]

    patient = check("search Patient by identifier", search)
    if patient is None:
        return
    check("read a reference", lambda: client.reference("Patient", patient).to_resource()["resourceType"])

    def visits():
        found = client.resources("Encounter").search(patient=patient).fetch()
        must(len(found) >= 1, "no encounter")
        owner = found[0]["subject"]["reference"].split("/")[-1]
        return must(owner == patient, "the subject leads back") and f"{len(found)} found"

    check("search Encounter by patient", visits)

    def pages():
        search = client.resources("Encounter").search(patient=patient)
        every = search.fetch_all()
        by_one = search.limit(1).fetch_all()
        ids = lambda found: sorted({one["id"] for one in found})
        return must(ids(every) == ids(by_one), "page by page finds the same") and f"{len(by_one)} pages"

    check("follow the pages of a search", pages)

    def missing():
        try:
            client.reference("Patient", CASE["nobody"]).to_resource()
        except ResourceNotFound:
            return "ResourceNotFound"
        raise AssertionError("found somebody")

    check("an unknown id is ResourceNotFound", missing)

    def refused():
        try:
            client.resources("Patient").search(colour="red").fetch()
        except OperationOutcome as error:
            return must("issue" in (error.resource or {}), "an OperationOutcome with issues")
        raise AssertionError("a search that cannot be was answered")

    if CASE["refuses"]:
        check("a search that cannot be is an OperationOutcome", refused)
    if CASE["writes"]:
        def create():
            allergy = client.resource(
                "AllergyIntolerance",
                clinicalStatus={"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                                            "code": "active"}]},
                code={"coding": [{"system": "http://snomed.info/sct", "code": CASE["substance"][0],
                                  "display": CASE["substance"][1]}],
                      "text": CASE["substance"][1]},
                patient={"reference": f"Patient/{patient}"},
            )
            # These products answer a create without a body; the client's own low-level call says where it went.
            client.execute("AllergyIntolerance", method="POST", data=dict(allergy))
            found = client.resources("AllergyIntolerance").search(patient=patient).fetch()
            codes = [coding.get("code") for one in found for coding in one["code"]["coding"]]
            return must(CASE["substance"][0] in codes, "what was created is found")

        check("create AllergyIntolerance", create)
    if CASE["guarded"]:
        def stranger():
            try:
                SyncFHIRClient(BASE).resources("Patient").search(identifier=NUMBER).fetch()
            except AuthorizationError:
                return "AuthorizationError"
            raise AssertionError("let in without a token")

        check("without a token it stays out", stranger)


def with_fhirclient():
    global CLIENT
    import fhirclient.client
    import fhirclient.models.bundle as bundle
    import fhirclient.models.encounter as encounter
    import fhirclient.models.patient as patient_model
    from fhirclient.auth import FHIROAuth2Auth
    from fhirclient.server import FHIRNotFoundException, FHIRUnauthorizedException

    CLIENT = "fhirclient " + importlib.metadata.version("fhirclient")
    smart = fhirclient.client.FHIRClient(settings={"app_id": "bed-board", "api_base": BASE})
    # It makes its mind up about authorisation from the CapabilityStatement, and reads that strictly.
    check("read the CapabilityStatement", lambda: smart.server.get_capability() or smart.server.auth.auth_type)
    if CASE["smart"]:
        def discovered():
            uri = getattr(smart.server.auth, "_token_uri", None)
            return must(uri == CASE["token_endpoint"], f"token endpoint {uri}")

        check("find the token endpoint there", discovered)
    if TOKEN:
        smart.server.auth = FHIROAuth2Auth(state={"access_token": TOKEN})

    def search():
        found = patient_model.Patient.where(struct={"identifier": NUMBER}).perform_resources(smart.server)
        people = [one for one in found if one.resource_type == "Patient"]
        must(len(people) == 1, f"{len(people)} patients with the number")
        must(people[0].name[0].family.upper() == FAMILY, "the family name")
        return people[0].id

    patient = check("search Patient by identifier", search)
    if patient is None:
        return
    check("read Patient", lambda: patient_model.Patient.read(patient, smart.server).birthDate.isostring)

    def visits():
        found = encounter.Encounter.where(struct={"patient": patient}).perform(smart.server)
        must(isinstance(found, bundle.Bundle) and found.type == "searchset", "a searchset")
        return must(len(found.entry) >= 1, f"{len(found.entry)} entries")

    check("search Encounter by patient", visits)

    def missing():
        try:
            patient_model.Patient.read(CASE["nobody"], smart.server)
        except FHIRNotFoundException:
            return "FHIRNotFoundException"
        raise AssertionError("found somebody")

    check("an unknown id is FHIRNotFoundException", missing)
    if CASE["guarded"]:
        def stranger():
            bare = fhirclient.client.FHIRClient(settings={"app_id": "bed-board", "api_base": BASE})
            bare.server.auth = None
            try:
                patient_model.Patient.read(patient, bare.server)
            except FHIRUnauthorizedException:
                return "FHIRUnauthorizedException"
            raise AssertionError("let in without a token")

        check("without a token it stays out", stranger)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    with_fhirpy()
    with_fhirclient()
