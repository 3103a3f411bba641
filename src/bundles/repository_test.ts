import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildZip as zip } from "../formats/testing/zip.ts";
import { loadRules } from "../rules/rules.ts";
import { scanSource } from "../scan/scan_source.ts";
import { scanMany } from "../scan/scan_inputs.ts";
import { bytesSource } from "../sources/memory.ts";
import type { BundleObservation } from "../core/bundle.ts";
import { LimitError } from "../core/errors.ts";
import type { FileReport, Finding, Listing, Verdict } from "../core/types.ts";
import { VERDICTS } from "../core/types.ts";
import { repositoryBundle } from "./repository.ts";
import { member } from "./testing/members.ts";

const ROOT = fileURLToPath(new URL("../../testdata/repository/", import.meta.url));
const rules = loadRules({ strict: true });

async function scan(folder: string): Promise<readonly FileReport[]> {
  return (await scanMany([join(ROOT, folder)], { rules })).files;
}

function worst(files: readonly FileReport[]): Verdict {
  return VERDICTS.find((verdict) => files.some((file) => file.verdict === verdict)) ?? "skipped";
}

function findings(files: readonly FileReport[]): Finding[] {
  return files.flatMap((file) => file.findings);
}

/** The members of a folder of the test data as a zip. */
function zipped(folder: string): Uint8Array {
  const names = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(ROOT, folder).length + 1));
  return zip(names.map((name) => ({
    name: name.replaceAll("\\", "/"),
    data: new Uint8Array(readFileSync(join(ROOT, folder, name))),
    deflate: name.endsWith(".py"),
  })));
}

const HARMFUL = readdirSync(join(ROOT, "harmful")).filter((name) => !name.includes("."));

test("real repositories have no issue above info", async () => {
  for (const name of readdirSync(join(ROOT, "safe"))) {
    const files = await scan(`safe/${name}`);
    const bad = findings(files).filter(({ severity }) => severity !== "info");
    assert.deepEqual(bad.map(({ message }) => message), [], name);
    assert.ok(["clean", "incomplete"].includes(worst(files)), `${name} is ${worst(files)}`);
  }
});

test("a repository whose code does harm at import is dangerous, as a folder and as an archive", async () => {
  assert.ok(HARMFUL.length >= 10);
  for (const name of HARMFUL) {
    assert.equal(worst(await scan(`harmful/${name}`)), "dangerous", name);
    const source = bytesSource("repository.zip", zipped(`harmful/${name}`));
    assert.equal((await scanSource(source, { rules })).verdict, "dangerous", `${name} zipped`);
  }
});

test("a repository whose code does nothing at import is suspicious, medium, and reported once", async () => {
  const files = await scan("suspicious/own_code");
  assert.equal(worst(files), "suspicious");
  const reported = findings(files).filter(({ severity }) => severity !== "info");
  assert.deepEqual(reported.map(({ ruleId, severity }) => [ruleId, severity]), [
    ["repository-own-code", "medium"],
  ]);
  const message = reported[0]?.message ?? "";
  assert.match(message, /modeling_x\.XModel/);
  assert.match(message, /with remote code allowed runs configuration_x\.py, modeling_x\.py/);
  assert.match(message, /Without it/);
});

