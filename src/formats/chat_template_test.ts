import assert from "node:assert/strict";
import { test } from "node:test";
import { CHAT_TEMPLATE_HINT, chatTemplateFormat } from "./chat_template.ts";
import { run, sampleOf } from "./testing_scan.ts";

const encoder = new TextEncoder();

test("a template is known by its hint, or by its name and what is in it", () => {
  const detect = (text: string, name: string, hint?: string) =>
    chatTemplateFormat.detect(sampleOf(encoder.encode(text), { name, ...(hint && { hint }) }));
  assert.equal(detect("hello", "x", CHAT_TEMPLATE_HINT), true);
  assert.equal(detect("", "x", CHAT_TEMPLATE_HINT), false);
  assert.equal(detect("{{ a }}", "chat_template.jinja"), true);
  assert.equal(detect("{{ a }}", "rag.J2"), true);
  assert.equal(detect("hello", "chat_template.jinja"), false);
  assert.equal(detect("{{ a }}\0", "chat_template.jinja"), false);
  assert.equal(detect("{{ a }}", "a.txt"), false);
});

test("what a template reaches is a fact with its place in bytes and what was written there", async () => {
  const text = "é{{ ()|attr('__cl' ~ 'ass__') }}";
  const { facts } = await run(chatTemplateFormat, encoder.encode(text));
  const [only, ...others] = facts;
  assert.equal(others.length, 0);
  assert.equal(only?.offset, 5);
  assert.deepEqual(only?.fact, {
    kind: "operator",
    language: "jinja",
    name: "attribute.__class__",
    expression: "().__class__",
    evidence: [{ kind: "code", text: "()|attr('__cl' ~ 'ass__')", cut: false }],
    details: { reaches: ["__class__"] },
  });
});

test("a template that is longer than any is not read", async () => {
  const seen = await run(chatTemplateFormat, encoder.encode("{{ a }}".repeat(200_000)));
  assert.match(seen.fault?.message ?? "", /longer than/);
});

test("a fault is told once, with what stands there", async () => {
  const seen = await run(chatTemplateFormat, encoder.encode("{{ ( }}{{ ) }}{% for %}"));
  assert.equal(seen.anomalies.length, 1);
  assert.equal(seen.anomalies[0]?.rule, "template-malformed");
  assert.match(seen.anomalies[0]?.detail ?? "", /near/);
});
