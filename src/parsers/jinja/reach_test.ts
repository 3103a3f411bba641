import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseTemplate } from "./parser.ts";
import { reaches } from "./reach.ts";
import { LARGE_INPUT, SWEEP } from "../testing/sweep.ts";

/** What a template reaches, by name. */
function names(text: string): string[] {
  return reaches(parseTemplate(text), text).map(({ name }) => name);
}

/** What it reaches, as a person would write it. */
function shown(text: string): string[] {
  return reaches(parseTemplate(text), text).map(({ expression }) => expression);
}

test("a chain is reported once, with the names on the way and the texts that are given", () => {
  const text = "{{ cycler.__init__.__globals__.os.popen('id').read() }}";
  const [reach, ...others] = reaches(parseTemplate(text), text);
  assert.equal(others.length, 0);
  assert.equal(reach?.name, "attribute.__init__");
  assert.equal(reach?.expression, "cycler.__init__.__globals__.os.popen('id').read()");
  assert.deepEqual(reach?.names, ["__init__", "__globals__", "os", "popen", "read"]);
  assert.deepEqual(reach?.given, ["id"]);
});

test("names that are put together are shown as what they come to", () => {
  assert.deepEqual(shown("{{ x|attr('__cl' ~ 'ass__') }}"), ["x.__class__"]);
  assert.deepEqual(shown("{{ ''['\\x5f_class\\137_'] }}"), ["''.__class__"]);
  assert.deepEqual(shown("{% set a = '_' * 2 %}{{ x[a + 'class' + a] }}"), ["x.__class__"]);
});

test("a name that is hidden among others of the same variable is found", () => {
  const decoys = Array.from({ length: 200 }, (_, at) => `{% set a = 'x_${at}' %}`).join("");
  const attack = "{{ ()[a] }}";
  assert.deepEqual(names(`${decoys}{% set a = '__class__' %}${attack}`), ["attribute.__class__"]);
  assert.deepEqual(names(`{% set a = '__class__' %}${attack}${decoys}`), ["attribute.__class__"]);
  assert.deepEqual(
    names(`{% set a = '__class__' %}{% if x %}{% set a = messages %}{% endif %}${attack}`),
    ["attribute.__class__"],
  );
});

test("names that nothing can know are reported as such", () => {
  assert.deepEqual(names("{{ x|attr(messages[0].content) }}"), ["dynamic.attribute"]);
  assert.deepEqual(names("{{ x[messages[0].content](1) }}"), ["dynamic.call"]);
  assert.deepEqual(names("{{ x|attr(y ~ 'globals' ~ y) }}"), ["hidden.globals"]);
  assert.deepEqual(
    names("{% for m in messages %}{{ messages[loop.index0]['role'] }}{% endfor %}"),
    [],
  );
  assert.deepEqual(names("{{ tools[name.split('.')[0]] }}"), ["dynamic.attribute"]);
  assert.deepEqual(names("{{ x[bos_token] }}"), ["dynamic.attribute"]);
  assert.deepEqual(names("{% for i in range(9) %}{{ tools[i].name }}{% endfor %}"), []);
});

