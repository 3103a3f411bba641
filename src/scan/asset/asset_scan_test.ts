import assert from "node:assert/strict";
import { test } from "node:test";
import { LimitError } from "../../core/errors.ts";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import { fakeFormat, imports, ruleIds, scanFake, textSource } from "../testing/fakes.ts";

/** Time is up while a format reads, and the format keeps that to itself: before it yields, or for good. */
for (const yields of [true, false]) {
  test(`a format that ${yields ? "first hands over what it has" : "says nothing"} when its time is spent leaves nothing clean`, async () => {
    const swallowing = fakeFormat("fake", async function* (_source, context) {
      for (;;) {
        await Promise.resolve();
        try {
          context.checkDeadline();
        } catch (error) {
          if (!(error instanceof LimitError)) throw error;
          break;
        }
      }
      if (yields) yield [imports("safe", "x")];
    });
    const report = await scanFake(textSource("a.x", "fake:"), [swallowing], {
      limits: { milliseconds: 5 },
    });
    assert.equal(report.verdict, "incomplete");
    assert.equal(ruleIds(report).filter((id) => id === "scan-timeout").length, 1);
  });
}

test("a pickle whose time or patience is spent before its harm is not clean", async () => {
  // PROTO 4, then None pushed and popped two million times around a harmful call.
  const half = "N0".repeat(1_000_000);
  const bytes = new TextEncoder().encode(`..${half}cos\nsystem\n(S'echo hi'\ntR0${half}N.`);
  bytes.set([0x80, 4]);
  const rules = loadRules();
  const source = bytesSource("model.pkl", bytes);
  assert.equal((await scanSource(source, { rules })).verdict, "dangerous");
  const late = await scanSource(source, { rules, limits: { milliseconds: 0.001 } });
  assert.equal(late.verdict, "incomplete");
  // Given up once the bytes were recognised: the signal is asked anew each time.
  for (const asks of [1, 2, 3, 5]) {
    let asked = 0;
    const signal = {
      get aborted() {
        return ++asked > asks;
      },
    };
    assert.equal((await scanSource(source, { rules, signal })).verdict, "incomplete", `${asks}`);
  }
});
