import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import { safetensorsFormat } from "./mod.ts";
import { run, sampleOf } from "../testing/scan.ts";
import { LARGE_INPUT } from "../../parsers/testing/sweep.ts";

const SAFE = new URL("../../../testdata/safetensors/safe/", import.meta.url);
const rules = loadRules({ strict: true });
const encoder = new TextEncoder();

function build(header: unknown, data = 0, length?: number): Uint8Array {
  const text = encoder.encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const GOOD = {
  __metadata__: { format: "pt" },
  a: { dtype: "F32", shape: [2, 2], data_offsets: [0, 16] },
  b: { dtype: "I8", shape: [4], data_offsets: [16, 20] },
};

test("what the library writes is clean, with every type that it knows", async () => {
  const files = readdirSync(SAFE);
  assert.ok(files.length >= 3);
  for (const name of files) {
    const seen = await run(safetensorsFormat, new Uint8Array(readFileSync(new URL(name, SAFE))));
    assert.deepEqual(seen.rules, [], name);
    assert.equal(seen.error, undefined);
  }
});

test("a header cut at any byte is never clean", async () => {
  const complete = new Uint8Array(readFileSync(new URL("dtypes.safetensors", SAFE)));
  const end = 8 + new DataView(complete.buffer).getUint32(0, true);
  for (let at = 1; at < end; at += at < 64 ? 1 : 16) {
    const report = await scanSource(bytesSource("m.safetensors", complete.slice(0, at)), { rules });
    assert.equal(report.verdict, "incomplete", `cut at ${at}`);
  }
});

test("every number of the header that lies is reported", async () => {
  const lies: readonly (readonly [string, string, string])[] = [
    ['"F32"', '"F16"', "safetensors-bad-tensor"],
    ['"F32"', '"constructor"', "safetensors-bad-tensor"],
    ['"F32"', "5", "safetensors-bad-tensor"],
    ["[2,2]", "[2,3]", "safetensors-bad-tensor"],
    ["[2,2]", "[-2,-2]", "safetensors-bad-tensor"],
    ["[2,2]", "[2.5,2]", "safetensors-bad-tensor"],
    ["[2,2]", "[4294967296,4294967296,0.25]", "safetensors-bad-tensor"],
    ["[2,2]", "[9007199254740993]", "safetensors-bad-tensor"],
    ["[2,2]", '"4"', "safetensors-bad-tensor"],
    ["[0,16]", "[4,20]", "safetensors-overlap"],
    ["[0,16]", "[16,0]", "safetensors-bad-tensor"],
    ["[0,16]", "[0]", "safetensors-bad-tensor"],
    ["[0,16]", "[0,1e300]", "safetensors-bad-tensor"],
    ["[16,20]", "[20,24]", "safetensors-gap"],
    ["[16,20]", "[12,16]", "safetensors-overlap"],
    ['{"format":"pt"}', '{"format":1}', "safetensors-metadata"],
    ['{"format":"pt"}', "[]", "safetensors-metadata"],
    ['"b":', '"a":', "safetensors-duplicate-name"],
    ['"shape":[4]', '"shape":[4],"shape":[4]', "safetensors-duplicate-name"],
  ];
  for (const [truth, lie, rule] of lies) {
    const text = JSON.stringify(GOOD).replace(truth, lie);
    const seen = await run(safetensorsFormat, build(text, 20));
    assert.ok(seen.rules.includes(rule), `${lie}: ${seen.rules.join()}`);
  }
});

test("a length that lies makes the file incomplete", async () => {
  const { length } = JSON.stringify(GOOD);
  for (const lie of [0, 1, 2, length - 1, length + 1, length + 20, 1e9, 2 ** 53, 2 ** 63]) {
    const source = bytesSource("m.safetensors", build(GOOD, 20, lie));
    const { verdict } = await scanSource(source, { rules });
    assert.ok(["incomplete", "suspicious"].includes(verdict), `${lie} is ${verdict}`);
  }
});

test("zeros behind the last tensor are padding, other bytes are not", async () => {
  const verdict = async (...tail: readonly number[]) => {
    const bytes = new Uint8Array([...build(GOOD, 20), ...tail]);
    return (await scanSource(bytesSource("m.safetensors", bytes), { rules })).verdict;
  };
  assert.equal(await verdict(...Array<number>(100).fill(0)), "clean");
  assert.equal(await verdict(0, 0, 1), "suspicious");
});

test("only the header of a huge file is read", async () => {
  const size = 100 * 2 ** 30;
  const header = {
    a: { dtype: "F32", shape: [size / 8], data_offsets: [0, size / 2] },
    b: { dtype: "F32", shape: [size / 8], data_offsets: [size / 2, size] },
  };
  const start = build(header);
  const source: Source = {
    name: "huge.safetensors",
    size: size + start.length,
    access: "random",
    read(offset, length) {
      assert.ok(length <= 1 << 20);
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size + start.length - offset)));
      bytes.set(start.subarray(Math.min(offset, start.length), offset + length));
      return Promise.resolve(bytes);
    },
  };
  const report = await scanSource(source, { rules });
  assert.equal(report.verdict, "clean");
  assert.ok(report.bytesRead < 1 << 20, `${report.bytesRead} bytes`);
});

