import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { LimitError } from "../../core/errors.ts";
import type { Finding } from "../../core/types.ts";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import { explainPickle } from "./explain.ts";

const rules = loadRules();
const context = { interest: rules.interest, checkDeadline: () => {} };

/** Offset of each opcode: `PROTO 2`, then pairs of `BININT1` and `POP`, then `STOP`. */
function numbers(count: number): Uint8Array {
  const body = Array.from({ length: count }, (_, at) => [0x4b, at & 255, 0x30]).flat();
  return Uint8Array.from([0x80, 2, ...body, 0x4b, 1, 0x2e]);
}

function marked(finding: Finding): string[] {
  const lines = finding.details["disassembly"];
  assert.ok(Array.isArray(lines));
  return lines.filter((it) => it.marked).map((it) => it.text);
}

test("the lines around a place are listed, and what lies between two places is left out", async () => {
  const source = bytesSource("x", numbers(100));
  const [near, far, none] = await explainPickle(source, [[8, 152], [2], [3]], context);
  const shown = near?.map(({ text, marked }) => `${marked ? ">" : ""}${text.trim().split(" ")[0]}`);
  assert.deepEqual(shown, [
    ...["4", "5", "7", ">8", "10", "11", "13"],
    ...["…", "148", "149", "151", ">152", "154", "155", "157"],
  ]);
  assert.equal(far?.[1]?.marked, true);
  // In the middle of an opcode there is nothing to list.
  assert.deepEqual(none, []);
});

test("a listing is bounded, and ends when time is spent", async () => {
  const source = bytesSource("x", numbers(5000));
  const everywhere = Array.from({ length: 5000 }, (_, at) => 2 + 3 * at);
  const [listing] = await explainPickle(source, [everywhere], context);
  assert.equal(listing?.length, 40);
  const spent = {
    ...context,
    checkDeadline: () => {
      throw new LimitError("milliseconds", "spent");
    },
  };
  await assert.rejects(explainPickle(source, [[14_000]], spent), LimitError);
});

test("findings of pickles in any container have their opcodes when it is asked for", async () => {
  for (const name of ["torch/harmful/checkpoint.pt", "sevenzip/harmful/malicious.7z"]) {
    const bytes = readFileSync(new URL(`../../../testdata/${name}`, import.meta.url));
    const source = bytesSource(name, new Uint8Array(bytes));
    const { findings } = await scanSource(source, { rules, explain: true });
    const harmful = findings.find(({ safety }) => safety === "dangerous");
    assert.ok(harmful);
    const [global, reduce] = marked(harmful);
    assert.match(global ?? "", /GLOBAL +posix system/);
    assert.match(reduce ?? "", /REDUCE .*posix\.system\('echo /);
    const without = await scanSource(source, { rules });
    assert.ok(without.findings.every(({ details }) => details["disassembly"] === undefined));
    const plain = ({ details: { disassembly: _, ...details }, ...rest }: Finding) => ({
      ...rest,
      details,
    });
    assert.deepEqual(findings.map(plain), without.findings, "nothing else changes");
  }
});

test("what is in a second stream is listed at its own offset", async () => {
  const harmless = numbers(1);
  const evil = new TextEncoder().encode("cos\nsystem\n(S'echo hi'\ntR.");
  const both = Uint8Array.from([...harmless, ...evil]);
  const { findings } = await scanSource(bytesSource("x.pkl", both), { rules, explain: true });
  const harmful = findings.find(({ safety }) => safety === "dangerous");
  assert.ok(harmful);
  assert.match(marked(harmful)[0] ?? "", new RegExp(`^ +${harmless.length}  GLOBAL +os system`));
});
