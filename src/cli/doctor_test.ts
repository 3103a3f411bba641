import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { staleSamples } from "../../scripts/doctor_samples.ts";
import { DecoderError } from "../core/errors.ts";
import { FORMATS } from "../formats/registry.ts";
import type { FormatEntry } from "../core/format.ts";
import { loadRules } from "../rules/rules.ts";
import { scanMany } from "../scan/scan_inputs.ts";
import { runDoctor } from "./commands/doctor.ts";
import { DOCTOR_SAMPLES } from "./doctor_samples.ts";
import { runMain } from "./commands/main.ts";
import { testIo, type TestWorld } from "./testing/io.ts";
import { fatedThreads, supply } from "./testing/threads.ts";
import type { Threads } from "../scan/schedule/threads.ts";

async function doctor(
  options: { readonly format?: string; readonly formats?: readonly FormatEntry[] } = {},
  world: TestWorld = {},
) {
  const io = testIo(world);
  const { format = "text", formats } = options;
  const code = await runDoctor({ format, emoji: true, config: undefined }, io, formats);
  return { code, out: io.stdout.text };
}

/** The formats, one of which cannot be loaded. */
function without(id: string): FormatEntry[] {
  return FORMATS.map((entry) =>
    entry.id === id
      ? { ...entry, load: () => Promise.reject(new Error("the decoder is gone")) }
      : entry
  );
}

test("every format has a sample, and the samples are those of the test data", async () => {
  assert.deepEqual(await staleSamples(), []);
  const ids = DOCTOR_SAMPLES.map((it) => it.format);
  assert.deepEqual([...ids].sort(), FORMATS.map((it) => it.id).sort());
});

test("every scanner proves itself", async () => {
  const { code, out } = await doctor();
  assert.equal(code, 0, out);
  assert.match(out, /^Scanner Diagnostic Report\n/);
  assert.match(out, new RegExp(`^Total scanners: ${FORMATS.length}$`, "m"));
  assert.match(out, /^✅ works +pickle +built in$/m);
});

test("the command writes JSON too", async () => {
  const io = testIo();
  assert.equal(await runMain(["doctor", "--format", "json"], io), 0);
  const data = JSON.parse(io.stdout.text);
  assert.equal(data.total_scanners, data.working_scanners);
  assert.deepEqual([data.configuration.used, data.webassembly], ["embedded", true]);
});

test("threads that do not start are reported with the reason, and are no failure", async () => {
  const dead: Threads = {
    cores: 8,
    start(_, events) {
      setTimeout(() => events.ended("exit code 1"), 0);
      return { post: () => {}, terminate: () => {} };
    },
  };
  const failing = fatedThreads(8, {
    sending: (message) =>
      message.type === "ready" ? { type: "failed", reason: "no rules" } : message,
  });
  const said: string[] = [];
  for (
    const threads of [supply(fatedThreads(8, {})), supply(undefined), supply(dead), supply(failing)]
  ) {
    const io = Object.assign(testIo(), { threads });
    const options = { format: "text", emoji: true, config: undefined };
    assert.equal(await runDoctor(options, io, FORMATS.filter(({ id }) => id === "pickle")), 0);
    said.push(/^Threads +(.*)$/m.exec(io.stdout.text)?.[1] ?? "");
  }
  assert.deepEqual(said, [
    "4 at a time",
    "one: others do not start (this system has no threads)",
    "one: others do not start (exit code 1)",
    "one: others do not start (no rules)",
  ]);
});

test("a scanner that cannot be loaded is named with a remedy, exit code 1", async () => {
  const { code, out } = await doctor({ formats: without("npy") });
  assert.equal(code, 1);
  assert.match(
    out,
    /^❌ FAILED {2}npy .*\n {3}it cannot be loaded: the decoder is gone\n {3}fix /m,
  );
  assert.match(out, /^Failed: 1$/m);
});

test("a scanner that finds nothing any more is broken, too", async () => {
  const blind = FORMATS.map((entry): FormatEntry =>
    entry.id === "pickle"
      ? {
        ...entry,
        load: async () => ({ ...await entry.load(), scan: async function* () {} }),
      }
      : entry
  );
  const { code, out } = await doctor({ formats: blind });
  assert.equal(code, 1);
  assert.match(out, /a harmful sample is clean to it/);
});

test("a decoder that is missing when it is needed is reported as such", async () => {
  const failing = FORMATS.map((entry): FormatEntry =>
    entry.id === "npy"
      ? {
        ...entry,
        load: async () => ({
          ...await entry.load(),
          // deno-lint-ignore require-yield
          scan: async function* () {
            await Promise.resolve();
            throw new DecoderError("some-wasm", "The decoder some-wasm cannot be loaded: gone");
          },
        }),
      }
      : entry
  );
  const { code, out } = await doctor({ formats: failing });
  assert.equal(code, 1);
  assert.match(out, /The decoder some-wasm cannot be loaded: gone/);
});

test("a wrong configuration is an ailment", async () => {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-doctor-"));
  try {
    writeFileSync(join(folder, "modelaudit-security.toml"), "allow = 1\n");
    const { code, out } = await doctor({}, { folder });
    assert.equal(code, 1);
    assert.match(out, /Configuration +.*expected a list of globals/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a missing decoder costs its own format and no other", async () => {
  const at = (path: string) => new URL(`../../testdata/${path}`, import.meta.url);
  const report = await scanMany(
    [at("disguised/malicious.jpg"), at("numpy/safe/float32.npy")],
    { rules: loadRules(), formats: without("npy") },
  );
  assert.deepEqual(report.files.map((it) => it.verdict), ["dangerous", "incomplete"]);
  const missing = "scan-decoder-missing";
  assert.ok(report.files[1]?.findings.some(({ ruleId }) => ruleId === missing));
  assert.match(report.rules[missing]?.fix ?? "", /Install modelaudit again/);
});
