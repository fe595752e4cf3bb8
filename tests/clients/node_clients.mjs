// fhir-kit-client against one face, or node-hl7-client against one port, as their users write them; started by run.py.
//
// Takes one JSON argument, prints one JSON line a check: {"client", "what", "ok", "detail"}.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const CASE = JSON.parse(process.argv[2]);
const require = createRequire(path.join(CASE.modules, "package.json"));
const version = (name) =>
  JSON.parse(readFileSync(path.join(CASE.modules, "node_modules", name, "package.json"), "utf8")).version;
let client = "";

async function check(what, run) {
  let detail;
  let ok = true;
  try {
    detail = await run();
  } catch (error) {
    const answer = error.response ? ` ${error.response.status} ${JSON.stringify(error.response.data)}` : "";
    detail = `${error.name}: ${error.message}${answer}`.slice(0, 300);
    ok = false;
  }
  console.log(JSON.stringify({ client, what, ok, detail: String(detail) }));
  return ok ? detail : undefined;
}

function must(condition, words) {
  if (!condition) throw new Error(words);
  return words;
}

async function withFhirKit() {
  client = `fhir-kit-client ${version("fhir-kit-client")}`;
  const entry = path.join(CASE.modules, "node_modules", "fhir-kit-client", "dist", "client.js");
  const module = await import(pathToFileURL(entry).href);
  const Client = module.default?.default ?? module.default ?? module.Client ?? module.FhirClient;
  const options = CASE.token ? { bearerToken: CASE.token } : {};
  const fhir = new Client({ baseUrl: CASE.base, ...options });

  await check("read the CapabilityStatement", async () => {
    const statement = await fhir.capabilityStatement();
    return must(statement.resourceType === "CapabilityStatement" && statement.fhirVersion === "4.0.1", "R4");
  });
  if (CASE.smart) {
    await check("find the token endpoint by SMART", async () => {
      const about = await fhir.smartAuthMetadata();
      const found = String(about.tokenUrl ?? about.token_endpoint ?? "");
      return must(found === CASE.token_endpoint, `token endpoint ${found}`);
    });
  }
  const patient = await check("search Patient by identifier", async () => {
    const found = await fhir.search({ resourceType: "Patient", searchParams: { identifier: CASE.number } });
    const people = (found.entry ?? []).filter((one) => one.resource.resourceType === "Patient");
    must(people.length === 1, `${people.length} patients with the number`);
    must(people[0].resource.name[0].family.toUpperCase() === CASE.family, "the family name");
    return people[0].resource.id;
  });
  if (!patient) return;
  await check("read Patient", async () => (await fhir.read({ resourceType: "Patient", id: patient })).birthDate);
  await check("search by POST", async () => {
    const found = await fhir.search({
      resourceType: "Encounter",
      searchParams: { patient },
      options: { postSearch: true },
    });
    return must((found.entry ?? []).length >= 1, `${(found.entry ?? []).length} entries`);
  });
  await check("follow the pages of a search", async () => {
    let page = await fhir.search({ resourceType: "Encounter", searchParams: { patient, _count: 1 } });
    let pages = 0;
    while (page && pages < 50) {
      pages += 1;
      must((page.entry ?? []).length <= 1, "a page is as long as asked");
      page = (page.link ?? []).some((link) => link.relation === "next") ? await fhir.nextPage({ bundle: page }) : undefined;
    }
    return `${pages} pages`;
  });
  await check("an unknown id is 404 with an OperationOutcome", async () => {
    try {
      await fhir.read({ resourceType: "Patient", id: CASE.nobody });
    } catch (error) {
      const { status, data } = error.response;
      return must(status === 404 && data.resourceType === "OperationOutcome", `${status} ${data.resourceType}`);
    }
    throw new Error("found somebody");
  });
  if (CASE.guarded) {
    await check("without a token it stays out", async () => {
      try {
        await new Client({ baseUrl: CASE.base }).read({ resourceType: "Patient", id: patient });
      } catch (error) {
        return must(error.response.status === 401, String(error.response.status));
      }
      throw new Error("let in without a token");
    });
  }
}

async function withNodeHl7() {
  client = `node-hl7-client ${version("node-hl7-client")}`;
  const { Client, Message } = require("node-hl7-client");
  await check(CASE.what, async () => {
    const text = readFileSync(CASE.file, "latin1").replace(/\r?\n/g, "\r");
    const sender = new Client({ host: "127.0.0.1" });
    const answer = new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error("no answer within 10 s")), 10_000).unref();
      const wire = sender.createConnection({ port: CASE.port }, async (response) => {
        const message = response.getMessage();
        await wire.close();
        resolve(`MSA-1 ${message.get("MSA.1").toString()}, MSA-2 ${message.get("MSA.2").toString()}`);
      });
      wire.on("error", reject);
      wire.sendMessage(new Message({ text })).catch(reject);
    });
    const said = await answer;
    return must(said === `MSA-1 AA, MSA-2 ${CASE.control_id}`, said) && said;
  });
}

await (CASE.port ? withNodeHl7() : withFhirKit());
process.exit(0);
