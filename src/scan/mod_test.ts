import { strict as assert } from "node:assert";
import { test } from "node:test";
import {
  ATLAS_TECHNIQUES,
  bytesSource,
  ConfigError,
  configure,
  reasonsOf,
  scan,
  withDefaults,
} from "../../mod.ts";

const HARMFUL = new TextEncoder().encode("cos\nsystem\n(S'echo hi'\ntR.");

test("the module scans bytes by the embedded rules without any settings", async () => {
  const report = await scan(bytesSource("model.pkl", HARMFUL));
  assert.equal(report.files[0]?.verdict, "dangerous");
  assert.match(report.files[0]?.findings[0]?.message ?? "", /os\.system\('echo hi'\)/);
  assert.equal(report.tool.name, "modelaudit");
});

test("the module scans several inputs and says which cannot be opened", async () => {
  const report = await scan([HARMFUL, new Blob(["just text"]), "there/is/no/such.pkl"]);
  assert.deepEqual(report.files.map((file) => file.verdict), ["dangerous", "skipped"]);
  assert.equal(report.errors.length, 1);
});

test("a finding is small, and the report has once what its rule says", async () => {
  const report = await scan([HARMFUL, HARMFUL]);
  const [finding] = report.files[0]?.findings ?? [];
  assert.ok(finding);
  assert.ok(JSON.stringify(finding).length < 600, JSON.stringify(finding));
  assert.deepEqual(Object.keys(report.rules), ["pickle-command"]);
  const said = reasonsOf(finding, report.rules);
  assert.match(said.why, /run commands/);
  assert.ok(said.references.includes("CWE-78"));
  assert.equal(ATLAS_TECHNIQUES[said.atlas[0] ?? ""], "User Execution: Unsafe AI Artifacts");
});

test("limits given are checked and the others keep their defaults", async () => {
  assert.equal(withDefaults({ depth: 2 }).members, withDefaults().members);
  await assert.rejects(() => scan(HARMFUL, { limits: { members: -1 } }), RangeError);
});

test("the module takes a configuration", async () => {
  const settings = await configure('allow = ["os.system"]', "ours.toml");
  const report = await scan(HARMFUL, settings);
  assert.deepEqual([report.files[0]?.verdict, report.suppressedBy], ["clean", { allowed: 1 }]);
  assert.equal(report.configuration, "ours.toml");
  await assert.rejects(() => configure("allow = 1"), ConfigError);
});