test("a name made of constants that is not computed is never passed over", () => {
  const long = "x".repeat(5000);
  const decoys = Array.from({ length: 100 }, (_, at) => `'a_${at}'`).join(", ");
  const opaque = [
    `{{ ''[('${long}' ~ '__class__')[5000:]] }}`,
    "{{ ''[('x' * 5000 ~ 'mro')[5000:]] }}",
    "{% set a = 'x' * 5000 ~ 'mro' %}{{ ''[a[5000:]] }}",
    "{% set ns = namespace(a='x' * 5000 ~ 'mro') %}{{ ''[ns.a[5000:]] }}",
    `{% set a %}${long}mro{% endset %}{{ ''[a[5000:]] }}`,
    `{% macro a() %}${long}{{ 'mro' }}{% endmacro %}{{ ''[a()[5000:]] }}`,
    `{% set a %}${"{{ 'xxxxxxxx' }}".repeat(600)}mro{% endset %}{{ ''[a[4800:]] }}`,
    `{% for a in ['mro', ${decoys}] %}{{ ''[a] }}{% endfor %}`,
    `{% for a, b in {'x': 'mro'}.items() %}{{ ''[b] }}{% endfor %}`,
    "{{ ''['orm'.translate({}).zfill(3)] }}",
    "{{ ''|map(attribute=('x' * 5000 ~ 'mro')[5000:])|list }}",
    "{{ ''|attr(('x' * 5000 ~ 'mro')[5000:]) }}",
  ];
  for (const text of opaque) {
    const [name, ...others] = names(text);
    const reported = ["dynamic.attribute", "attribute.__class__", "attribute.mro"].includes(
      name ?? "",
    );
    assert.ok(reported && others.length === 0, `${name} ${text.slice(0, 60)}`);
  }
  const known = "{% for a, b in [('x', '__class__'), ('y', 'z')] %}{{ ''[b] }}{% endfor %}";
  assert.deepEqual(names(known), ["attribute.__class__"]);
  const last = `{% for a in [${decoys}, '__class__'] %}{{ ''[a] }}{% endfor %}`;
  assert.deepEqual(names(last), ["attribute.__class__"]);
});

test("long texts and long lists that name nothing are quiet", () => {
  const long = "x".repeat(5000);
  const items = Array.from({ length: 100 }, (_, at) => `'t${at}'`).join(", ");
  const quiet = [
    `{% set a = '${long}' ~ '${long}' %}{{ a }}{{ a | trim }}{{ a[5:] }}`,
    `{% set a %}${long}{{ x }}{% endset %}{{ a }}`,
    `{% for t in [${items}] %}{{ t ~ '${long}' }}{% endfor %}`,
    "{% set i = namespace(n=0) %}{% for m in messages %}{% set i.n = i.n + 1 %}{{ messages[i.n] }}" +
    "{% endfor %}",
    "{% set keys = ['role', 'content'] %}{% for k in keys %}{{ messages[0][k] }}{% endfor %}",
    "{% for k in x %}{{ x[k] }}{% endfor %}{% for k, v in x|items %}{{ x[k] }}{% endfor %}",
    "{{ x[name.split('.')[0]] if name.split('.')[0] in x else '' }}",
    "{% set table = {'a': 'b'} %}{{ table[messages[0].role] }}",
    "{% set add = 'a' %}{% macro f(m) %}{{ m[add] }}{% endmacro %}{{ f(messages[0]) }}",
  ];
  for (const text of quiet) assert.deepEqual(names(text), [], text.slice(0, 60));
});

test("what conversations need is quiet", () => {
  const quiet = [
    "{% for m in messages %}{{ m['role'] + m.content | trim }}{% endfor %}",
    "{% set ns = namespace(found=false) %}{% set ns.found = true %}{{ ns.found }}",
    "{{ raise_exception('x') }}{{ strftime_now('%d %b %Y') }}{{ bos_token }}",
    "{% macro f(a, b=1) %}{{ a.items() }}{% endmacro %}{{ f(tools) }}",
    "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list }}",
    "{{ content.split('</think>')[-1].lstrip('\\n') }}{% generation %}{% endgeneration %}",
    "{% for i in range(messages|length) %}{% if i is divisibleby 2 %}{% break %}{% endif %}{% endfor %}",
    "{{ '# def __init__(self): return __class__' }} and __globals__ in the text",
    "{% raw %}{{ x.__class__ }}{% endraw %}{# {{ x.__class__ }} #}",
    "{{ x if y else z }}{{ not a and b or c in d }}{{ {'a': [1, (2, 3)]}['a'][0:2] }}",
    "{% set cycler = 1 %}{{ cycler }}{% set self %}x{% endset %}{{ self }}",
    "{{ 2 ** 3 }}{{ 'ab' * 3 }}{{ '%5d' % 1 }}{{ 'x' | indent(4) }}",
  ];
  for (const text of quiet) {
    const template = parseTemplate(text);
    assert.deepEqual(template.errors, [], text);
    assert.deepEqual(names(text), [], text);
  }
});

