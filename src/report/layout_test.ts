import assert from "node:assert/strict";
import { test } from "node:test";
import { factLines, hang, type Page, paragraph } from "./layout.ts";
import { painter } from "./style.ts";
import { displayWidth } from "./width.ts";

const page = (width: number, color = false): Page => ({
  width,
  emoji: false,
  paint: painter(color),
});
const LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen";
const item = (text: string) => ({
  ...{ indent: 2, label: "why", labelStyles: [], labelWidth: 10, text },
});

test("text hangs beside its label, wrapped within the page", () => {
  assert.deepEqual(hang(page(80), item("short")), ["  why       short"]);
  const lines = hang(page(70), item(LONG));
  assert.ok(lines.length > 1);
  for (const line of lines) assert.ok(displayWidth(line) <= 70, line);
  assert.ok(lines[1]?.startsWith(" ".repeat(12)));
  assert.equal(lines.map((line) => line.trim()).join(" ").replace("why       ", ""), LONG);
});

test("on a narrow page a label stands on a line of its own", () => {
  const [first, second] = hang(page(30), item(LONG));
  assert.equal(first, "  why");
  assert.ok(second?.startsWith("    one"));
  assert.deepEqual(hang(page(30), item("short")), ["  why       short"]);
});

test("a highlight is painted wherever the lines break, and nothing else is", () => {
  const highlight = { text: "three four five", styles: ["red"] as const };
  const lines = paragraph(page(20, true), 0, { text: LONG, highlight });
  // deno-lint-ignore no-control-regex -- the escapes are what is looked for
  const painted = [...lines.join("\n").matchAll(/\x1b\[31m([^\x1b]*)\x1b\[39m/g)].map(([, it]) =>
    it
  );
  assert.equal(painted.join(" ").replaceAll("  ", " ").trim(), "three four five");
  const none = paragraph(page(20, true), 0, {
    text: LONG,
    highlight: { text: "", styles: ["red"] },
  });
  assert.ok(!none.join("").includes("\x1b"));
});

test("facts are wrapped between, never within", () => {
  const lines = factLines(page(24), 2, ["a b c", "", "long fact here", "d e"], []);
  assert.deepEqual(lines, ["  a b c ·", "  long fact here · d e"]);
});