test("the socket that is opened at import is named, with line and byte", async () => {
  const files = await scan("harmful/socket_at_import");
  const [first] = findings(files).filter(({ safety }) => safety === "dangerous");
  assert.match(first?.message ?? "", /calls socket\.socket\(.*in line \d+/);
  assert.ok((first?.offset ?? 0) > 100);
  assert.match(files.find(({ verdict }) => verdict === "dangerous")?.path ?? "", /modeling_x\.py$/);
});

test("one file of a repository is judged with those beside it", async () => {
  const [file] = await scan("harmful/socket_at_import/config.json");
  assert.equal(file?.verdict, "suspicious");
  assert.match(file?.findings[0]?.message ?? "", /socket\.socket/);
  const [python] = await scan("harmful/socket_at_import/modeling_x.py");
  assert.equal(python?.verdict, "dangerous");
});

test("shards that are missing or hold something else are reported", async () => {
  const complete = await scan("safe/llama_sharded");
  assert.equal(worst(complete), "clean");
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-"));
  try {
    const from = join(ROOT, "safe/llama_sharded");
    const shards = readdirSync(from).filter((name) => name.endsWith(".safetensors")).sort();
    const [first = "", second = "", third = ""] = shards;
    const copy = (name: string, as: string) =>
      writeFileSync(join(folder, as), readFileSync(join(from, name)));
    copy("model.safetensors.index.json", "model.safetensors.index.json");
    copy(first, first);
    copy(third, second);
    const { files } = await scanMany([folder], { rules });
    const ids = findings(files).map(({ ruleId }) => ruleId);
    assert.ok(ids.includes("repository-shard-missing"), ids.join());
    assert.ok(ids.includes("repository-shard-disagrees"), ids.join());
    assert.equal(worst(files), "incomplete");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("native code where a loader runs it is high, elsewhere info", async () => {
  const elf = new Uint8Array(120);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const report = async (...names: string[]) => {
    const bytes = zip(names.map((name) => ({ name, data: elf })));
    return (await scanSource(bytesSource("package.pt2", bytes), { rules })).findings;
  };
  const [aot] = await report("m/data/aotinductor/model/x.so");
  assert.deepEqual([aot?.ruleId, aot?.severity], ["native-aot-inductor", "high"]);
  const [triton] = await report("m/config.pbtxt", "m/1/model.so");
  assert.equal(triton?.ruleId, "native-loaded");
  const others = (await report("m/lib/x.so")).filter(({ ruleId }) => ruleId.startsWith("native"));
  assert.equal(others.length, 1);
  assert.ok(others.every(({ severity }) => severity === "info"));
});

test("configurations beyond those that are searched leave the repository unread", async () => {
  const files = Array.from(
    { length: 2000 },
    (_, at) => [`a${String(at).padStart(4, "0")}/config.json`, "{}"],
  );
  const members = [...files, ["z/config.json", '{"auto_map": {"A": "m.X"}}']].map((
    [name = "", text = ""],
  ) => member(name, text));
  const seen: BundleObservation[] = [];
  for await (const one of repositoryBundle.observe({ format: "folder", members })) {
    seen.push(one);
  }
  assert.deepEqual(seen.map(({ part }) => part), ["z/config.json"]);
  const [{ observation } = { observation: undefined }] = seen;
  assert.ok(observation?.type === "anomaly" && observation.unread);
});

test("source files beyond those that are read leave the repository unread", async () => {
  const module = (at: number) => `from . import m${at + 1}\n`;
  const members = [
    member("config.json", '{"auto_map": {"A": "m0.X"}}'),
    ...Array.from({ length: 2002 }, (_, at) => member(`m${at}.py`, module(at))),
  ];
  const details: string[] = [];
  for await (const { observation } of repositoryBundle.observe({ format: "folder", members })) {
    if (observation.type === "anomaly" && observation.unread) details.push(observation.detail);
  }
  assert.deepEqual(details, ['"m2000.py" cannot be read: 2000 files are read before it']);
});

test("a deadline ends the reading of a repository's sources", async () => {
  const data = new TextEncoder().encode("x = 1\n".repeat(20_000));
  const config = new TextEncoder().encode('{"auto_map": {"AutoModel": "m.X"}}');
  const open = (bytes: Uint8Array) => () => bytesSource("m", bytes);
  const listing: Listing = {
    ...{ format: "folder" },
    members: [
      { name: "config.json", kind: "file", size: config.length, open: open(config) },
      { name: "m.py", kind: "file", size: data.length, open: open(data) },
    ],
  };
  const late = (): void => {
    throw new LimitError("milliseconds", "late");
  };
  const all = async (check?: () => void): Promise<number> => {
    let count = 0;
    for await (const _ of repositoryBundle.observe(listing, undefined, check)) count++;
    return count;
  };
  assert.ok(await all() > 0);
  await assert.rejects(() => all(late), /late/);
});
