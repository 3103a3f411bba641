import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { buildZip } from "../formats/testing/zip.ts";
import { loadRules } from "../rules/rules.ts";
import { scanSource } from "../scan/scan_source.ts";
import { forwardSource } from "../sources/forward.ts";
import { bytesSource } from "../sources/memory.ts";
import type { Source } from "../core/source.ts";
import type { FileReport } from "../core/types.ts";
import { effectiveOf } from "./effective.ts";
import { readConfiguration } from "./read.ts";

/** The report on some bytes under some patterns. */
async function scan(
  bytes: Uint8Array | Source,
  patterns: string,
  name = "model.pkl",
): Promise<FileReport> {
  const vocabulary = { rules: [], formats: [] };
  const text = `[custom_patterns]\npatterns = [${patterns}]\n`;
  const layer = { configuration: readConfiguration(text, "s.toml", vocabulary), trusted: true };
  const { overrides } = await effectiveOf([layer], loadRules(), 0);
  const source = bytes instanceof Uint8Array ? bytesSource(name, bytes) : bytes;
  return await scanSource(source, { rules: loadRules({ overrides }), path: name });
}

/** Messages and places of what a pattern found. */
function found(report: FileReport): string[] {
  return report.findings.filter((it) => it.ruleId === "configuration-pattern")
    .map((it) => [...it.location.parts, `${it.offset}`, it.message].join(" "));
}

function bytesOf(...pieces: readonly (string | number | readonly number[])[]): Uint8Array {
  return Uint8Array.from(
    pieces.flatMap((piece) =>
      typeof piece === "string"
        ? [...new TextEncoder().encode(piece)]
        : typeof piece === "number"
        ? [piece]
        : [...piece]
    ),
  );
}

const fourBytes = (value: number) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

test("a pattern is found in a pickled string of every opcode", async () => {
  const secret = "my internal-abc-token";
  const pickles: Record<string, Uint8Array> = {
    SHORT_BINUNICODE: bytesOf([0x80, 4, 0x8c, secret.length], secret, "."),
    BINUNICODE: bytesOf([0x80, 2], "X", fourBytes(secret.length), secret, "."),
    BINUNICODE8: bytesOf([0x80, 4, 0x8d], fourBytes(secret.length), [0, 0, 0, 0], secret, "."),
    SHORT_BINSTRING: bytesOf("U", secret.length, secret, "."),
    BINSTRING: bytesOf("T", fourBytes(secret.length), secret, "."),
    STRING: bytesOf(`S'${secret}'\n.`),
    UNICODE: bytesOf(`V${secret}\n.`),
    ESCAPED: bytesOf(`Vmy \\u0069nternal-abc-token\n.`),
    SHORT_BINBYTES: bytesOf([0x80, 3], "C", secret.length, secret, "."),
    BINBYTES: bytesOf([0x80, 3], "B", fourBytes(secret.length), secret, "."),
  };
  for (const [opcode, pickle] of Object.entries(pickles)) {
    const report = await scan(pickle, '"internal-[a-z]+-token"');
    assert.equal(found(report).length, 1, opcode);
    assert.match(
      found(report)[0] ?? "",
      /^stream_0 \d .*"internal-abc-token" in .*pickled/,
      opcode,
    );
    assert.equal(report.verdict, "suspicious", opcode);
    assert.deepEqual(found(await scan(pickle, '"other"')), [], opcode);
  }
});

test("severity and title are those of the pattern", async () => {
  const report = await scan(
    bytesOf("S'Secret'\n."),
    '{ text = "Secret", severity = "CRITICAL", title = "Holds a secret" }',
  );
  assert.equal(report.verdict, "dangerous");
  assert.match(report.findings[0]?.message ?? "", /^Holds a secret: found "Secret"/);
  assert.equal(report.findings[0]?.details["configuration"], "s.toml:2");
});

test("a string longer than a window is searched as a whole, also in a stream", async () => {
  const text = "a".repeat(600_000) + "needle";
  const head = bytesOf([0x80, 2], "X", fourBytes(text.length));
  const complete = new Uint8Array(head.length + text.length + 1);
  complete.set(head);
  complete.set(new TextEncoder().encode(`${text}.`), head.length);
  assert.equal(found(await scan(complete, '"^a+needle$"')).length, 1);
  let sent = false;
  const stream = forwardSource("model.pkl", () => {
    const chunk = sent ? undefined : complete;
    sent = true;
    return Promise.resolve(chunk);
  });
  assert.equal(found(await scan(stream, '"^a+needle$"')).length, 1);
});

test("a hostile expression over a string of ten megabytes ends", async () => {
  const length = 10_000_000;
  const pickle = new Uint8Array(length + 8).fill(0x61);
  pickle.set(bytesOf([0x80, 2], "X", fourBytes(length)));
  pickle[length + 7] = 0x2e;
  const report = await scan(pickle, '"(a+)+b$"');
  assert.deepEqual(found(report), []);
});

test("patterns are found in text members of archives and in plain text", async () => {
  const zip = buildZip([
    { name: "notes.txt", data: "see http://internal.example/x" },
    { name: "weights.bin", data: "\0\0http://internal.example\0" },
  ]);
  const report = await scan(zip, '"https?://internal"', "bundle.zip");
  assert.deepEqual(found(report).map((it) => it.split(" ")[0]), ["notes.txt"]);
  const text = await scan(bytesOf("a token here"), '"token"', "readme.txt");
  assert.equal(found(text).length, 1);
});

test("patterns are found in the strings of a graph", async () => {
  const url = new URL("../../testdata/onnx/harmful/pyop_extensions.onnx", import.meta.url);
  const model = new Uint8Array(readFileSync(url));
  const report = await scan(model, '"^ai\\\\.onnx\\\\.contrib$", "PyOp"', "model.onnx");
  assert.ok(found(report).length > 0, JSON.stringify(report.findings.map((it) => it.message)));
  assert.match(found(report).join(), /in a graph/);
});

test("without patterns nothing is searched", () => {
  assert.equal(loadRules().interest.patternsIn, undefined);
});
