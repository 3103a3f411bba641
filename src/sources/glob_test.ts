import { strict as assert } from "node:assert";
import { test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import { globMatcher } from "./glob.ts";

const CASES: readonly (readonly [glob: string, path: string, matches: boolean])[] = [
  ["*.pkl", "model.pkl", true],
  ["*.pkl", "deep/down/model.pkl", true],
  ["*.pkl", "model.pkl.txt", false],
  ["*.PKL", "model.pkl", false],
  ["model.?t", "model.pt", true],
  ["model.?t", "model.t", false],
  ["sub/*.pkl", "sub/a.pkl", true],
  ["sub/*.pkl", "sub/deeper/a.pkl", false],
  ["sub/**/*.pkl", "sub/a.pkl", true],
  ["sub/**/*.pkl", "sub/x/y/a.pkl", true],
  ["**/test/**", "a/test/b", true],
  ["**/test/**", "test/b", true],
  ["**/test/**", "attest/b", false],
  ["node_modules/", "node_modules/a/b.pkl", true],
  ["*.{pt,pth}", "a.pth", true],
  ["*.{pt,pth}", "a.bin", false],
  ["{a,{b,c}d}", "cd", true],
  ["[a-c]x", "bx", true],
  ["[!a-c]x", "bx", false],
  ["[!a-c]x", "dx", true],
  ["[]]", "]", true],
  ["a\\*b", "a*b", true],
  ["a\\*b", "axb", false],
  ["a+b(c).pkl", "a+b(c).pkl", true],
  ["a.b", "axb", false],
  ["?", "🐍", true],
  ["a,b", "a,b", true],
  ["[{]a,b}", "{a,b}", true],
  ["\\{a", "{a", true],
  ["{a,}b", "b", true],
  ["a-b[-x]", "a-b-", true],
  ["**", "a/b/c", true],
  ["a/**", "a", false],
  ["**/a", "a", true],
  ["**/a", "b/ca", false],
  ["*", "", true],
  ["a}b", "a}b", true],
  ["\\", "\\", true],
];

test("globs match as shells have them", () => {
  for (const [glob, path, matches] of CASES) {
    assert.equal(globMatcher([glob])(path), matches, `${glob} on ${path}`);
  }
});

test("no globs match nothing, several match what any of them does", () => {
  assert.equal(globMatcher([])("a"), false);
  assert.equal(globMatcher(["a", "b"])("b"), true);
});

test("a glob that is none is refused with the reason", () => {
  for (const glob of ["[a", "{a,b", "[z-a]", "{a,b}".repeat(12)]) {
    assert.throws(() => globMatcher([glob]), ConfigError, glob);
  }
});

test("many stars end quickly on a long name that does not match", () => {
  assert.equal(globMatcher(["*a".repeat(20) + "b"])("a".repeat(4000)), false);
  assert.equal(globMatcher(["**/".repeat(20) + "b"])("a/".repeat(2000)), false);
});
