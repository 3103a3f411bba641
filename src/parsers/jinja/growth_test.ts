import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluateTemplate } from "./evaluate.ts";
import { extrapolate, isUnclear } from "./growth.ts";
import { parseTemplate } from "./parser.ts";
import { lookThrough } from "./reach.ts";

/** `next` applied again and again. */
function samples(
  count: number,
  first: number,
  next: (size: number, at: number) => number,
): number[] {
  const all = [first];
  for (let at = 1; at <= count; at++) all.push(next(all.at(-1) ?? first, at));
  return all;
}

test("a sum comes to its steps, however many rounds were seen", () => {
  for (const count of [4, 12, 30]) {
    const growth = extrapolate(samples(count, 1, (size) => size + 5), 1000, 1);
    assert.equal(growth?.geometric, false);
    assert.equal(growth?.grown, 1 + 5 * count + 5000);
  }
});

test("sums of sums are no products", () => {
  for (const power of [1, 2]) {
    const growth = extrapolate(samples(24, 1, (size, at) => size + at ** power), undefined, 1);
    assert.equal(growth?.geometric, false, `${power}`);
  }
});

test("products are told from sums by their steps, slow ones where there are enough rounds", () => {
  for (const [factor, count] of [[2, 4], [1.8, 4], [1.618, 12], [1.3, 24], [1.15, 24]] as const) {
    const growth = extrapolate(samples(count, 1000, (size) => size * factor), undefined, 1);
    assert.equal(growth?.geometric, true, `${factor}`);
    assert.ok((growth?.grown ?? 0) > 1e60);
  }
});

test("a loop of which the rounds are counted multiplies as often as it runs", () => {
  const doubled = samples(4, 1, (size) => size * 2);
  assert.equal(extrapolate(doubled, 3, 1)?.grown, 8);
  const growth = extrapolate(doubled, 15, 1);
  assert.equal(growth?.grown, 16 * 2 ** 10);
});

test("what stays as it is has not grown", () => {
  assert.equal(extrapolate([3, 3, 3, 3], undefined, 1), undefined);
  assert.equal(extrapolate([0, 7, 7], undefined, 1), undefined);
});

test("growth that gets faster is not clear yet", () => {
  assert.equal(isUnclear([1, 2, 3, 4]), false);
  assert.equal(isUnclear([1, 2, 4]), true);
});

function costs(text: string): string[] {
  const { found, givenUp } = lookThrough(parseTemplate(text), text);
  return [...found.map(({ name }) => name), ...givenUp === undefined ? [] : [givenUp]];
}

/**
 * Each takes more than 180 MB or four seconds in Jinja 3.1, with 64 messages. Those that make a text as
 * long as a doubled number do so with 28, and fail with 64.
 */
