import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { DESCRIPTORS } from "../formats/registry.ts";
import { buildZip } from "../formats/testing/zip.ts";
import { run, TESTDATA } from "./testing/together.ts";

const CLEAN = join(TESTDATA, "safetensors/safe/dtypes.safetensors");

interface Seen {
  readonly verdict: string;
  readonly messages: string;
}

/** Exit code and verdicts of files beside a clean one, in the order of the names. */
async function together(names: readonly string[], bytes: Uint8Array) {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-unread-"));
  try {
    copyFileSync(CLEAN, join(folder, "clean.safetensors"));
    for (const name of names) writeFileSync(join(folder, name), bytes);
    const { code, out } = await run([folder], undefined, { options: { format: "json" } });
    const { assets, issues } = JSON.parse(out);
    const verdictOf = (name: string): string =>
      assets.find(({ path }: { path: string }) => path === join(folder, name)).verdict;
    assert.equal(verdictOf("clean.safetensors"), "clean");
    const seen = names.map((name): Seen => ({
      verdict: verdictOf(name),
      messages: issues.filter(({ path }: { path: string }) => path === join(folder, name))
        .map(({ message }: { message: string }) => message).join(),
    }));
    return { code, seen };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Exit code and verdict of one file beside a clean one. */
async function besideClean(name: string, bytes: Uint8Array) {
  const { code, seen: [one] } = await together([name], bytes);
  assert.ok(one);
  return { code, ...one };
}

/** Bytes from text, one a character. */
const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Bytes that no format begins with. */
const NOISE = Uint8Array.from({ length: 3000 }, (_, at) => 0xf1 ^ Math.imul(at, 0x9e3779b1) >>> 24);

/** What a file that nothing reads may hold. */
const CONTENTS: Readonly<Record<string, Uint8Array>> = {
  numbers: NOISE,
  protobuf: bytesOf("\x0a\x05LeNet\x12\x04data"),
  FlatBuffer: bytesOf("\x1c\0\0\0\0\0\0\0\x14\0 \0\x1c\0\x18\0"),
  zip: buildZip([{ name: "graph.bin", data: NOISE }, { name: "meta", data: "name: g" }]),
  "zip with a configuration": buildZip([
    { name: "config.json", data: '{"model_type": "bert"}' },
    { name: "graph", data: NOISE },
  ]),
  gzip: gzipSync(NOISE),
  nothing: new Uint8Array(),
};

/** Names that claim a format without a reader. */
const NAMES = DESCRIPTORS.flatMap(({ role, claims }) =>
  claims.filter(({ unread = role === "unread" }) => unread)
    .flatMap(({ label, extensions }) =>
      extensions.split(" ").map((extension) => [extension, label] as const)
    )
);

/** First bytes of each format that is known by content and has no reader. */
const HEADS: readonly (readonly [label: string, head: string])[] = [
  ["a TensorRT engine", "ptrt\x18\0\0\0"],
  ["a TensorRT engine", "ftrt\0\0\0\0\xd6\0\0\0"],
  ["a TensorRT engine", '\x0d\0\0\0{"stride":32}ftrt\0\0\0\0'],
  ["a RKNN model", "RKNN\0\0\0\0\x06\0\0\0"],
  ["a RKNN model", "CRYPTRKN\x06\0\0\0"],
  ["an Ascend offline model", "IMOD\0\x01\0\0"],
  ["a Hailo executable", "\x01HEF\0\0\0\x03"],
  ["an IREE module", "\x20\0\0\0IREE"],
  ["a compiled OpenVINO model", "RR_UPCVO\x01\0\0\0meta=1.0;"],
  ["a Kendryte model", "LDMK\x05\0\0\0"],
  ["a CVITEK model", "CviModel\x10\0\0\0"],
  ["an ESP-DL model", "EDL2\0\0\0\0"],
  ["a CNTK model of version 1", "B\0C\0N\0\0\0V\0e\0"],
  ["a MindSpore Lite model", "\x20\0\0\0MSL2"],
  ["an ONNX Runtime model", "\x20\0\0\0ORTM"],
  ["a Circle model", "\x20\0\0\0CIR0"],
  ["a Kaldi model", "\0B<TransitionModel> "],
  ["a Feather table of version 1", "FEA1\0\0\0\0"],
];

test("A file by the name of a format without a reader never ends with 0 beside a clean one", async () => {
  assert.ok(NAMES.length > 30);
  const wrong: string[] = [];
  const names = NAMES.flatMap(([extension, label], index) =>
    [`model${index}.${extension}`, `MODEL${index}_.${extension.toUpperCase()}`]
      .map((name) => ({ name, label }))
  );
  const kinds = Object.entries(CONTENTS);
  for (const [kind, bytes] of kinds) {
    const { seen } = await together(names.map(({ name }) => name), bytes);
    for (const [index, { verdict, messages }] of seen.entries()) {
      const { name = "", label = "" } = names[index] ?? {};
      const reported = kind === "nothing"
        ? messages.includes("is empty")
        : messages.includes(label) ||
          /has the name of a model, but nothing in it/u.test(messages);
      if (verdict === "incomplete" && reported) continue;
      wrong.push(`${name} with ${kind}: ${verdict} ${messages}`);
    }
  }
  // Each name alone, in one of its two forms, with one of the contents.
  const alone = names.filter((_, index) => index % 2 === (index >> 1) % 2);
  for (const [index, { name }] of alone.entries()) {
    const [kind = "", bytes = NOISE] = kinds[index % kinds.length] ?? [];
    const { code } = await besideClean(name, bytes);
    if (code !== 2) wrong.push(`${name} with ${kind}: ${code}`);
  }
  assert.deepEqual(wrong, []);
});

test("A format without a reader that is known by its content never ends with 0, whatever its name", async () => {
  const kinds = DESCRIPTORS.flatMap(({ unread = [] }) => unread);
  const missed = kinds.filter(({ label, matches }) =>
    !HEADS.some(([each, head]) => {
      const bytes = bytesOf(head);
      return each === label && matches({
        ...{ name: "x", size: bytes.length, head: bytes, tail: bytes, hint: undefined },
      });
    })
  );
  assert.deepEqual(missed.map(({ label }) => label), [], "each kind has an example");
  const wrong: string[] = [];
  for (const [label, head] of HEADS) {
    const bytes = bytesOf(head);
    for (const name of ["model", "model.bin", "model.dat", "model.txt", "model.onnx", "a.json"]) {
      const { code, verdict, messages } = await besideClean(name, bytes);
      const ends = name === "model.txt" || name === "a.json" ? [1, 2] : [2];
      if (ends.includes(code) && verdict === "incomplete" && messages.includes(label)) continue;
      wrong.push(`${name} of ${label}: ${code} ${verdict} ${messages}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("It is no safer in an archive or compressed", async () => {
  const wrong: string[] = [];
  for (const [label, head] of HEADS) {
    const bytes = bytesOf(head);
    const wrapped = {
      "model.zip": buildZip([{ name: "member", data: bytes }]),
      "model.gz": gzipSync(bytes),
    };
    for (const [name, content] of Object.entries(wrapped)) {
      const { code, verdict, messages } = await besideClean(name, content);
      if (code === 2 && verdict === "incomplete" && messages.includes(label)) continue;
      wrong.push(`${name} of ${label}: ${code} ${verdict} ${messages}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("The clean file alone ends with 0", async () => {
  const { code } = await run([CLEAN], undefined);
  assert.equal(code, 0);
});
