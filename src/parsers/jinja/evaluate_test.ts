import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTemplate } from "./parser.ts";
import { reaches } from "./reach.ts";

/** What a template reaches, by name. */
function names(text: string): string[] {
  return reaches(parseTemplate(text), text).map(({ name }) => name);
}

test("arguments are bound by place, by name, by a list and by a dictionary", () => {
  const forms = [
    "{{ x|attr('__class__') }}",
    "{{ x|attr(name='__class__') }}",
    "{{ x|attr(*['__class__']) }}",
    "{{ x|attr(**{'name': '__class__'}) }}",
    "{{ x|attr(**dict(name='__class__')) }}",
    "{{ x|map('attr', *['__class__'])|list }}",
    "{{ x|map(*['attr', '__class__'])|list }}",
    "{{ x|map(**{'attribute': 'role.__class__'})|list }}",
    "{{ x|selectattr(*['__class__'])|list }}",
    "{{ x|sort(false, false, '__class__') }}",
    "{{ x|unique(false, '__class__')|list }}",
    "{{ x|groupby(attribute='__class__') }}",
    "{{ x|join(attribute='__class__') }}",
    "{{ x|sum('__class__') }}",
    "{{ x|min(attribute='__class__') }}",
    "{% macro f(a, b='role') %}{{ x|attr(b) }}{% endmacro %}{{ f(1, '__class__') }}",
    "{% macro f(a='__class__') %}{{ x|attr(a) }}{% endmacro %}{{ f() }}",
    "{% macro f() %}{{ x|attr(varargs[0]) }}{% endmacro %}{{ f('__class__') }}",
    "{% macro f() %}{{ x|attr(kwargs.k) }}{% endmacro %}{{ f(k='__class__') }}",
    "{% macro f() %}{{ x|attr(caller()) }}{% endmacro %}{% call f() %}__class__{% endcall %}",
  ];
  for (const text of forms) assert.ok(names(text).includes("attribute.__class__"), text);
});

test("a format string is followed to the attributes of its fields, however it is called", () => {
  const forms = [
    "{{ '{0.__class__}'.format(x) }}",
    "{{ '{.__class__}'.format(x) }}",
    "{{ '{a[0].__class__}'.format(a=x) }}",
    "{{ '{0:{1.__class__}}'.format(1, x) }}",
    "{{ '{0.__class__}'['format'](x) }}",
    "{{ ('{0.__class__}'|attr('format'))(x) }}",
    "{{ '{a.__class__}'.format_map({'a': x}) }}",
    "{% set f = '{0.__class__}'.format %}{{ f(x) }}",
    "{% set l = [x] %}{{ l.sort(key='{0.__class__}'.format) }}",
    "{{ dict(f='{0.__class__}'.format).f(x) }}",
  ];
  for (const text of forms) assert.ok(names(text).includes("attribute.__class__"), text);
  assert.deepEqual(names("{{ '{} {0!r} {a:>5}'.format(x, a=y) }}"), []);
  assert.deepEqual(names("{{ messages[0].content.format(x) }}"), ["dynamic.attribute"]);
});

test("names are kept where the template keeps them, and lists that are changed in place", () => {
  const forms = [
    "{% set ns = namespace(k='role') %}{% for m in x %}{% set ns.k = '__class__' %}{% endfor %}{{ x[ns.k] }}",
    "{% set l = [] %}{% set _ = l.append('__class__') %}{{ x|attr(l[0]) }}",
    "{% set d = {} %}{% set _ = d.update({'k': '__class__'}) %}{{ x|attr(d.k) }}",
    "{% block b %}{{ x|attr(k) }}{% endblock %}{% set k = '__class__' %}{{ self.b() }}",
    "{% set k = 'role' %}{% macro f() %}{{ x[k] }}{% endmacro %}{% set k = '__class__' %}{{ f() }}",
    "{% set a = 'role' %}{% set \uff41 = '__class__' %}{{ x|attr(a) }}",
  ];
  for (const text of forms) {
    const found = names(text);
    assert.ok(found.includes("attribute.__class__"), `${text} ${found}`);
  }
});

test("what grows out of proportion is reported with an estimate, and what goes through a conversation is not", () => {
  const costly = [
    `{% set a = 'A' %}${"{% set a = a ~ a %}".repeat(33)}{{ a }}`,
    `{% set a = ['A'] %}${"{% set a = [a, a] %}".repeat(33)}{{ a }}`,
    "{% set ns = namespace(a='A') %}{% for m in messages %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}",
    "{{ 'A'|replace('A', 'A' * 1000)|replace('A', 'A' * 1000)|replace('A', 'A' * 1000) }}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(33) }}",
    "{% for a in messages %}{% for b in messages %}{% for c in messages %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for m in messages %}{% set _ = messages.append(m) %}{% endfor %}",
    "{{ range(999999)|join('x' * 10000) }}",
  ];
  for (const text of costly) {
    const found = reaches(parseTemplate(text), text).filter(({ name }) => name.startsWith("cost."));
    assert.ok(found.some(({ estimate = 0 }) => estimate > 1_000_000), text.slice(0, 80));
  }
  const quiet = [
    "{% set ns = namespace(a='') %}{% for m in messages %}{% set ns.a = ns.a ~ m.content %}{% endfor %}{{ ns.a }}",
    "{% for m in messages %}{% for t in tools %}{% for k, v in t.items() %}{{ k }}{% endfor %}{% endfor %}{% endfor %}",
    "{% macro f(s) %}{% for k in s %}{{ f(s[k]) }}{{ f(s[k]) }}{% endfor %}{% endmacro %}{{ f(tools) }}",
  ];
  for (const text of quiet) assert.deepEqual(names(text), [], text);
});

