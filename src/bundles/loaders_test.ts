import assert from "node:assert/strict";
import { test } from "node:test";
import type { BundleObservation } from "../core/bundle.ts";
import { loadRules } from "../rules/rules.ts";
import { loadersBundle } from "./loaders.ts";
import { listing } from "./testing/members.ts";
import { LARGE_INPUT } from "../parsers/testing/sweep.ts";

const { interest } = loadRules();
const HANDLER = "import os\nos.system('echo hi')\nclass EndpointHandler:\n  pass\n";

async function observe(files: Readonly<Record<string, string>>): Promise<BundleObservation[]> {
  const seen: BundleObservation[] = [];
  for await (const one of loadersBundle.observe(listing(files), interest)) seen.push(one);
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
