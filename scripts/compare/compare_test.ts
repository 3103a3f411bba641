import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { Answer } from "../bench/programs.ts";
import { isInside, splitModelscan, splitOurs, splitPythonModelaudit } from "./answers.ts";
import { type Family, ownFamilies, ownList, type Sample, type Truth, truthOf } from "./families.ts";
import { type ForeignTruth, foreignTruth } from "./foreign.ts";
import { page, totals } from "./page.ts";
import { countOf, markOf } from "./tally.ts";

const KINDS: readonly Answer["kind"][] = ["clean", "flagged", "unread", "failed"];

function sample(name: string, truth: Truth): Sample {
  return { path: `/f/${name}`, name, truth };
}

function familyOf(...samples: readonly Sample[]): Family {
  return { name: "f", folder: "/f", samples };
}

test("silence about what is harmful is a miss, an error is none, and neither is a find", () => {
  const marks = (truth: Truth) => KINDS.map((kind) => markOf(truth, { kind, note: "" }));
  assert.deepEqual(marks("harmful"), ["missed", "found", "unread", "unread"]);
  assert.deepEqual(marks("suspicious"), ["missed", "found", "unread", "unread"]);
  assert.deepEqual(marks("unreadable"), ["missed", "found", "found", "found"]);
  assert.deepEqual(marks("harmless"), ["right", "false alarm", "unread", "unread"]);
});

test("only samples of the truth that is asked for are counted", () => {
  const answers = [
    [sample("a", "harmful"), { kind: "clean", note: "" }],
    [sample("b", "harmful"), { kind: "flagged", note: "" }],
    [sample("c", "harmless"), { kind: "flagged", note: "" }],
  ] as const;
  const count = countOf("harmful", answers);
  assert.deepEqual([count.all, count.found, count.missed, count["false alarm"]], [2, 1, 1, 0]);
});

test("where the documents allow a clean verdict and another, nothing is true of a sample", () => {
  assert.equal(truthOf({ verdict: "dangerous" }), "harmful");
  assert.equal(truthOf({ verdict: "dangerous", also: ["suspicious"] }), "harmful");
  assert.equal(truthOf({ verdict: "suspicious", also: ["clean"] }), undefined);
  assert.equal(truthOf({ verdict: "clean", also: ["incomplete"] }), undefined);
  assert.equal(truthOf({ verdict: "clean", also: ["skipped"] }), "harmless");
  assert.equal(truthOf({ verdict: "skipped" }), undefined);
  assert.equal(truthOf({ verdict: "suspicious", severity: "low" }), undefined);
  assert.equal(truthOf({ verdict: "suspicious", severity: "medium" }), "suspicious");
});

test("a place lies in a file, its members and a folder's files, and in no file of a longer name", () => {
  for (const place of ["/m/a.pt", "/m/a.pt:data.pkl", "/m/a.pt/x.py", "/m/a.pt (pos 3)"]) {
    assert.ok(isInside(place, "/m/a.pt"), place);
  }
  for (const place of ["/m/a.pth", "/m/a.pt2:data.pkl", "/m", "", "/n/m/a.pt"]) {
    assert.ok(!isInside(place, "/m/a.pt"), place);
  }
});

test("our report is divided by path, and low words count as nothing", () => {
  const issue = (path: string, severity_score: number) => ({ path, severity_score, message: "m" });
  const asset = (path: string, verdict: string) => ({ path, verdict });
  const family = familyOf(
    ...["a", "b", "c", "d"].map((name) => sample(name, "harmful")),
    sample("gone", "harmful"),
  );
  const answers = splitOurs({
    issues: [issue("/f/a", 10), issue("/f/b", 2.5), issue("/f/c", 2.5)],
    assets: [
      asset("/f/a", "dangerous"),
      asset("/f/b", "suspicious"),
      asset("/f/c", "incomplete"),
      asset("/f/d", "skipped"),
    ],
  }, family);
  const kinds = family.samples.map(({ path }) => answers.get(path)?.kind);
  assert.deepEqual(kinds, ["flagged", "clean", "unread", "unread", undefined]);
});

