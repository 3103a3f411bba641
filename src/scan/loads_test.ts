import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { zipLoads } from "../pickle/weights_only/checkpoint.ts";
import type { Interest } from "../core/types.ts";
import type { RestrictedLoad } from "../core/restricted_load.ts";
import { loadRules } from "../rules/rules.ts";
import { scanMany } from "./scan_inputs.ts";

/** What torch itself says: see scripts/fixtures/weights_only.py. */
interface Answer {
  readonly loads: boolean;
  /** What had to be allowed for this; all that is named where it loads then. */
  readonly globals: readonly string[];
  readonly error?: string;
}

const testdata = new URL("../../testdata/", import.meta.url);

/** Errors of the unpickler; others are of archives, tensors and storages, before and behind it. */
const UNPICKLER = /^(?:Trying to load|Only persistent_load|Unsupported operand|Cannot use|$)/;

test("files load with weights_only as PyTorch itself says", async () => {
  const { answers } = JSON.parse(
    readFileSync(new URL("torch/weights_only.json", testdata), "utf8"),
  ) as { readonly answers: Readonly<Record<string, Readonly<Record<string, Answer>>>> };
  const root = new URL(".", testdata).pathname;
  const report = await scanMany(Object.keys(answers).map((path) => root + path), {
    rules: loadRules(),
  });
  const said = new Map(report.files.map(({ path, loads }) => [path.slice(root.length), loads]));
  let compared = 0;
  for (const [path, releases] of Object.entries(answers)) {
    for (const load of said.get(path) ?? []) {
      const answer = releases[load.release.replace("torch ", "")];
      if (answer === undefined) throw new Error(`no answer for ${path} under ${load.release}`);
      compare(load, answer, `${path} under ${load.release}`);
      compared++;
    }
  }
  assert.ok(compared > 200, `${compared} answers`);
});

test("texts are decoded as PyTorch decodes them: surrogates pass, other broken UTF-8 does not", () => {
  const outcome = (...text: readonly number[]): string | undefined => {
    const bytes = Uint8Array.of(0x80, 2, 0x58, text.length, 0, 0, 0, ...text, 0x2e);
    return zipLoads(bytes, { interest: undefined, checkDeadline: () => {} })[0]?.outcome;
  };
  assert.equal(outcome(0xe2, 0x82, 0xac), "loads");
  assert.equal(outcome(0xed, 0xa0, 0x80), "loads");
  assert.equal(outcome(0xe1, 0x80), "refused");
  assert.equal(outcome(0xed, 0xa0), "refused");
  assert.equal(outcome(0xff), "refused");
});

test("only what the rules know is called harmless to allow", () => {
  const rules = loadRules();
  const advice = (paths: readonly string[], interest: Interest = rules.interest) => {
    const globals = paths.map((path) => {
      const dot = path.lastIndexOf(".");
      return `c${path.slice(0, dot)}\n${path.slice(dot + 1)}\n`;
    });
    const bytes = new TextEncoder().encode(`${globals.join("")}N.`);
    const [, of26] = zipLoads(bytes, { interest, checkDeadline: () => {} });
    return of26?.allowing;
  };
  assert.equal(advice(["collections.OrderedDict"]), undefined);
  assert.equal(advice(["fractions.Fraction"]), "harmless");
  assert.equal(advice(["acme.models.Thing"]), "unknown");
  assert.equal(advice(["fractions.Fraction", "acme.models.Thing"]), "unknown");
  assert.equal(advice(["acme.models.Thing", "subprocess.Popen"]), "harmful");
  const many = Array.from({ length: 1001 }, (_, index) => `acme.models.Thing${index}`);
  const trusting = { ...rules.interest, argumentsMatter: () => false };
  assert.equal(advice(many.slice(0, 999), trusting), "harmless");
  assert.equal(advice(many, trusting), "unknown");
  assert.equal(advice(many.slice(0, 1), { argumentsMatter: () => false }), "unknown");
});

function compare(load: RestrictedLoad, answer: Answer, what: string): void {
  if (load.outcome === "unrestricted") return;
  if (answer.loads) {
    assert.equal(load.outcome, answer.globals.length === 0 ? "loads" : "refused", what);
    assert.equal(load.refusal, undefined, what);
    assert.deepEqual(load.globals, answer.globals, what);
  } else if (UNPICKLER.test(answer.error ?? "")) {
    assert.equal(load.outcome, "refused", what);
    assert.notEqual(load.refusal, undefined, what);
  }
}