const COSTLY: readonly string[] = [
  "{% set ns = namespace(n=3) %}{% for m in messages %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
  "{% set ns = namespace(n=3) %}{% for i in range(200) %}{% set ns.n = ns.n ** 2 %}{% endfor %}",
  "{% set l = [3] %}{% for m in messages %}{% set _ = l.append(l[-1] * l[-1]) %}{% endfor %}",
  "{% set d = {'k': 3} %}{% for m in messages %}{% set _ = d.update({'k': d.k * d.k}) %}{% endfor %}",
  "{% set ns = namespace(n=3) %}{% for i in range(64) %}{% set ns.n = (ns.n * ns.n)|int|abs %}{% endfor %}",
  "{% set ns = namespace(n=3) %}{% macro f() %}{% set ns.n = ns.n * ns.n %}{% endmacro %}{% for i in range(64) %}{{ f() }}{% endfor %}",
  "{% set ns = namespace(n=1) %}{% for m in messages %}{% set ns.n = ns.n * 2 %}{% endfor %}{{ 'a' * ns.n }}",
  "{% set ns = namespace(n=1) %}{% for m in messages %}{% set ns.n = ns.n + ns.n %}{% endfor %}{{ 'a'|center(ns.n) }}",
  "{% set ns = namespace(n=1) %}{% for m in messages %}{% set ns.n = ns.n + ns.n %}{% endfor %}{{ '%*d' % (ns.n, 1) }}",
  "{% set l = ['a'] %}{% for m in messages %}{% set _ = l.append(l|join) %}{% endfor %}",
  "{% set l = ['a'] %}{% for m in messages %}{% set _ = l.append(l|string) %}{% endfor %}",
  "{% set l = ['a'] %}{% for m in messages %}{% set _ = l.append('{}'.format(l)) %}{% endfor %}",
  "{% set l = ['a'] %}{% for m in messages %}{% set _ = l.extend(l|list) %}{% endfor %}",
  "{% set d = {'k': 'a'} %}{% for m in messages %}{% set _ = d.update({loop.index: d.values()|join}) %}{% endfor %}",
  "{% set l = ['a'] %}{% for m in messages %}{% set x %}{% for y in l %}{{ y }}{% endfor %}{% endset %}{% set _ = l.append(x) %}{% endfor %}",
  "{% set l = [] %}{% for m in messages %}{% set _ = l.append([l[:], l[:]]) %}{% endfor %}{{ l }}",
  "{% set ns = namespace(c=cycler('a')) %}{% for m in messages %}{% set ns.c = cycler(ns.c.current ~ ns.c.current) %}{% endfor %}",
  "{% set ns = namespace(x='a') %}{% for m in messages %}{% set ns.x = '%(a)s%(a)s' % {'a': ns.x} %}{% endfor %}",
  "{% set ns = namespace(x='a') %}{% for m in messages %}{% set ns.x = ns.x|list|map('replace', 'a', 'aa')|join %}{% endfor %}",
  "{% set ns = namespace(a='a', b='b') %}{% for i in range(500) %}{% set t = ns.a %}{% set ns.a = ns.a ~ ns.b %}{% set ns.b = t %}{% endfor %}",
  "{% set ns = namespace(a='\"' ~ \"'\") %}{% for m in messages %}{% set ns.a = '%r' % ns.a %}{% endfor %}",
  "{% for x in [1, 2] recursive %}{% if loop.depth < 40 %}{{ loop([1, 2]) }}{% endif %}{% endfor %}",
  "{% macro f(s, m) %}{% if m %}{{ f(s ~ s, m[1:]) }}{% endif %}{% endmacro %}{{ f('a', messages) }}",
  "{% macro f(m) %}{% if m %}{{ f(m[1:]) }}{{ f(m[1:]) }}{% endif %}{% endmacro %}{{ f(messages) }}",
  "{% macro f(m) %}{% if m %}{% if m[0].role == 'user' %}{{ f(m[1:]) }}{% endif %}{{ f(m[1:]) }}{% endif %}{% endmacro %}{{ f(messages) }}",
  "{% macro g(m, b) %}{% if b %}{{ f(m[1:]) }}{% else %}{{ f(m[1:]) }}{% endif %}{% endmacro %}{% macro f(m) %}{% if m %}{{ g(m, 1) }}{{ g(m, 0) }}{% endif %}{% endmacro %}{{ f(messages) }}",
  "{% macro r(n, s) %}{% if n %}{{ r(n - 1, s ~ s) }}{% else %}{{ s }}{% endif %}{% endmacro %}{{ r(40, 'a') }}",
  "{% set d = {'k': 1} %}{% for m in messages %}{% set _ = d.update({loop.index|string: d.copy()}) %}{% endfor %}{{ d }}",
  "{% set ns = namespace(s='a\\nb') %}{% for m in messages %}{% set ns.s = ns.s|indent(ns.s) %}{% endfor %}",
  "{% set d = {'l': [1]} %}{% for x in d.l %}{% set _ = d['l'].append(x) %}{% endfor %}",
  "{% set l = [1] %}{% macro f(k) %}{% set _ = k.append(1) %}{% endmacro %}{% for x in l %}{{ f(l) }}{% endfor %}",
  "{% set l = [1] %}{% for x in l|map('int') %}{% set _ = l.append(x) %}{% endfor %}",
  "{% set l = [] %}{% for m in messages %}{% set ns = namespace(s='a') %}{% set _ = l.append(ns) %}{% set f = l[0] %}{% set f.s = f.s ~ f.s %}{% endfor %}",
  "{% set o = namespace(x=none) %}{% for m in messages %}{% set ns = namespace(s='a') %}{% if not o.x %}{% set o.x = ns %}{% endif %}{% set f = o.x %}{% set f.s = f.s ~ f.s %}{% endfor %}",
  "{% set o = namespace(x='a') %}{% for m in messages %}{% set ns = namespace(s=o.x) %}{% set ns.s = ns.s ~ ns.s %}{% set o.x = ns.s %}{% endfor %}",
  "{{ ('a' * 100000).translate({97: 'b' * 100000}) }}",
];

test("what grows from round to round is reported, wherever it is kept", () => {
  for (const text of COSTLY) {
    assert.ok(costs(text).some((name) => name.startsWith("cost.")), text);
  }
});

