import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { runMain } from "./commands/main.ts";
import { testIo } from "./testing/io.ts";

const DOCS = new URL("../../docs/", import.meta.url);

/** Runs the command; gives its exit code and what it wrote. */
async function ran(...args: readonly string[]) {
  const io = testIo();
  const code = await runMain(["schema", ...args], io);
  return { code, out: io.stdout.text, err: io.stderr.text };
}

const names = readdirSync(DOCS).filter((it) => it.endsWith(".schema.json"))
  .map((it) => it.replace(".schema.json", ""));

test("every published schema is printed as it stands in the documentation", async () => {
  assert.ok(names.includes("report") && names.includes("configuration"), names.join());
  for (const name of names) {
    const { code, out, err } = await ran(name);
    assert.deepEqual([code, err], [0, ""]);
    const published = readFileSync(new URL(`${name}.schema.json`, DOCS), "utf8");
    assert.deepEqual(JSON.parse(out), JSON.parse(published));
  }
});

test("the schemas are listed with the versions in their identifiers", async () => {
  const { code, out } = await ran();
  assert.equal(code, 0);
  const listed = out.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(listed.map(([name]) => name), names.toSorted());
  for (const [name = "", version = ""] of listed) {
    const { $id } = JSON.parse((await ran(name)).out);
    assert.equal($id, `urn:modelaudit:${name}:${version}`);
  }
});

test("the report's schema has the version that reports carry", async () => {
  const { $id } = JSON.parse((await ran("report")).out);
  const io = testIo();
  await runMain(["--format", "json", "--no-config", "-"], io);
  assert.equal($id, `urn:modelaudit:report:${JSON.parse(io.stdout.text).schema_version}`);
});

test("a name that there is not ends with 2, names the nearest, and does not reach Object's own", async () => {
  const { code, err } = await ran("reprot");
  assert.equal(code, 2);
  assert.match(err, /There is no schema "reprot"\. Did you mean "report"\?/);
  for (const name of ["constructor", "__proto__", "toString"]) {
    assert.equal((await ran(name)).code, 2, name);
  }
});