test("other files, strange objects and private names are reported", () => {
  assert.deepEqual(names("{% include 'x' %}{% from 'y' import z with context %}{% extends a %}"), [
    "statement.include",
    "statement.from",
    "statement.extends",
  ]);
  assert.deepEqual(names("{{ lipsum() }}{{ eval('1') }}{{ __import__('os') }}"), [
    "global.lipsum",
    "global.eval",
    "global.__import__",
  ]);
  assert.deepEqual(names("{{ x._private }}"), ["attribute._private"]);
});

test("what takes time or memory without end is reported", () => {
  const costly: readonly (readonly [string, string])[] = [
    ["{% for i in range(10**9) %}{% endfor %}", "cost.loop"],
    ["{% set n = 5000000 %}{% for i in range(0, n) %}{% endfor %}", "cost.loop"],
    ["{% for i in range(2000) %}{% for j in range(2000) %}{% endfor %}{% endfor %}", "cost.loop"],
    ["{{ 'a' * 9999999 }}", "cost.repeat"],
    ["{{ [0] * 9999999 }}", "cost.repeat"],
    ["{{ 2 ** 9999999 }}", "cost.power"],
    ["{{ 'a' | center(9999999) }}", "cost.pad"],
    ["{{ '{:>99999999}'.format(1) }}", "cost.pad"],
  ];
  for (const [text, name] of costly) assert.ok(names(text).includes(name), text);
});

test("a broken tag hides nothing, in it or behind it", () => {
  assert.ok(names("{{ ( }}{{ x.__class__ }}").includes("attribute.__class__"));
  assert.ok(names("{{ x.__class__ $ }}").includes("attribute.__class__"));
  assert.ok(names("{{ 'unended }}{{ x.__class__ }}").includes("attribute.__class__"));
  assert.ok(names("{% unknown x.__class__ %}").includes("attribute.__class__"));
});

test("hostile templates come to an end", () => {
  const hostile = [
    `{{ ${"(".repeat(100_000)}`,
    `{{ a${".b".repeat(100_000)} }}`,
    `{{ a${"~b".repeat(100_000)} }}`,
    `{{ a${"**b".repeat(100_000)} }}`,
    `{{ ${"-".repeat(100_000)}1 }}`,
    `{{ ${"not ".repeat(100_000)}1 }}`,
    `{{ a${"|b".repeat(100_000)} }}`,
    `{{ a${" if b else c".repeat(50_000)} }}`,
    "{{ a".repeat(100_000),
    "{% if ".repeat(100_000),
    `{{ ${"\\'".repeat(100_000)}`,
    "{# {% raw %}".repeat(50_000),
    `${"{% set a = a ~ a %}".repeat(10_000)}{{ x[a] }}`,
    `${"{% set a='x' %}".repeat(5000)}${"{{ x[a~a~a] }}".repeat(5000)}`,
    `{% for x in [${"'a',".repeat(100_000)}] %}{{ y[x] }}{% endfor %}`,
    `{{ x[[${"'a',".repeat(10_000)}]|join] }}`,
  ];
  for (const text of hostile) assert.doesNotThrow(() => names(text), text.slice(0, 30));
});

test("macros that call themselves with a longer text each come to an end", LARGE_INPUT, () => {
  const macros = "{% macro m(a) %}{{ m(a~a) }}{% endmacro %}".repeat(2000);
  assert.doesNotThrow(() => names(`${macros}{{ x[m('a')] }}`));
});

test("no cut of a template makes the parser fail", () => {
  const url = new URL(
    "../../../testdata/template/safe/gptoss/chat_template.jinja",
    import.meta.url,
  );
  const text = readFileSync(url, "utf8");
  for (let at = 0; at < text.length; at += 61 * SWEEP) {
    const cut = text.slice(at, at + 2000);
    reaches(parseTemplate(cut), cut);
  }
});
