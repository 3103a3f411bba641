import assert from "node:assert/strict";
import { test } from "node:test";
import type { Member } from "../core/types.ts";
import { isObject, parseJson } from "../parsers/json.ts";
import { shardAnomalies } from "./shards.ts";
import { member } from "./testing/members.ts";

/** A safetensors file of tensors of one byte each. */
function shard(...names: readonly string[]): Uint8Array {
  const header = names.map((name, at) =>
    `${JSON.stringify(name)}:{"dtype":"U8","shape":[1],"data_offsets":[${at},${at + 1}]}`
  );
  const text = new TextEncoder().encode(`{${header.join()}}`);
  const bytes = new Uint8Array(8 + text.length + names.length);
  bytes[0] = text.length & 0xff;
  bytes[1] = text.length >> 8;
  bytes.set(text, 8);
  return bytes;
}

async function anomalies(
  map: Readonly<Record<string, string>>,
  files: Readonly<Record<string, Uint8Array>>,
) {
  const { value } = parseJson(new TextEncoder().encode(JSON.stringify({ weight_map: map })));
  assert.ok(isObject(value));
  const members = new Map<string, Member>(
    Object.entries(files).map(([name, bytes]) => [`d/${name}`, member(`d/${name}`, bytes)]),
  );
  const found: string[] = [];
  for await (const { observation } of shardAnomalies("i.json", "d/", value, members)) {
    assert.ok(observation.type === "anomaly");
    found.push(`${observation.rule} ${observation.detail}${observation.unread ? " unread" : ""}`);
  }
  return found;
}

test("shards that hold what the index says have no anomaly", async () => {
  const files = { "a.safetensors": shard("x", "y"), "b.safetensors": shard("z") };
  assert.deepEqual(
    await anomalies({ x: "a.safetensors", y: "a.safetensors", z: "b.safetensors" }, files),
    [],
  );
  assert.deepEqual(await anomalies({}, files), []);
});

test("a file that is not there leaves the model unread", async () => {
  assert.deepEqual(
    await anomalies({ x: "a.safetensors", y: "b.bin" }, { "a.safetensors": shard("x") }),
    [
      'repository-shard-missing 1 of 2 files are not here: "b.bin" unread',
    ],
  );
});

test("tensors that a shard lacks, or also holds, are named", async () => {
  assert.deepEqual(await anomalies({ x: "a.safetensors" }, { "a.safetensors": shard("y") }), [
    'repository-shard-disagrees "a.safetensors" lacks "x"',
    'repository-shard-disagrees "a.safetensors" also holds "y"',
  ]);
});

test("a shard that cannot be read is no anomaly of the index", async () => {
  const broken = Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 1);
  assert.deepEqual(await anomalies({ x: "a.safetensors" }, { "a.safetensors": broken }), []);
});
