import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import Ajv from "ajv";
import { file, report, SAMPLES } from "../../testdata/report/samples.ts";
import type { ModelAbout } from "../core/about.ts";
import type { ScanReport } from "../core/types.ts";
import { renderCycloneDx } from "./cyclonedx.ts";

const EXIT = { failOn: "medium", allowNoModels: false } as const;
const GOLDEN = new URL("../../testdata/report/", import.meta.url);

function schema(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(name, GOLDEN), "utf8"));
}

/** The official schemas; testdata/README.md says where they are from. */
const ajv = new Ajv.default({
  strict: false,
  allErrors: true,
  formats: {
    "date-time": (text: string) => !Number.isNaN(Date.parse(text)) && text.includes("T"),
    "iri-reference": /^[^\s<>"{}|\\^`]*$/,
    "idn-email": /@/,
    "email": /@/,
    "uri": (text: string) => URL.canParse(text),
    "uri-reference": /^[^\s<>"{}|\\^`]*$/,
  },
});
const SPDX = schema("cyclonedx-spdx.schema.json");
ajv.addSchema(SPDX, "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json");
ajv.addSchema(
  schema("cyclonedx-jsf-0.82.schema.json"),
  "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json",
);
const validate = ajv.compile(schema("cyclonedx-1.6.schema.json"));

function bomOf(shown: ScanReport) {
  const bom = JSON.parse(renderCycloneDx(shown, EXIT));
  validate(bom);
  assert.deepEqual(validate.errors, null);
  return bom;
}

/** Values of a component's own properties by name. */
function propertiesOf(component: { properties: { name: string; value: string }[] }) {
  const all: Record<string, string[]> = {};
  for (const { name, value } of component.properties) (all[name] ??= []).push(value);
  return all;
}

const LLAMA: ModelAbout = {
  name: "Tiny",
  architecture: "LlamaForCausalLM",
  family: "llama",
  task: "text-generation",
  quantization: "Q4_K",
  dtype: "bfloat16",
  parameters: 1_100_048_384,
  types: { Q4_K: 1_000_000_000, F32: 100_048_384 },
  licenses: ["apache-2.0", "llama3.1", "MIT"],
  baseModels: ["org/base"],
  datasets: ["org/data"],
};

for (const [name, sample] of Object.entries(SAMPLES)) {
  test(`The bill of materials of ${name} is valid, and what it refers to is there`, () => {
    const bom = bomOf(sample);
    assert.equal(bom.components.length, sample.files.length);
    const refs = bom.components.map((it: { "bom-ref": string }) => it["bom-ref"]);
    assert.equal(new Set(refs).size, refs.length);
    for (const { affects } of bom.vulnerabilities ?? []) {
      assert.ok(affects.length > 0);
      for (const { ref } of affects) assert.ok(refs.includes(ref), ref);
    }
  });
}

test("The schema refuses what is wrong", () => {
  const bom = bomOf(SAMPLES["one_harmful"] ?? report([]));
  assert.equal(validate({ ...bom, specVersion: "1.6", extra: 1 }), false);
  assert.equal(validate({ ...bom, components: [{ type: "model", name: "x" }] }), false);
});

test("A model has a card of what it says, with hash, licences and what it was made from", () => {
  const about = { ...file("a/tiny.gguf", "clean"), formats: ["gguf"], about: LLAMA };
  const sha256 = { value: "ab".repeat(32), by: "listing" as const };
  const [component] = bomOf(report([{ ...about, sha256 }])).components;
  assert.equal(component.type, "machine-learning-model");
  assert.equal(component.name, "tiny.gguf");
  assert.deepEqual(component.hashes, [{ alg: "SHA-256", content: sha256.value }]);
  assert.deepEqual(component.licenses, [
    { license: { id: "Apache-2.0" } },
    { license: { name: "llama3.1" } },
    { license: { id: "MIT" } },
  ]);
  assert.deepEqual(component.pedigree.ancestors, [
    { type: "machine-learning-model", name: "org/base" },
  ]);
  assert.deepEqual(component.modelCard.modelParameters, {
    task: "text-generation",
    architectureFamily: "llama",
    modelArchitecture: "LlamaForCausalLM",
    datasets: [{ type: "dataset", name: "org/data" }],
  });
  const card = propertiesOf(component.modelCard);
  assert.deepEqual(card["modelaudit:parameters"], ["1100048384"]);
  assert.deepEqual(card["modelaudit:parameters:Q4_K"], ["1000000000"]);
  assert.deepEqual(card["modelaudit:quantization"], ["Q4_K"]);
});

test("What is no model is a file without a card, and keeps what it says", () => {
  const config = { ...file("a/config.json", "clean"), formats: ["model-config"], about: LLAMA };
  const wheel = { ...file("a/x.whl", "clean"), formats: ["zip", "python"] };
  const checkpoint = { ...file("a/x.pt", "clean"), formats: ["zip", "pickle"] };
  const skipped = { ...file("a/README.md", "skipped"), about: { task: "fill-mask" } };
  const { components } = bomOf(report([config, wheel, checkpoint, skipped]));
  const types = new Map(components.map((it: { name: string; type: string }) => [it.name, it.type]));
  assert.deepEqual(Object.fromEntries(types), {
    "README.md": "file",
    "config.json": "file",
    "x.pt": "machine-learning-model",
    "x.whl": "file",
  });
  const said = components.find((it: { name: string }) => it.name === "config.json");
  assert.equal(said.modelCard, undefined);
  assert.deepEqual(propertiesOf(said)["modelaudit:architecture"], ["LlamaForCausalLM"]);
});

test("Each rule that something sets off is a vulnerability of the files in question", () => {
  const bom = bomOf(SAMPLES["mixed_folder"] ?? report([]));
  const [worst] = bom.vulnerabilities;
  assert.deepEqual(worst.ratings, [
    { source: { name: "modelaudit" }, score: 10, severity: "critical", method: "other" },
  ]);
  const process = bom.vulnerabilities.find((it: { id: string }) => it.id === "pickle-process");
  assert.deepEqual(process.cwes, [502]);
  assert.deepEqual(process.affects, [
    { ref: "file:models/evil.pkl" },
    { ref: "file:models/sub/worse.pkl" },
  ]);
  assert.deepEqual(process.references.map((it: { id: string }) => it.id), [
    "GHSA-49gj-c84q-6qm9",
    "CVE-2025-1716",
  ]);
  const properties = propertiesOf(process);
  assert.deepEqual(properties["modelaudit:atlas"], ["AML.T0011.000", "AML.T0050"]);
  assert.match(
    properties["modelaudit:finding"]?.[0] ?? "",
    /^models\/evil\.pkl:stream_0, byte 29: Loading this file calls os\.system/,
  );
  assert.ok(!bom.vulnerabilities.some((it: { id: string }) => it.id === "safe-torch"));
});

test("An accepted finding is there, and the file says that it was accepted", () => {
  const finding = SAMPLES["one_harmful"]?.files[0]?.findings.at(-1);
  assert.ok(finding);
  const known = {
    ...file("known.pkl", "dangerous"),
    accepted: [{ finding, by: "ignored" as const, until: "2027-01-31", why: "ours" }],
  };
  const bom = bomOf(report([known]));
  assert.deepEqual(propertiesOf(bom.components[0])["modelaudit:accepted"], [
    "pickle-process (ignored until 2027-01-31: ours)",
  ]);
  assert.equal(bom.vulnerabilities[0].id, "pickle-process");
});

test("Every identifier of a licence that is made of a card's is one of SPDX", () => {
  const ids = SPDX["enum"];
  assert.ok(Array.isArray(ids) && ids.length > 500);
  const written = [
    ...["apache-2.0", "mit", "cc-by-nc-4.0", "cc0-1.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0"],
    ...["bsd-3-clause", "odc-by", "pddl", "unlicense", "cdla-permissive-2.0", "wtfpl", "isc"],
    ...["eupl-1.2", "ms-pl", "ofl-1.1", "postgresql", "ncsa", "afl-3.0", "bsl-1.0", "lppl-1.3c"],
  ];
  const model = { ...file("x.gguf", "clean"), formats: ["gguf"], about: { licenses: written } };
  const [component] = bomOf(report([model])).components;
  for (const { license } of component.licenses) {
    assert.ok(ids.includes(license.id), JSON.stringify(license));
  }
});
