import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { filled, pathsIn, placeholderIn } from "./fill.ts";
import { ownProject, type Project, readProject, ROOT, slugOf, tarballOf } from "./project.ts";

const OWN = ownProject();
const TEXTS = new Map(pathsIn(ROOT).map((path) => [path, readFileSync(join(ROOT, path), "utf8")]));

/** The same project, published elsewhere under other names and versions. */
const OTHER: Project = {
  ...OWN,
  version: "7.6.5-rc.4",
  released: "2031-02-03",
  description: "Another description",
  repository: "https://github.com/another-owner/modelaudit",
  package: "@another/modelaudit",
  pypi: "modelaudit-another",
  image: "ghcr.io/another-image/modelaudit",
  actions: Object.fromEntries(
    Object.keys(OWN.actions).map((name) => [name, { version: "v9.8.7", commit: "a".repeat(40) }]),
  ),
};

test("what stands in the files is what release.json says", () => {
  assert.ok(TEXTS.size > 500, String(TEXTS.size));
  for (const [path, text] of TEXTS) {
    assert.equal(filled(path, text, OWN), text, path);
    assert.equal(placeholderIn(path, text), undefined, path);
  }
});

test("with another release.json no name, address or version of this one is left", () => {
  const old = [
    OWN.repository,
    OWN.package,
    OWN.image,
    tarballOf(OWN),
    ...Object.values(OWN.actions).flatMap(({ commit }) => commit ?? []),
  ];
  const published =
    /^(?:README|SECURITY|CONTRIBUTING)\.md$|^docs\/|^\.github\/|^action\.yml$|^python\/|^Dockerfile$/;
  let changed = 0;
  for (const [path, text] of TEXTS) {
    const result = filled(path, text, OTHER);
    if (result !== text) changed++;
    // Tests of this machinery hold values of their own.
    if (path.startsWith("scripts/release/")) continue;
    for (const value of old) assert.ok(!result.includes(value), `${path} still has ${value}`);
    if (!published.test(path)) continue;
    for (const value of [`${slugOf(OWN)}@`, `v${OWN.version}`, `install ${OWN.pypi}`]) {
      assert.ok(!result.includes(value), `${path} still has ${value}`);
    }
    // And it is filled to its end: a second time changes nothing.
    assert.equal(filled(path, result, OTHER), result, path);
  }
  assert.ok(changed > 10, String(changed));
});

test("the manifests, the program, the action and the hook carry the version", () => {
  const of = (path: string): string => filled(path, TEXTS.get(path) ?? "", OTHER);
  for (const path of ["package.json", "deno.json", "package-lock.json"]) {
    const { name, version } = JSON.parse(of(path));
    assert.deepEqual([name, version], [OTHER.package, OTHER.version], path);
  }
  const lock = JSON.parse(of("package-lock.json"));
  assert.equal(lock.packages[""].version, OTHER.version);
  const versions = (it: typeof lock) =>
    Object.entries(it.packages as Record<string, { version: string }>).filter(([key]) => key !== "")
      .map(([key, { version }]) => `${key} ${version}`);
  assert.deepEqual(versions(lock), versions(JSON.parse(TEXTS.get("package-lock.json") ?? "")));
  assert.match(of("src/core/version.ts"), /TOOL_VERSION = "7\.6\.5-rc\.4"/);
  assert.match(of("src/core/version.ts"), /RELEASE_DATE = "2031-02-03"/);
  assert.match(of("src/core/version.ts"), /github\.com\/another-owner\/modelaudit"/);
  assert.match(of("action.yml"), /default: "7\.6\.5-rc\.4"/);
  assert.match(of("action.yml"), /REPOSITORY: another-owner\/modelaudit\n/);
  assert.match(of("scripts/hook"), /^version=7\.6\.5-rc\.4$/m);
  assert.match(of("SECURITY.md"), /\| 7\.6\.x/);
  assert.match(of("docs/report.md"), /"version": "7\.6\.5-rc\.4"/);
  assert.match(of("Dockerfile"), /^ARG VERSION=7\.6\.5-rc\.4$/m);
});

test("an action without a known commit is named by its major version, an unknown one is an error", () => {
  const project = { ...OWN, actions: { "a/b": { version: "v4.1.0" } } };
  assert.equal(filled("x.yml", "- uses: a/b@v3 # v3.2.1\n", project), "- uses: a/b@v4\n");
  assert.throws(() => filled("x.yml", "- uses: c/d@v1\n", project), /has no pin for "c\/d@v1"/);
  assert.equal(filled("x.yml", "- uses: ./\n", project), "- uses: ./\n");
});

test("values that would break a script or a page are refused", () => {
  const text = (change: Partial<Project>): string => JSON.stringify({ ...OWN, ...change });
  assert.deepEqual(readProject(text({})), OWN);
  const wrong: Partial<Project>[] = [
    { version: "1.0" },
    { version: "1.0.0; rm -rf /" },
    { repository: "https://github.com/a/b" },
    { repository: "http://github.com/a/modelaudit" },
    { package: "modelaudit" },
    { image: "docker.io/a/modelaudit" },
    { pypi: "$(x)" },
    { actions: { "a/b": { version: "v1.2.3", commit: "main" } } },
    { actions: { "a/b": { version: "main" } } },
  ];
  for (const change of wrong) {
    assert.throws(() => readProject(text(change)), SyntaxError, JSON.stringify(change));
  }
});

test("placeholders are found", () => {
  for (const text of ["uses: OWNER/modelaudit@v1", "https://host/owner/x", "TODO: later"]) {
    assert.notEqual(placeholderIn("docs/x.md", text), undefined, text);
  }
});
