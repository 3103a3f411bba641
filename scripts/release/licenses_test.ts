import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { LockFile } from "./lock.ts";
import { licenseOf, noticesOf } from "./licenses.ts";
import { ROOT } from "./project.ts";

const LOCK: LockFile = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));

test("the licences of everything that is shipped stand in one text, in full", () => {
  const text = noticesOf(LOCK, [{ name: "deno", version: "1.2.3" }, { name: "bun", version: "1" }]);
  const shipped = Object.entries(LOCK.packages).filter(([path, it]) => path !== "" && !it.dev);
  assert.ok(shipped.length >= 6);
  for (const [path, { version }] of shipped) {
    const name = path.replace("node_modules/", "");
    assert.ok(text.includes(`\n${name} ${version}: `), name);
  }
  // A sentence of each kind of licence, and copyright lines that they ask to be kept.
  for (
    const part of [
      "deno 1.2.3: MIT\n",
      "unRAR sources cannot be used to re-create the RAR compression algorithm",
      "Copyright 2006 by The HDF Group",
      "NIST-developed software is provided by NIST as a public service",
      "Copyright (C) 2014-2017 by Vitaly Puzrin",
      "the Deno authors",
      "JavaScriptCore",
      "GNU LESSER GENERAL PUBLIC LICENSE",
    ]
  ) assert.ok(text.includes(part), part);
});

test("a package under a licence that is not allowed is not shipped", () => {
  assert.equal(licenseOf("pako", "(MIT AND Zlib)"), "MIT AND Zlib");
  for (const license of ["GPL-3.0-only", "MIT OR GPL-3.0-only", "UNLICENSED", "", undefined]) {
    assert.throws(() => licenseOf("x", license), /Cannot ship x/, license);
  }
  const lock: LockFile = {
    packages: { "node_modules/typescript": { version: "1.0.0", license: "Apache-2.0" } },
  };
  assert.throws(() => noticesOf(lock, []), /Cannot ship typescript/);
});
