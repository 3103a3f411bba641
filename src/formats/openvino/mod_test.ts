import assert from "node:assert/strict";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanMany } from "../../scan/scan_inputs.ts";
import { assertCutsNeverClean, report } from "../testing/cuts.ts";

const SAFE = new URL("../../../testdata/openvino/safe/", import.meta.url);
const xml = readFileSync(new URL("model.xml", SAFE), "utf8");
const rules = loadRules();

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Verdicts of the network and of its weights, in one folder. */
async function pair(text: string, weights: (bytes: Uint8Array) => Uint8Array): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "openvino-"));
  try {
    cpSync(SAFE, folder, { recursive: true });
    writeFileSync(join(folder, "model.xml"), text);
    const bin = join(folder, "model.bin");
    writeFileSync(bin, weights(new Uint8Array(readFileSync(bin))));
    const { files } = await scanMany([folder], { rules });
    return ["model.xml", "model.bin"].map((name) =>
      files.find(({ path }) => path.endsWith(name))?.verdict ?? "absent"
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a network as OpenVINO writes it and its weights are clean", async () => {
  assert.deepEqual(await pair(xml, (bytes) => bytes), ["clean", "clean"]);
});

test("weights cut at any byte, and longer ones, are reported", async () => {
  for (let length = 0; length < 54; length++) {
    const [, weights] = await pair(xml, (bytes) => bytes.slice(0, length));
    assert.equal(weights, "incomplete", `cut at ${length}`);
  }
  const [, longer] = await pair(xml, (bytes) => new Uint8Array([...bytes, 1, 2, 3]));
  assert.equal(longer, "suspicious");
});

test("a network cut anywhere is never clean", async () => {
  const bytes = bytesOf(xml);
  const root = xml.indexOf("<net ") + '<net name="m" version="11">'.length;
  for (let at = root; at < xml.trimEnd().length; at += 11) {
    const { verdict } = await report("model.xml", bytes.slice(0, at));
    assert.equal(verdict, "incomplete", `cut at ${at}`);
  }
  await assertCutsNeverClean("model.pt", bytes, { step: 101, allowed: [bytes.length - 1] });
});

test("a size that disagrees with its shape, extensions and document types are reported", async () => {
  const lies: readonly (readonly [string | RegExp, string])[] = [
    ['shape="4, 3"', 'shape="4, 4"'],
    ['shape="4, 3"', 'shape="x"'],
    [/offset="0"/u, 'offset="-1"'],
    ['version="opset1"', 'version="custom"'],
    ['element_type="f32" shape', 'element_type="echo" shape'],
    ['offset="0"', 'offset="18446744073709551600"'],
    ['type="MatMul"', 'type="EchoRun"'],
    ["<net", '<!DOCTYPE net [<!ENTITY a SYSTEM "file:///etc/passwd">]><net'],
  ];
  for (const [from, to] of lies) {
    const lie = xml.replace(from, to);
    assert.notEqual(lie, xml, to);
    assert.equal((await report("model.xml", bytesOf(lie))).verdict, "suspicious", to);
  }
});

test("other XML is not taken for a network", async () => {
  for (const text of ["<html></html>", "<network/>", "<a><net version='1'/></a>", "text"]) {
    assert.deepEqual((await report("a.xml", bytesOf(text))).formats, [], text);
  }
});

test("a network is found however OpenVINO finds it, in any encoding", async () => {
  const foreign = xml.replace('type="Add" version="opset1"', 'type="Add" version="extension"');
  const body = foreign.slice(foreign.indexOf("<net"));
  const forms: readonly (string | Uint8Array)[] = [
    body.replace("<net", "<NeT").replace("</net", "</NeT"),
    `echo ${body}`,
    `<?a?><?b?>${body}`,
    `<!--${"x".repeat(100_000)}-->${body}`,
    `${" ".repeat(100_000)}${body}`,
    `<!DOCTYPE net [<!ENTITY a "]>"> ] >${body}`,
    body.replace("<net ", `<net a="${"x".repeat(100_000)}" `),
    utf16(foreign, true),
    utf16(`\ufeff${foreign}`, false),
  ];
  for (const form of forms) {
    const bytes = typeof form === "string" ? bytesOf(form) : form;
    const { verdict, findings } = await report("m.xml", bytes);
    assert.equal(verdict, "suspicious", String(form).slice(0, 40));
    assert.ok(findings.some(({ ruleId }) => ruleId === "openvino-extension"));
  }
});

function utf16(text: string, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(2 * text.length);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < text.length; at++) {
    view.setUint16(2 * at, text.charCodeAt(at), littleEndian);
  }
  return bytes;
}

test("what OpenVINO's own tokenizers and subgraphs hold is clean", async () => {
  for (const name of ["branches", "types", "openvino_tokenizer", "openvino_detokenizer"]) {
    const { findings, verdict } = await report(
      `${name}.xml`,
      new Uint8Array(readFileSync(new URL(`${name}.xml`, SAFE))),
    );
    assert.equal(verdict, "clean", name);
    assert.ok(findings.length > 1, name);
  }
});

/** The rules that a folder's files break, apart from those of what computes. */
async function rulesOf(
  files: Readonly<Record<string, Uint8Array>>,
  link = false,
): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "openvino-"));
  try {
    const model = join(folder, "model");
    mkdirSync(model);
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(model, name), bytes);
    if (link) {
      renameSync(join(model, "m.bin"), join(folder, "secret"));
      symlinkSync("../secret", join(model, "m.bin"));
    }
    const { files: reports } = await scanMany([model], { rules });
    return reports.flatMap(({ findings }) =>
      findings.filter(({ severity }) => severity !== "info").map(({ ruleId }) => ruleId)
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("packed texts are compared with their constant", async () => {
  const suspicious = new URL("../suspicious/", SAFE);
  for (const name of ["far", "negative", "back", "many", "few"]) {
    const [network, weights] = ["xml", "bin"].map((ending) =>
      new Uint8Array(readFileSync(new URL(`texts_${name}.${ending}`, suspicious)))
    );
    assert.ok(network !== undefined && weights !== undefined);
    assert.deepEqual(await rulesOf({ "m.xml": network, "m.bin": weights }), ["openvino-texts"]);
  }
});

test("weights behind a link that leaves the folder are dangerous", async () => {
  const weights = new Uint8Array(readFileSync(new URL("model.bin", SAFE)));
  const files = { "m.xml": bytesOf(xml), "m.bin": weights };
  assert.deepEqual(await rulesOf(files), []);
  assert.deepEqual(await rulesOf(files, true), ["openvino-link"]);
});
