import assert from "node:assert/strict";
import { test } from "node:test";
import type { BundleObservation } from "../core/bundle.ts";
import { loadRules } from "../rules/rules.ts";
import { loadersBundle } from "./loaders.ts";
import { listing } from "./testing/members.ts";
import { LARGE_INPUT } from "../parsers/testing/sweep.ts";

const { interest } = loadRules();
const HANDLER = "import os\nos.system('echo hi')\nclass EndpointHandler:\n  pass\n";

async function observe(
  files: Readonly<Record<string, string>>,
  format = "folder",
): Promise<BundleObservation[]> {
  const seen: BundleObservation[] = [];
  const given = { ...listing(files), format };
  for await (const one of loadersBundle.observe(given, interest)) seen.push(one);
  return seen;
}
/** Files behind which something was not read. */
const unread = (seen: readonly BundleObservation[]) =>
  seen.flatMap(({ part, observation }) =>
    observation.type === "anomaly" && observation.unread === true ? [part] : []
  );
const many = (count: number, name: (at: number) => string) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [name(at), "x"]));

test("a program that a server runs by its name is judged, behind any number of other files", async () => {
  for (const count of [0, 20_000]) {
    const seen = await observe({
      ...many(count, (at) => `a${at}.txt`),
      "config.json": "{}",
      "handler.py": HANDLER,
    });
    assert.ok(seen.some(({ part }) => part === "handler.py"), String(count));
  }
});

test("behind more modules than are read, one that runs by its name is still judged", async () => {
  const seen = await observe({
    ...many(20_000, (at) => `pkg/m${at}.py`),
    "config.json": "{}",
    "handler.py": HANDLER,
  });
  assert.ok(seen.some(({ part }) => part === "handler.py"));
  assert.deepEqual(unread(seen), ["pkg/m10000.py"]);
});

test("more configurations than are read leave the listing unread", LARGE_INPUT, async () => {
  const seen = await observe({ ...many(10_001, (at) => `c${at}.yaml`), "handler.py": HANDLER });
  assert.deepEqual(unread(seen), ["c10000.yaml"]);
});

test("data of an installed package may name its own classes, and what these run is judged", async () => {
  const files = (body: string) => ({
    "pkg/conf.json": '{"a": {"type": "pkg.parts.Part", "enabled": true}}',
    "pkg/parts.py": `import os\nclass Part:\n  def __init__(self):\n    ${body}\n`,
  });
  const wheel = { "pkg-1.dist-info/WHEEL": "Wheel-Version: 1.0\n" };
  const rules = (seen: readonly BundleObservation[]) =>
    seen.map(({ part, observation }) =>
      `${part} ${observation.type === "anomaly" ? observation.rule : observation.type}`
    );
  const own = ["pkg/conf.json repository-own-code"];
  assert.deepEqual(rules(await observe({ ...files("self.a = 1"), ...wheel }, "zip")), []);
  assert.deepEqual(rules(await observe({ ...files("self.a = 1"), ...wheel })), own);
  assert.deepEqual(rules(await observe(files("self.a = 1"), "zip")), own);
  const seen = await observe({ ...files("os.system('echo hi')"), ...wheel }, "zip");
  assert.deepEqual(rules(seen), ["pkg/parts.py fact"]);
});
