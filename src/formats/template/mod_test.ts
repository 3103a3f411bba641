import { HINT } from "../../core/hints.ts";
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { chatTemplateFormat } from "./mod.ts";
import { run, sampleOf } from "../testing/scan.ts";

const encoder = new TextEncoder();

test("a template is known by its hint, or by its name and what is in it", () => {
  const detect = (text: string, name: string, hint?: string) =>
    chatTemplateFormat.detect(sampleOf(encoder.encode(text), { name, ...(hint && { hint }) }));
  assert.equal(detect("hello", "x", HINT.chatTemplate), true);
  assert.equal(detect("", "x", HINT.chatTemplate), false);
  assert.equal(detect("{{ a }}", "chat_template.jinja"), true);
  assert.equal(detect("{{ a }}", "rag.J2"), true);
  assert.equal(detect("hello", "chat_template.jinja"), false);
  assert.equal(detect("{{ a }}\0", "chat_template.jinja"), false);
  assert.equal(detect("{{ a }}", "a.txt"), false);
  assert.equal(detect("{% for message in messages %}{{ message }}", "a.txt"), true);
});

test("a text in which no tag ends is no template, unless more follows than was looked at", () => {
  const folded = "messages 1.  message['role'] *history* {{{1\n  {% messages\n";
  const seen = (length: number) =>
    chatTemplateFormat.detect({
      ...sampleOf(encoder.encode(folded), { name: "doc.txt" }),
      size: length,
    });
  assert.equal(seen(folded.length), false);
  assert.equal(seen(folded.length + 1), true);
});

test("a text of any name that Jinja refuses for a character in a tag reaches nothing", async () => {
  const shim =
    "PyInit_{m}(void)\n{{\n    return PyModuleDef_Init(&{m}_module);\n}}\n{{ x.__class__ }}";
  const reached = async (text: string, name: string): Promise<number> =>
    (await run(chatTemplateFormat, encoder.encode(text), { name })).facts.length;
  assert.equal(await reached(shim, "shim.tmpl"), 0);
  assert.ok(await reached(shim.replace("&", ""), "shim.tmpl") > 0);
  assert.ok(await reached(shim, "shim.jinja") > 0);
  assert.ok(await reached(shim, "chat.txt") > 0);
  assert.ok(await reached(`#jinja2: variable_start_string:'[['\n${shim}`, "shim.tmpl") > 0);
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
  assert.match(seen.error?.message ?? "", /longer than/);
});

test("a syntax error is reported once, with what stands there", async () => {
  const seen = await run(chatTemplateFormat, encoder.encode("{{ ( }}{{ ) }}{% for %}"));
  assert.equal(seen.anomalies.length, 1);
  assert.equal(seen.anomalies[0]?.rule, "template-malformed");
  assert.match(seen.anomalies[0]?.detail ?? "", /near/);
});

/** What is named, and whether it says that this is all. */
async function named(
  text: string,
): Promise<{ readonly names: Set<string>; readonly complete: boolean }> {
  const { facts, error } = await run(chatTemplateFormat, encoder.encode(text));
  const names = facts.flatMap(({ fact }) => fact.kind === "operator" ? [fact.name] : []);
  return { names: new Set(names), complete: error === undefined };
}

test("a name behind hundreds of others is reported", async () => {
  const others = Array.from({ length: 600 }, (_, at) => `{{ x._a${at} }}`).join("");
  const { names, complete } = await named(`${others}{{ ''.__class__ }}`);
  assert.ok(names.has("attribute.__class__"));
  assert.ok(complete);
});

test("more names than are reported, and more work than is done for one, leave a template unread", async () => {
  const others = Array.from({ length: 1_200 }, (_, at) => `{{ x._a${at} }}`).join("");
  assert.equal((await named(`${others}{{ ''.__class__ }}`)).complete, false);
  const hidden = "{{ ''['__cl' ~ 'ass__'] }}";
  assert.ok((await named(hidden)).names.has("attribute.__class__"));
  for (const work of ["{% set a = a ~ a ~ 'b' %}", "{% set a = [1, 2, 3, 4, 5, 6, 7, 8, 9] %}"]) {
    const { names, complete } = await named(work.repeat(2000) + hidden);
    assert.ok(names.has("attribute.__class__") || !complete, work);
  }
  const chain = (length: number) => `{{ ''['__cl' ~ 'ass__'${" ~ ''".repeat(length)}] }}`;
  assert.ok((await named(chain(300))).names.has("attribute.__class__"));
  // Longer ones are refused when they are parsed, and what is written there counts.
  assert.ok((await named(chain(1000))).names.has("attribute.__cl"));
});

test("real templates are far from what is given up", async () => {
  const ROOT = new URL("../../../testdata/template/safe/", import.meta.url);
  for (const entry of readdirSync(ROOT, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const text = readFileSync(`${entry.parentPath}/${entry.name}`, "utf8");
    assert.ok((await named(text)).complete, entry.parentPath);
  }
});

test("only the delimiters that loaders of chat templates set are read, and a first line that sets others is said", async () => {
  // transformers/utils/chat_template_utils.py, _compile_jinja_template: ImmutableSandboxedEnvironment with
  // trim_blocks, lstrip_blocks, loopcontrols and the generation tag. A line statement is text to it.
  const texts = [
    "# for m in messages\n{{ m.content }}\n# endfor",
    "## {{ messages }}",
    "\\VAR{messages.__class__} {{ messages }}",
    "<< messages.__class__ >>{{ messages }}",
    "((* for m in messages *)){{ m }}",
    "#jinja2: trim_blocks: True\n{{ messages }}",
  ];
  for (const text of texts) {
    const { names, complete } = await named(text);
    assert.deepEqual([...names], [], text);
    assert.equal(complete, true, text);
  }
  const reached = await named("# for m in messages\n{{ m.__class__ }}");
  assert.deepEqual([...reached.names], ["attribute.__class__"]);
  for (const override of ["variable_start_string: '[%'", "line_statement_prefix:'%'"]) {
    const { complete } = await named(
      `#jinja2: trim_blocks:True, ${override}\n[% messages %]{{ x }}`,
    );
    assert.equal(complete, false, override);
  }
});

test("the tags that transformers adds are read: generation, break, continue", async () => {
  const text = "{% for m in messages %}{% if m %}{% continue %}{% endif %}{% generation %}" +
    "{{ m.__class__ }}{% endgeneration %}{% break %}{% endfor %}";
  assert.deepEqual([...(await named(text)).names], ["attribute.__class__"]);
  const calm = text.replace("__class__", "content");
  assert.deepEqual([...(await named(calm)).names], []);
});

test("white space counts as every renderer treats it: a name is found that only trimmed blocks spell", async () => {
  const text =
    "{% set n %}__cl\n  {% if true %}\nass__{% endif %}{% endset %}{{ ''[n|replace('\\n','')] }}";
  assert.equal((await named(text)).names.has("attribute.__class__"), true);
});
