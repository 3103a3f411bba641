import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { loadRules } from "../rules/rules.ts";
import { scanSource } from "../scan/scan_source.ts";
import { bytesSource } from "../sources/memory.ts";
import type { FileReport } from "../core/types.ts";
import { type Effective, effectiveOf, EMBEDDED, unmatchedNotes } from "./effective.ts";
import { readConfiguration } from "./read.ts";

const embedded = loadRules();
const VOCABULARY = {
  rules: embedded.list().map((it) => it.id),
  formats: ["pickle", "zip"],
};
const NOON = Date.UTC(2026, 10, 23, 12);

/** The configuration that some texts amount to, named `1.toml` and so on. */
function effective(...texts: readonly (string | { readonly found: string })[]): Promise<Effective> {
  return effectiveOf(
    texts.map((text, index) => ({
      configuration: readConfiguration(
        typeof text === "string" ? text : text.found,
        `${index + 1}.toml`,
        VOCABULARY,
      ),
      trusted: typeof text === "string",
    })),
    embedded,
    NOON,
  );
}

function scan(pickle: string, it: Effective, path = "model.pkl"): Promise<FileReport> {
  return scanSource(bytesSource(path, new TextEncoder().encode(pickle)), {
    rules: loadRules({ overrides: it.overrides }),
    limits: it.limits,
    suppress: it.suppress,
  });
}

const COMMAND = "cos\nsystem\n(S'echo hi'\ntR.";

test("without a file nothing changes", async () => {
  assert.equal(await effective(), EMBEDDED);
});

test("what is allowed stays in the report as harmless, and is counted", async () => {
  const report = await scan(COMMAND, await effective('allow = ["os.system"]'));
  assert.equal(report.verdict, "clean");
  assert.deepEqual(report.suppressed, { allowed: 1 });
  assert.equal(report.findings[0]?.ruleId, "configuration-allowed");
  assert.equal(report.findings[0]?.details["configuration"], "1.toml:1");
});

test("what a disabled rule finds fails no run, and the file stays what it is", async () => {
  const report = await scan(COMMAND, await effective('disable = ["pickle-command"]'));
  assert.deepEqual([report.verdict, report.riskScore], ["dangerous", 10]);
  assert.deepEqual(report.suppressed, { disabled: 1 });
  assert.deepEqual(report.findings.filter(({ safety }) => safety !== "innocuous"), []);
  const accepted = report.accepted?.map(({ finding, by }) => [finding.ruleId, by]);
  assert.deepEqual(accepted, [["pickle-command", "disabled"]]);
});

test("disabling a wrapper's rule does not hide what the wrapper reaches", async () => {
  const pickle = "cfunctools\npartial\n(cos\nsystem\ntR.";
  const it = await effective('disable = ["pickle-partial", "pickle-command"]');
  assert.equal((await scan(pickle, it)).verdict, "dangerous");
});

test("why a file is incomplete is reported even where its rule is disabled", async () => {
  const report = await scan(
    "cos\nsystem\n(S'ech",
    await effective(
      'disable = ["pickle-command", "pickle-truncated", "pickle-malformed"]',
    ),
  );
  assert.notEqual(report.verdict, "clean");
  assert.notEqual(report.findings.length, 0);
});

test("an ignore holds for its path, its rule and until its day", async () => {
  const ignore = (more: string) => `[[ignore]]\npath = "tests/**"\nreason = "samples"\n${more}`;
  const accepted = async (more: string, path: string) => {
    const report = await scan(COMMAND, await effective(ignore(more)), path);
    assert.equal(report.verdict, "dangerous");
    return report.accepted?.map(({ by, until, why }) => [by, until, why]) ?? [];
  };
  const reviewed = [["ignored", undefined, "samples"]];
  assert.deepEqual(await accepted("", "tests/a/model.pkl"), reviewed);
  assert.deepEqual(await accepted("", "./tests/a/model.pkl"), reviewed);
  assert.deepEqual(await accepted("", "src/model.pkl"), []);
  assert.deepEqual(await accepted('rule = "pickle-command"', "tests/model.pkl"), reviewed);
  assert.deepEqual(await accepted('rule = "pickle-socket"', "tests/model.pkl"), []);
  assert.deepEqual(await accepted("expires = 2026-11-23", "tests/model.pkl"), [
    ["ignored", "2026-11-23", "samples"],
  ]);
  assert.deepEqual(await accepted("expires = 2026-11-22", "tests/model.pkl"), []);
});