test("counters, texts and lists that grow with the conversation are quiet", () => {
  const calm = [
    "{% set ns = namespace(i=0, n=1) %}{% for m in messages %}{% set ns.i = ns.i + 1 %}{% set ns.n = ns.n + 2 * ns.i %}{% endfor %}{{ ns.n }}",
    "{% set ns = namespace(s='', b='') %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.s = ns.s ~ ns.b %}{% set ns.b = '' %}{% else %}{% set ns.b = ns.b ~ m.content %}{% endif %}{% endfor %}{{ ns.s }}",
    "{% set ns = namespace(l=[]) %}{% for m in messages %}{% set ns.l = ns.l + [m.role ~ ': ' ~ m.content] %}{% set text = ns.l|join('\n') %}{% endfor %}{{ ns.l|join('\n') }}",
    "{% set d = {} %}{% for t in tools %}{% set _ = d.update({t.name: t.parameters|tojson}) %}{% endfor %}{{ d.values()|join }}",
    "{% macro schema(p, pad) %}{% for k, v in p.properties.items() %}{{ pad }}{{ k }}{% if v.properties %}{{ schema(v, pad ~ '  ') }}{% elif v.items %}{{ schema(v.items, pad ~ '  ') }}{% endif %}{% endfor %}{% endmacro %}{% for t in tools %}{{ schema(t.parameters, '') }}{% endfor %}",
    "{% for t in tools recursive %}{{ t.name }}{% if t.children %}{{ loop(t.children) }}{% endif %}{% endfor %}",
    "{% set stamp = 1733000000 %}{% set l = [stamp, 1700000000000] %}{{ l|join(', ') }} {{ stamp ~ 'x' }}",
    "{% set ns = namespace(n=1) %}{% for i in range(100) %}{% set ns.n = (ns.n * 31 + 7) % 1000003 %}{% endfor %}{{ ns.n }}",
    "{% set ns = namespace(n=1, x='a') %}{% for i in range(10) %}{% set ns.n = ns.n * 2 %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ 'a' * ns.n }}",
    "{% set q = namespace(ids=[], n=0) %}{% for m in messages %}{% for t in m.tool_calls %}{% set _ = q.ids.append('f:' ~ q.n) %}{% set q.n = q.n + 1 %}{% endfor %}{{ q.ids.pop(0) }}{% endfor %}",
    "{% set ns = namespace(parts=[], text='') %}{% for m in messages %}{% set ns.parts = (ns.parts + [m.content])[-5:] %}{% set ns.text = ns.text|trim ~ m.content %}{% endfor %}{{ ns.parts|join(' ') }}",
    "{% macro f(m) %}{% if m %}{% if m[0].role == 'user' %}U{{ f(m[1:]) }}{% else %}A{{ f(m[1:]) }}{% endif %}{% endif %}{% endmacro %}{{ f(messages) }}",
    "{% set n = n|default(64, true)|int %}{{ '<image>' * n }}",
    "{{ (time|default(1733000000)) ~ 'a' }}{{ [time|default(1733000000), 'a']|join(' ') }}",
    "{% set t = time|default(1733000000) %}{% set ns = namespace(s='') %}{% for m in messages %}{% set ns.s = ns.s ~ t ~ m.content %}{% endfor %}{{ ns.s }}",
  ];
  for (const text of calm) assert.deepEqual(costs(text), [], text);
});

test("a text may be as many digits as it has characters, also where it may be a number instead", () => {
  const text = "{% set x = ('1' * 100000) if y else 999 %}{{ x|int ** 100000 }}";
  const [power] = lookThrough(parseTemplate(text), text).found;
  assert.equal(power?.name, "cost.power");
  assert.ok((power?.estimate ?? 0) > 1e10);
});

test("a macro that is given a namespace is not gone through anew for each number that counts in it", () => {
  const text = "{% macro f(ns) %}{{ 'a' }}{% endmacro %}{% set ns = namespace(i=0) %}" +
    "{% for i in range(100) %}{% set ns.i = ns.i + 1 %}{{ f(ns) }}{% endfor %}";
  assert.ok(evaluateTemplate(parseTemplate(text), text).outcomes.size < 5);
});

test("a namespace that is made anew counts from its beginning, whatever was counted in those before it", () => {
  const text = "{% macro count(m) %}{% set ns = namespace(n=0) %}" +
    "{% for p in m %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}{% endmacro %}" +
    "{% for m in messages %}{% for t in m.tools %}{{ count(m) }}{{ count(t) }}{% endfor %}{% endfor %}";
  const { state, outcomes } = evaluateTemplate(parseTemplate(text), text);
  // The second time, one was made there before.
  assert.ok([...outcomes.values()].every((all) => all.length <= 2));
  const made = `${text.indexOf("namespace(n")}.n`;
  assert.ok((state.heap.get(made)?.size ?? 0) < 100);
});