test("modelscan's report is divided by places relative to the folder", () => {
  const family = familyOf(...["a.pt", "b.pt", "c.pt", "d.pt"].map((one) => sample(one, "harmful")));
  const answers = splitModelscan({
    summary: { scanned: { scanned_files: ["a.pt:data.pkl", "b.pt", "c.pt"] } },
    issues: [{ source: "a.pt:data.pkl", description: "x" }],
    errors: [{ source: "c.pt", description: "y" }],
  }, family);
  const kinds = family.samples.map(({ path }) => answers.get(path)?.kind);
  assert.deepEqual(kinds, ["flagged", "clean", "unread", "unread"]);
});

test("the Python modelaudit's report is divided by place; notes of no weight count as nothing", () => {
  const family = familyOf(...["a", "b", "c", "d"].map((one) => sample(one, "harmful")));
  const answers = splitPythonModelaudit({
    issues: [
      { location: "/f/a:m (pos 3)", severity: "critical", message: "x" },
      { location: "/f/b", severity: "info", message: "y" },
    ],
    assets: [
      { path: "/f/a", type: "zip" },
      { path: "/f/b", type: "pickle" },
      { path: "/f/c", type: "pickle" },
      { path: "/f/d", type: "unknown" },
    ],
    file_metadata: { "/f/c": { analysis_incomplete: true } },
  }, family);
  const kinds = family.samples.map(({ path }) => answers.get(path)?.kind);
  assert.deepEqual(kinds, ["flagged", "clean", "unread", "unread"]);
});

test("all samples of the test data are there, and more are harmful than anything else", () => {
  const families = ownFamilies();
  const samples = families.flatMap((family) => family.samples);
  assert.deepEqual(samples.filter(({ path }) => !existsSync(path)), []);
  const all = (truth: Truth) => samples.filter((one) => one.truth === truth).length;
  assert.ok(all("harmful") > 400 && all("harmless") > 300 && all("unreadable") > 50);
  assert.ok(ownList().length > 100);
});

test("what is true of others' samples is found by exact path first, then by the beginning", () => {
  const truths = { "a/*": "harmful", "a/safe.pkl": "harmless" } as const;
  assert.equal(foreignTruth("a/safe.pkl", truths), "harmless");
  assert.equal(foreignTruth("a/b/x.pkl", truths), "harmful");
  assert.equal(foreignTruth("b/x.pkl", truths), undefined);
  const file = new URL("foreign_truth.json", import.meta.url);
  const committed: ForeignTruth = JSON.parse(readFileSync(file, "utf8"));
  for (const place of Object.keys(committed.notes)) {
    const [scanner = "", ...path] = place.split("/");
    assert.ok(Object.hasOwn(committed.truths[scanner] ?? {}, path.join("/")), place);
  }
  for (const table of Object.values(committed.truths)) {
    for (const truth of Object.values(table)) {
      assert.ok(["harmful", "suspicious", "unreadable", "harmless"].includes(truth), truth);
    }
  }
});

test("the page names every miss and false alarm, this program's too", () => {
  const [bad, good] = [sample("bad.pkl", "harmful"), sample("good.pkl", "harmless")];
  const family = familyOf(bad, good);
  const group = { title: "Samples", introduction: "", families: [family] };
  const answers = new Map([[
    family,
    new Map<Sample, Answer>([
      [bad, { kind: "clean", note: "" }],
      [good, { kind: "flagged", note: "" }],
    ]),
  ]]);
  const results = [{ program: "modelaudit", version: "1", answers }];
  const text = page({
    date: "d",
    python: "3",
    groups: [group],
    answers: results,
    left: ["a reason"],
  });
  assert.match(
    text,
    /### modelaudit\n[^#]*missed[^#]*`bad\.pkl`[^#]*false alarms[^#]*`good\.pkl`/u,
  );
  assert.match(text, /Left out:\n\n- a reason/u);
  assert.match(totals(group, results), /\| modelaudit \| 0 of 1 +\| 0 +\| 1 +\|/u);
});