test("what is mapped over many items is estimated by their number, however the list was made", () => {
  const lists = (items: string) => [
    `range(${items})|reverse`,
    `(range(${items})|list)[1:]`,
    `((range(${items})|list) + [1])`,
    `([1] * ${items})`,
    `('a' * ${items})|list`,
    `('a' * ${items})`,
    `('a b ' * ${items}).split()`,
    `range(${items})|batch(1)`,
    `range(${items})|groupby(1)`,
    `range(${items})|map('string')|sort|reverse|unique|select`,
  ];
  const costs = (list: string) => {
    const text = `{{ ${list}|map('string')|map('center', 90000)|join }}`;
    return reaches(parseTemplate(text), text).filter(({ name }) => name.startsWith("cost."));
  };
  for (const list of lists("99999")) {
    assert.ok(costs(list).some(({ estimate = 0 }) => estimate > 1_000_000_000), list);
  }
  for (const list of [...lists("9"), "messages", "messages|reverse", "messages[1:]"]) {
    assert.deepEqual(costs(list), [], list);
  }
});

test("a string is no word of the language, whatever it says", () => {
  for (const word of ["in", ")", ",", "|", "if", "not", "is", "else", "=", "recursive"]) {
    const template = parseTemplate(`{{ ('{0.__', ${JSON.stringify(word)}, 'x__}')|join }}`);
    assert.deepEqual(template.faults, [], word);
    assert.deepEqual(names(`{{ x|attr(('__', '${word}', '__')|join) }}`), [
      `attribute.__${word}__`,
    ]);
  }
  assert.deepEqual(names("{{ f('a' if x else 'b', 'in', *['=']) }}"), []);
});

test("what a dictionary is given is known by its keys, as far as it is", () => {
  const quiet = [
    "{% set d = {} %}{% set _ = d.update({'k': 'tool'}) %}{{ x[[d.k, 'calls']|join('_')] }}",
    "{% set d = {'a': 'b'} %}{% set _ = d.update(k='tool') %}{{ x[d.k ~ d.a] }}",
    "{{ {'keys': 1}.keys()|list|first|attr('upper') }}",
    "{{ x[({'keys': 1}.keys()|list|first)] }}",
  ];
  for (const text of quiet) assert.deepEqual(names(text), [], text);
  // The key is there on one way alone, or the dictionary is another one.
  const hidden = [
    "{% set d = {} %}{% if x %}{% set _ = d.update({'k': 'a'}) %}{% endif %}{{ x[d.k ~ '__class__'] }}",
    "{% for m in x %}{% set d = {} %}{{ x[d.k ~ '__class__'] }}{% set _ = d.update({'k': 'a'}) %}{% endfor %}",
    "{% set d = {'k': '__class__'} %}{% if x %}{% set _ = d.update({'k': 'a'}) %}{% endif %}{{ x[d.k] }}",
    "{% set d = {} %}{% set _ = d.update({'k': 'a'}) %}{% set _ = d.update({'k': '__class__'}) %}{{ x[d.k] }}",
    "{% set d = {} %}{% set e = d %}{% set _ = d.update({'k': 'a'}) %}{% set _ = e.update({'k': '__class__'}) %}{{ x[d.k] }}",
  ];
  for (const text of hidden) assert.ok(names(text).includes("attribute.__class__"), text);
  const unknown = [
    "{% set d = {} %}{% set _ = d.update({'k': 'a'}) %}{% set _ = d.update(x) %}{{ x[d.k] }}",
    "{% set d = {} %}{% set _ = d.update({'k': 'a'}) %}{% set _ = d.update({x: y ~ 'a'}) %}{{ x[d.k] }}",
    "{% set d = {} %}{% set _ = d.update({'k': 'a'}, **x) %}{{ z[d.k] }}",
  ];
  for (const text of unknown) assert.notDeepEqual(names(text), [], text);
});

test("each of a few values is computed for itself", () => {
  const quiet = [
    "{{ x['%s%s' % ('', ('a' if y else 'b'))] }}",
    "{{ x['%(a)s%(b)s' % {'a': 'c', 'b': ('a' if y else 'b')}] }}",
    "{% set a = 'elor' %}{% if y %}{% set a = 'eman' %}{% endif %}{{ x[a|list|reverse|join] }}",
    "{{ x['{a}{0}'.format([{'k': 's'}]|map(attribute='k')|first, a='key')] }}",
    "{{ x[([{'k': 'role'}]|selectattr('k')|first).k] }}",
    "{{ x[('%s' % {}.k) ~ 'a'] }}",
  ];
  for (const text of quiet) assert.deepEqual(names(text), [], text);
  const hidden = [
    "{{ x['%s%s' % (('a' if y else '__'), 'class__')] }}",
    "{{ x['%(a)s%(b)s' % {'a': ('a' if y else '__'), 'b': 'class__'}] }}",
    "{% set a = 'elor' %}{% if y %}{% set a = '__ssalc__' %}{% endif %}{{ x[a|list|reverse|join] }}",
    "{{ x['{a}{0}'.format([{'k': '__'}]|map(attribute='k')|first, a='__class')] }}",
    "{{ x[([{'k': ''}, {'k': '__class__'}]|selectattr('k')|first).k] }}",
    "{{ x[([{'k': '__class__'}, {}]|rejectattr('z')|first).k] }}",
  ];
  for (const text of hidden) assert.ok(names(text).includes("attribute.__class__"), text);
  const unknown = [
    "{{ x['%s%s' % ('a', y ~ 'b')] }}",
    "{{ x['%(a)s' % {'a': y ~ 'b'}] }}",
    "{{ x['%(a)s' % {y: 'b'}] }}",
  ];
  for (const text of unknown) assert.deepEqual(names(text), ["dynamic.attribute"], text);
});