test("an ignore that ended or soon will is announced", async () => {
  const notes = async (day: string) =>
    (await effective(`[[ignore]]\npath = "a"\nreason = "r"\nexpires = ${day}`)).notes;
  assert.match((await notes("2026-01-01"))[0] ?? "", /1\.toml:1: .* ended on 2026-01-01/);
  assert.match((await notes("2026-12-01"))[0] ?? "", /ends on 2026-12-01/);
  assert.deepEqual(await notes("2027-12-01"), []);
});

test("a file that is only found may add and raise, and nothing else", async () => {
  const it = await effective({
    found: `replace = true
fail_on = "never"
allow = ["os.system"]
disable = ["pickle-command"]
forbid = ["zip"]
[pickle_rules.LOW]
os = ["system"]
[pickle_rules.CRITICAL]
bad_module = "*"
[severity_thresholds]
CRITICAL = 1.0
HIGH = 1.0
MEDIUM = 1.0
[severity]
pickle-command = "LOW"
[limits]
depth = 100
[[ignore]]
path = "**"
reason = "please"
`,
  });
  const report = await scan(COMMAND, it);
  assert.deepEqual([report.verdict, report.riskScore], ["dangerous", 10]);
  assert.equal(report.suppressed, undefined);
  assert.equal((await scan("cbad_module\nx\n.", it)).verdict, "dangerous");
  assert.deepEqual([it.limits, it.failOn], [{}, undefined]);
  assert.equal(it.notes.length, 1);
  assert.match(
    it.notes[0] ?? "",
    /11 entries that loosen have no effect \(lines 1, 2, 3, 4, 7, 11,/,
  );
});

test("a file that is found adds to the trusted one below it without lowering anything of it", async () => {
  const it = await effective('[pickle_rules.CRITICAL]\nours = "*"', {
    found: '[pickle_rules.LOW]\nours = "*"\n[pickle_rules.HIGH]\nothers = "*"',
  });
  assert.equal(it.name, "1.toml + 2.toml");
  assert.equal((await scan("cours\nx\n.", it)).findings[0]?.severity, "critical");
  assert.equal((await scan("cothers\nx\n.", it)).findings[0]?.severity, "high");
});

test("thresholds move the scores of issues and files", async () => {
  const report = await scan(COMMAND, await effective("[severity_thresholds]\nCRITICAL = 8.5"));
  assert.deepEqual([report.riskScore, report.findings[0]?.score], [8.5, 8.5]);
});

test("a forbidden format is dangerous whatever is in it", async () => {
  const report = await scan("N.", await effective('forbid = ["pickle"]'));
  assert.equal(report.verdict, "dangerous");
  assert.equal(report.findings[0]?.ruleId, "configuration-forbidden-format");
});

test("the founding example and an override change the verdict of a pickle", async () => {
  const url = new URL("../../testdata/config/valid/founding_example.toml", import.meta.url);
  const pickle = "ccustom_dangerous_module\nanything\n(tR.";
  const before = await scan(pickle, EMBEDDED);
  const after = await scan(pickle, await effective(readFileSync(url, "utf8")));
  assert.deepEqual([before.verdict, after.verdict], ["suspicious", "dangerous"]);
  const lower = await scan(
    pickle,
    await effective('[pickle_rules.LOW]\n"custom_dangerous_module" = "*"'),
  );
  assert.equal(lower.findings[0]?.severity, "low");
});

test("a layer is judged as the user says, its code as ever", async () => {
  const severity = async (word: string, path: string) => {
    const bytes = readFileSync(new URL(`../../testdata/keras/${path}`, import.meta.url));
    const { overrides } = await effective(`[keras_rules]\n"Lambda" = "${word}"`);
    const rules = loadRules({ overrides });
    const source = bytesSource(path.replace(/^.*\//, ""), new Uint8Array(bytes));
    return (await scanSource(source, { rules })).findings[0]?.severity;
  };
  assert.equal(await severity("CRITICAL", "suspicious/lambda.keras"), "critical");
  assert.equal(await severity("LOW", "suspicious/lambda.keras"), "low");
  assert.equal(await severity("LOW", "harmful/lambda_system.keras"), "critical");
  assert.equal(await severity("CRITICAL", "suspicious/lambda.h5"), "critical");
});

const POLICIES = `fail_on = "high"
include = ["*.pt"]
exclude = ["a/**"]
[[policy]]
path = "models/**"
reason = "ours"
fail_on = "never"
disable = ["pickle-command"]
[[policy]]
path = "models/vendor/**"
reason = "theirs"
fail_on = "low"
forbid = ["pickle"]
incomplete = "accept"
expires = 2026-11-25
`;

test("of several policies the last one holds for fail_on; disable and forbid add up", async () => {
  const it = await effective(POLICIES);
  assert.deepEqual([it.include, it.exclude, it.failOn], [["*.pt"], ["a/**"], "high"]);
  assert.equal(it.policyOf?.("other/a.pkl"), undefined);
  assert.deepEqual(it.policyOf?.("./models/a.pkl"), { origins: ["1.toml:4"], failOn: "never" });
  assert.deepEqual(it.policyOf?.("models\\vendor\\a.pkl"), {
    origins: ["1.toml:4", "1.toml:9"],
    failOn: "low",
    incomplete: { by: "policy", until: "2026-11-25", why: "theirs" },
  });
  const rulesOf = (report: FileReport) =>
    report.findings.filter(({ safety }) => safety !== "innocuous").map(({ ruleId }) => ruleId);
  assert.deepEqual(rulesOf(await scan(COMMAND, it, "other/a.pkl")), ["pickle-command"]);
  const ours = await scan(COMMAND, it, "models/a.pkl");
  assert.deepEqual([ours.verdict, rulesOf(ours)], ["dangerous", []]);
  assert.deepEqual(
    ours.accepted?.map(({ by, why, origins }) => [by, why, origins]),
    [["disabled", "ours", ["1.toml:4"]]],
  );
  const theirs = await scan(COMMAND, it, "models/vendor/a.pkl");
  assert.deepEqual(rulesOf(theirs), ["configuration-forbidden-format"]);
  assert.deepEqual(theirs.accepted?.map(({ finding }) => finding.ruleId), ["pickle-command"]);
});

test("a policy ends with its day, and is announced before", async () => {
  assert.deepEqual((await effective(POLICIES)).notes, [
    '1.toml:9: the policy of "models/vendor/**" (theirs) ends on 2026-11-25.',
  ]);
  const over = await effective(POLICIES.replace("2026-11-25", "2026-11-22"));
  assert.deepEqual(over.notes, [
    '1.toml:9: the policy of "models/vendor/**" (theirs) ended on 2026-11-22; it has no effect.',
  ]);
  assert.equal(over.policyOf?.("models/vendor/a.pkl")?.failOn, "never");
  assert.deepEqual(over.expected.map(({ origin }) => origin), ["1.toml:4"]);
});

test("of a policy that nothing vouches for only what raises holds", async () => {
  const policy = (more: string) => `[[policy]]\npath = "**"\nreason = "?"\n${more}\n`;
  const found = policy('fail_on = "info"\nforbid = ["pickle"]');
  const raising = await effective({ found });
  assert.deepEqual(raising.notes, []);
  assert.equal(raising.policyOf?.("a.pkl")?.failOn, "info");
  const forbidden = await scan(COMMAND, raising, "a.pkl");
  assert.ok(forbidden.findings.some(({ ruleId }) => ruleId === "configuration-forbidden-format"));
  const own = await effective(policy('fail_on = "low"'), { found: policy('fail_on = "high"') });
  assert.equal(own.policyOf?.("a.pkl")?.failOn, "low");
  const loosening = await effective({
    found: 'include = ["*.txt"]\nexclude = ["*.pkl"]\n' + policy('fail_on = "never"') +
      policy('disable = ["pickle-command"]') +
      policy('incomplete = "accept"\nexpires = 2027-01-31'),
  });
  assert.match(
    loosening.notes[0] ?? "",
    /5 entries that loosen have no effect \(lines 1, 2, 3, 7, 11\)/,
  );
  assert.deepEqual([loosening.include, loosening.exclude], [[], []]);
  const { failOn, incomplete } = loosening.policyOf?.("a.pkl") ?? {};
  assert.deepEqual([failOn, incomplete], [undefined, undefined]);
  assert.equal((await scan(COMMAND, loosening, "a.pkl")).accepted, undefined);
});

test("every ignore that covers an issue has matched it, also behind another", async () => {
  const ignore = (path: string) => `[[ignore]]\npath = "${path}"\nreason = "r"\n`;
  const it = await effective(ignore("*.pkl") + ignore("models/**") + ignore("other/**"));
  const { accepted } = await scan(COMMAND, it, "models/a.pkl");
  const origins = new Set(accepted?.flatMap((one) => one.origins ?? []));
  assert.deepEqual(unmatchedNotes(it.expected, origins), [
    '1.toml:7: the ignore of "other/**" matched nothing.',
  ]);
});
