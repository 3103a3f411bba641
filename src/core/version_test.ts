import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { RELEASE_DATE, TOOL_NAME, TOOL_VERSION } from "./version.ts";

for (const name of ["package.json", "deno.json"]) {
  test(`The version that reports carry is the one of ${name}`, () => {
    const found = JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8"));
    assert.equal(found.version, TOOL_VERSION);
    assert.ok(String(found.name).endsWith(TOOL_NAME));
  });
}

test("The changelog tells of this version, with its date", () => {
  const text = readFileSync(new URL("../../CHANGELOG.md", import.meta.url), "utf8");
  assert.ok(text.includes(`\n## [${TOOL_VERSION}] - ${RELEASE_DATE}\n`));
});
