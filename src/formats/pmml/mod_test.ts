import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const TESTDATA = new URL("../../../testdata/pmml/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function judged(text: string, name = "m.pmml"): Promise<[string, string[]]> {
  const { verdict, findings } = await report(name, bytesOf(text));
  const reported = findings.filter(({ severity }) => severity !== "info");
  return [verdict, [...new Set(reported.map(({ ruleId }) => ruleId))]];
}

const pmml = (body: string, before = "") =>
  `<?xml version="1.0"?>${before}<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">${body}</PMML>`;
const extension = (text: string) => pmml(`<Extension><echo>${text}</echo></Extension>`);

test("a model cut anywhere is never clean", async () => {
  for (const [name, step] of [["tree", 1], ["forest", 13], ["nyoka_tree", 7]] as const) {
    const bytes = read(`safe/${name}.pmml`);
    const end = new TextDecoder("latin1").decode(bytes).trimEnd().length;
    await assertCutsNeverClean("m.pmml", bytes.subarray(0, end), { step });
  }
});

test("bytes changed anywhere are read without a defect", async () => {
  await assertChangesAreRead("m.pmml", read("harmful/extension_cdata.pmml"), 11);
});

test("entities that read files are dangerous, however they are declared", async () => {
  for (
    const declaration of [
      '<!ENTITY x SYSTEM "file:///etc/hostname">',
      "<!ENTITY x PUBLIC 'p' 'http://127.0.0.1:9/'>",
      "<!ENTITY % x SYSTEM '//host/share'> %x;",
      '<!-- ]> --><!ENTITY a "]>"><!ENTITY x SYSTEM "x" NDATA n>',
    ]
  ) {
    for (const end of ["]>", "]\n >"]) {
      const [verdict, ids] = await judged(pmml("", `<!DOCTYPE PMML [${declaration}${end}`));
      assert.equal(verdict, "dangerous", declaration);
      assert.ok(ids.includes("pmml-external-entity"));
    }
  }
});

test("entities that grow are counted, not expanded", async () => {
  const quadratic = pmml(
    "&a;".repeat(2000),
    `<!DOCTYPE PMML [<!ENTITY a "${"x".repeat(10_000)}">]>`,
  );
  assert.deepEqual((await judged(quadratic))[1], ["pmml-expansion", "pmml-entities"]);
  const small = pmml("&a;", '<!DOCTYPE PMML [<!ENTITY a "x">]>');
  assert.deepEqual(await judged(small), ["suspicious", ["pmml-entities"]]);
  assert.deepEqual(await judged(pmml("", "<!DOCTYPE PMML>")), ["suspicious", ["pmml-doctype"]]);
});

test("Python in children of extensions and rows is judged as nyoka runs it", async () => {
  const runs = [
    "__import__('os').system('echo x')",
    "\n\n  __import__('os').system('echo x')\nnot this",
    "1; import os; os.system('echo x')",
    "2); __import__('os').system('echo x'); (3",
    "<![CDATA[__import__]]>('os').system('echo x')",
    "__import__('os')<!-- --> .system('echo x')",
    "[__import__('os').system('echo x') for a in '1']",
    "eval(&quot;__import__(&apos;os&apos;).system(&apos;echo x&apos;)&quot;)",
    "(lambda: __import__('os').system('echo x'))()",
  ];
  for (const text of runs) assert.equal((await judged(extension(text)))[0], "dangerous", text);
  const row = pmml(
    `<InlineTable><row><a>exec("import os\\nos.system('echo x')")</a></row></InlineTable>`,
  );
  assert.equal((await judged(row))[0], "dangerous");
  const hidden =
    '<!DOCTYPE PMML [<!ENTITY a "&b;(&#39;os&#39;).system(&#39;echo x&#39;)"><!ENTITY b "__import__">]>';
  const [verdict] = await judged(pmml("<Extension><a>&a;</a></Extension>", hidden));
  assert.equal(verdict, "dangerous");
});

test("words, numbers, texts and prose in extensions and rows are clean", async () => {
  const harmless = [
    "Female",
    "-1.5e3",
    '"a (b)"',
    "'x'",
    "Male (adult); see below",
    "a < b".replace("<", "&lt;"),
    "len([1, 2])",
    "",
    "caf&#233; & co".replace("& ", "&amp; "),
  ];
  for (const text of harmless) assert.deepEqual(await judged(extension(text)), ["clean", []], text);
  // Text of an element with another parent is none of nyoka's.
  const other = pmml("<Header><Annotation>exec('import os')</Annotation></Header>");
  assert.deepEqual(await judged(other), ["clean", []]);
});

test("functions are those of the standard, of the model, or classes of the application", async () => {
  const apply = (name: string) => `<Apply function="${name}"><Constant>1</Constant></Apply>`;
  for (const name of ["*", "+", "isMissing", "x-atan2"]) {
    assert.deepEqual(await judged(pmml(apply(name))), ["clean", []], name);
  }
  for (const name of ["com.example.Echo", "Echo", "isMissing ", "constructor"]) {
    assert.deepEqual(await judged(pmml(apply(name))), ["suspicious", ["pmml-function"]], name);
  }
  const defined = `<DefineFunction name="mine"><ParameterField name="a"/></DefineFunction>${
    apply("mine")
  }`;
  assert.deepEqual(await judged(pmml(defined)), ["clean", []]);
});

test("tables elsewhere, inclusions and scripts are reported", async () => {
  assert.deepEqual((await judged(pmml("<TableLocator/>")))[1], ["pmml-table"]);
  const include = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/hostname"/>';
  assert.deepEqual((await judged(pmml(include)))[1], ["pmml-include"]);
  assert.deepEqual((await judged(pmml("<script>def f(): pass</script>")))[1], ["pmml-script"]);
  const script = pmml("<script><![CDATA[import os\nos.system('echo x')]]></script>");
  assert.equal((await judged(script))[0], "dangerous");
});

test("a model is known by its root in any encoding, and by its name", async () => {
  const text = pmml("<TableLocator/>");
  const utf16 = new Uint8Array(2 * text.length);
  for (let at = 0; at < text.length; at++) utf16[2 * at] = text.charCodeAt(at);
  for (
    const bytes of [
      bytesOf(text),
      bytesOf(text.replaceAll("PMML", "p:PMML")),
      bytesOf(`<!--${"x".repeat(100_000)}-->${text.slice(text.indexOf("<PMML"))}`),
      utf16,
    ]
  ) {
    const { formats, verdict } = await report("model.xml", bytes);
    assert.deepEqual([formats, verdict], [["pmml"], "suspicious"]);
  }
  for (const wrong of ["", "text", "<a/>", '<?xml version="1.0" encoding="x-none"?><PMML/>']) {
    assert.equal((await judged(wrong))[0], "incomplete", wrong);
  }
  assert.deepEqual((await report("a.xml", bytesOf("<a/>"))).formats, []);
});

test("deep trees are read, and depth has an end", async () => {
  const deep = (levels: number) => pmml("<Node>".repeat(levels) + "</Node>".repeat(levels));
  assert.equal((await judged(deep(5000)))[0], "clean");
  assert.equal((await judged(deep(30_000)))[0], "incomplete");
});

test("every sample of an attack is found by its own rule", async () => {
  for (const name of readdirSync(new URL("harmful/", TESTDATA))) {
    const { findings } = await report(name, read(`harmful/${name}`));
    const wanted = name.includes("entity") ? "pmml-external-entity" : "repository-python-call";
    assert.ok(findings.some(({ ruleId }) => ruleId === wanted), name);
  }
});
