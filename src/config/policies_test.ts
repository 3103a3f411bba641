import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicyLine } from "./configuration.ts";
import { comparedPath, compilePolicies, isOver, isStricter } from "./policies.ts";
import { readConfiguration } from "./read.ts";

const VOCABULARY = { rules: ["pickle-command", "zip-bomb"], formats: ["pickle", "zip"] };
const TODAY = "2027-01-31";

/** A layer with policies, from the tables as a user writes them. */
function layer(text: string, trusted = true, file = "a.toml") {
  return { configuration: readConfiguration(text, file, VOCABULARY), trusted };
}

const policy = (path: string, ...lines: string[]): string =>
  ["[[policy]]", `path = "${path}"`, 'reason = "r"', ...lines, ""].join("\n");

test("of several policies the last one that matches holds, and what they disable adds up", () => {
  const { of, disabledAt } = compilePolicies(
    [
      layer(policy("models/**", 'fail_on = "low"', 'disable = ["zip-bomb"]')),
      layer(policy("models/old/*", 'fail_on = "never"', 'disable = ["pickle-command"]')),
    ],
    TODAY,
    "medium",
  );
  assert.equal(of("models/a.pt")?.failOn, "low");
  assert.equal(of("models/old/a.pt")?.failOn, "never");
  assert.deepEqual(of("models/old/a.pt")?.origins, ["a.toml:1", "a.toml:1"]);
  assert.equal(of("other/a.pt"), undefined);
  for (const rule of ["zip-bomb", "pickle-command"]) {
    assert.equal(disabledAt(rule, "models/old/a.pt")?.by, "disabled", rule);
  }
  assert.equal(disabledAt("pickle-command", "models/a.pt"), undefined);
});

test("a layer that is not trusted fails more runs and no fewer, and accepts nothing", () => {
  const asked = (severity: string) =>
    compilePolicies(
      [
        layer(policy("*.pt", 'fail_on = "medium"')),
        layer(
          policy("*.pt", `fail_on = "${severity}"`, 'disable = ["zip-bomb"]', 'forbid = ["zip"]'),
          false,
        ),
      ],
      TODAY,
      "high",
    );
  assert.equal(asked("low").of("a.pt")?.failOn, "low");
  for (const milder of ["high", "never"]) assert.equal(asked(milder).of("a.pt")?.failOn, "medium");
  assert.equal(asked("low").disabledAt("zip-bomb", "a.pt"), undefined);
  const [format] = asked("low").formats;
  assert.deepEqual([format?.format, format?.raiseOnly], ["zip", true]);
  assert.deepEqual(["a.pt", "a.pkl"].map((path) => format?.covers?.(path)), [true, false]);
});

test("an incomplete file is accepted by a trusted policy until its last day", () => {
  const until = (expires: string, trusted = true) =>
    compilePolicies(
      [layer(policy("**", 'incomplete = "accept"', `expires = ${expires}`), trusted)],
      TODAY,
      "medium",
    ).of("d/a.pt");
  assert.deepEqual(until(TODAY)?.incomplete, { by: "policy", until: TODAY, why: "r" });
  assert.equal(until("2027-01-30"), undefined);
  assert.equal(until(TODAY, false)?.incomplete, undefined);
});

test("the last day counts, and an entry without one holds", () => {
  const line = (expires: string | undefined): Pick<PolicyLine, "expires"> => ({ expires });
  assert.deepEqual(
    [undefined, "2027-01-30", TODAY, "2027-02-01"].map((it) => isOver(line(it), TODAY)),
    [false, true, false, false],
  );
});

test("a run that fails on less is stricter, and one that never fails is the least strict", () => {
  assert.ok(isStricter("info", "critical"));
  assert.ok(isStricter("critical", "never"));
  assert.ok(!isStricter("never", "never"));
  assert.ok(!isStricter("high", "high"));
});

test("paths are compared with slashes, and without a dot in front", () => {
  assert.deepEqual(
    ["./a/b.pt", "a\\b.pt", "././a.pt", ".hidden/a"].map(comparedPath),
    ["a/b.pt", "a/b.pt", "a.pt", ".hidden/a"],
  );
});
