import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { interpolatedSections, readIniFile } from "./ini.ts";

const ORACLE = new URL("../../../testdata/setup-files/oracle.json", import.meta.url);

/** What `ConfigParser` of CPython 3.13 makes of texts as setuptools asks it; null for those that it refuses. */
const DOCUMENTS: readonly {
  readonly text: string;
  readonly value: Readonly<Record<string, Readonly<Record<string, string>>>> | null;
}[] = JSON.parse(readFileSync(ORACLE, "utf8")).ini;

test("an INI file has the sections and values that Python's configparser reads, or an error", () => {
  for (const { text, value } of DOCUMENTS) {
    const document = readIniFile(text);
    const sections = interpolatedSections(document);
    const error = document.error ??
      sections.find(([, { error }]) => error !== undefined)?.[1].error;
    const what = JSON.stringify(text);
    if (value === null) assert.notEqual(error, undefined, what);
    else {
      const found = sections.map(([name, { values }]) => [name, Object.fromEntries(values)]);
      assert.deepEqual(Object.fromEntries(found), value, what);
      if (!text.includes(" ] ")) assert.equal(error, undefined, what);
    }
  }
});

test("values that name one another cost no more than their budget", () => {
  const bomb = Array.from({ length: 9 }, (_, at) => `k${at} = ${`%(k${at + 1})s`.repeat(40)}\n`);
  const [[, { error }] = ["", { error: undefined }]] = interpolatedSections(
    readIniFile(`[a]\n${bomb.join("")}k9 = ${"x".repeat(1000)}\n`),
  );
  assert.equal(error, "values name one another too deeply");
});