test("a pickle in the metadata is scanned as bytes that nothing loads", async () => {
  const pickle = btoa("\x80\x04cos\nsystem\n(X\x07\0\0\0echo hitR.");
  const source = bytesSource("m.safetensors", build({ __metadata__: { state: pickle } }));
  const report = await scanSource(source, { rules });
  assert.equal(report.verdict, "suspicious");
  assert.match(report.findings[0]?.message ?? "", /os\.system/);
});

test("thousands of lies are counted and not listed", async () => {
  const tensors = Object.fromEntries(
    Array.from(
      { length: 3000 },
      (_, at) => [`t${at}`, { dtype: "?", shape: [], data_offsets: [0, 1] }],
    ),
  );
  const seen = await run(safetensorsFormat, build(tensors, 1));
  assert.ok(seen.anomalies.length < 100);
  assert.ok(seen.anomalies.some(({ detail }) => /^and \d+ more$/.test(detail)));
});

test(
  "a shape of half a million lengths, each as large as can be, is reported and not multiplied out",
  LARGE_INPUT,
  async () => {
    const shape = (length: string) => `[${Array(500_000).fill(length).join()}]`;
    const header = (length: string) =>
      `{"a":{"dtype":"U8","shape":${shape(length)},"data_offsets":[0,0]}}`;
    const large = await run(safetensorsFormat, build(header("9007199254740991")));
    assert.deepEqual(large.rules, ["safetensors-bad-tensor"]);
    assert.deepEqual((await run(safetensorsFormat, build(header("0")))).rules, []);
  },
);

test("a key that stands twice among a hundred thousand is reported", LARGE_INPUT, async () => {
  const keys = Array.from({ length: 100_000 }, (_, at) => `"k${at}":"a"`);
  const reported = async (members: readonly string[]) =>
    (await run(safetensorsFormat, build(`{"__metadata__":{${members.join()}}}`))).rules;
  assert.deepEqual(await reported(keys), []);
  assert.deepEqual(await reported([...keys, keys[5] ?? ""]), ["safetensors-duplicate-name"]);
});

test("other content under the name is not taken for a header", () => {
  const detect = (text: string, name: string) =>
    safetensorsFormat.detect(sampleOf(encoder.encode(text), { name }));
  assert.equal(detect("\x02\0\0\0\0\0\0\0{}", "a"), true);
  assert.equal(detect("\x02\0\0\0\0\0\0\0{x}", "a"), false);
  assert.equal(detect("PK\x03\x04........", "a.safetensors"), false);
  assert.equal(detect('zzzzzzzz{"a":{}}', "a"), false);
  assert.equal(detect('zzzzzzzz{"a":{}}', "a.safetensors"), true);
});
