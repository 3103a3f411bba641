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

test("what is made of each of many items counts, whatever goes through it", () => {
  const costly: readonly (readonly [string, string])[] = [
    [
      "{% for a in range(90000)|map('string') %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
      "cost.loop",
    ],
    [
      "{% set g = range(90000)|map('string') %}{% for a in g|list %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
      "cost.loop",
    ],
    ["{{ ('x' * 100000)|list|map('replace', 'x', 'x' * 100000)|list }}", "cost.size"],
    ["{% set m = ('x' * 1000)|list|map('center', 1000000) %}{{ m|list }}", "cost.size"],
  ];
  for (const [text, name] of costly) assert.ok(names(text).includes(name), text);
  const quiet = [
    "{% for a in range(900)|map('string') %}{% for b in range(9) %}{% endfor %}{% endfor %}",
    "{% for a in x|map('string') %}{% for b in range(9000) %}{% endfor %}{% endfor %}",
    "{{ x|map('replace', 'x', 'x' * 1000)|list }}",
  ];
  for (const text of quiet) assert.deepEqual(names(text), [], text);
});

test("a string is no word of the language, whatever it says", () => {
  for (const word of ["in", ")", ",", "|", "if", "not", "is", "else", "=", "recursive"]) {
    const template = parseTemplate(`{{ ('{0.__', ${JSON.stringify(word)}, 'x__}')|join }}`);
    assert.deepEqual(template.errors, [], word);
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

/** That each of them is noticed: Jinja 3.1 reads `__class__` in all of them. */
function areNoticed(templates: readonly string[]): void {
  for (const text of templates) {
    assert.ok(names(text).some((name) => /^(?:attribute|dynamic|hidden)\./u.test(name)), text);
  }
}

test("a list or a dictionary from which something was taken is not what it was", () => {
  areNoticed([
    "{% set l = ['__class__', 'role'] %}{% set _ = l.reverse() %}{{ ''[l[1]] }}",
    "{% set l = ['role', '__class__'] %}{% set _ = l.sort() %}{{ ''[l[0]] }}",
    "{% set l = '__class__,role'.split(',') %}{% set _ = l.reverse() %}{{ ''[l[1]] }}",
    "{% set l = ['__class__', 'role'] %}{% set _ = l.pop() %}{{ ''[l|last] }}",
    "{% set l = ['role'] %}{% set _ = l.clear() %}{{ ''[(l or ['__class__'])[0]] }}",
    "{% set l = ['b', 'a'] %}{% set _ = l.sort() %}{{ ''[{'ab': '__class__', 'ba': 'role'}[l|join]] }}",
    "{% set l = ['role'] %}{% set _ = l.pop() %}{{ ''[['__class__', 'role'][l|length]] }}",
    "{% set d = {'k': 'role'} %}{% set _ = d.clear() %}{{ ''[d.k or '__class__'] }}",
    "{% set d = {'k': 'a'} %}{% set _ = d.update({'k': 'x'}) %}{% set _ = d.clear() %}{{ ''[d.k|d('__class__')] }}",
    "{% set d = {'a': 1} %}{% set _ = d.popitem() %}{{ ''[d.a|default('__class__')] }}",
    "{% set d = {'k': '__class__'} %}{{ ''[d.popitem()[1]] }}",
    "{{ ''[{'b': 'x', '__class__': 'y'}|dictsort|first|first] }}",
  ]);
  const quiet = [
    "{{ x[['role'].pop()] }}",
    "{{ x[(['role'].pop()).lower()] }}",
    "{% set l = ['b', 'a'] %}{% set _ = l.reverse() %}{% for k in l %}{{ x[k] }}{% endfor %}",
    "{% set d = {'role': 'a'} %}{% set _ = d.pop('role') %}{{ x[d.role] }}",
  ];
  for (const text of quiet) assert.deepEqual(names(text), [], text);
});

test("what a list or a dictionary was given goes with it into others", () => {
  areNoticed([
    "{% set l = [] %}{% set _ = l.append('__class__') %}{{ ''[(l + ['role'])[0]] }}",
    "{% set l = ['role'] %}{% set _ = l.insert(0, '__class__') %}{{ ''[(l * 2)[0]] }}",
    "{% set l = ['role'] %}{% set _ = l.insert(0, '__class__') %}{{ ''[[l]|sum(start=[])|first] }}",
    "{% set d = {} %}{% set _ = d.update({'k': '__class__'}) %}{{ ''[dict(d).k] }}",
    "{% set d = {} %}{% set _ = d.update({'1': 'role'}) %}{{ ''[d[1]|default('__class__')] }}",
    "{% set a = {'k': '__class__'} if x else {'k': 'role'} %}{{ ''[dict(a).k] }}",
    "{% set ns = namespace(*([{'k': '__class__'}] if x else [])) %}{{ ''[ns.k] }}",
    "{% set l = ['role'] %}{% set _ = l.insert(0, '__class__') %}{% macro m(l, n) %}{% if n > 0 %}" +
    "{{ m([l], n - 1) }}{% else %}{{ ''[l[0][0][0]] }}{% endif %}{% endmacro %}{{ m(l, 2) }}",
    "{{ ''[{1: 'role', true: '__class__'}[1]] }}",
    "{% set d = dict(k='role') %}{% set _ = d.update(k='__class__') %}{{ ''[d.k] }}",
    "{% set ns = namespace({'k': 'role'}, **{'k': '__class__'}) %}{{ ''[ns.k] }}",
    "{% set d = {'k': 'role'} %}{% set v = d.values() %}{% set _ = d.update(k='__class__') %}{{ ''[v|first] }}",
    "{% set l = ['role'] %}{% set m = l|select %}{% set _ = l.insert(0, '__class__') %}{{ ''[m|first] }}",
    "{% set l = ['role'] %}{% set a = l %}{% for y in l %}{{ ''[y] }}{% if loop.first %}" +
    "{% set _ = a.append('__class__') %}{% endif %}{% endfor %}",
    "{% set d = {'a': 'name', 'b': 'role'} %}{% for k, v in d.items() %}{{ ''[v] }}" +
    "{% set _ = d.update({'b': '__class__'}) %}{% endfor %}",
    "{{ ''['{}'.format((1,))|replace('(1,)', '__class__')] }}",
  ]);
});

test("what may be missing has its default", () => {
  areNoticed([
    "{{ ''[(1).foo|default('__class__')] }}",
    "{{ ''[none.foo|default('__class__')] }}",
    "{{ ''['a'.decode|default('__class__')] }}",
    "{{ ''[(x ~ 'a').foo|default('__class__')] }}",
    "{{ ''[(1,).append|default('__class__')] }}",
    "{{ ''[cycler('a').foo|default('__class__')] }}",
    "{{ ''[self.foo|default('__class__')] }}",
    "{{ ''[strftime_now|default('__class__')] }}",
    "{{ ''[(['role']|map('string'))[0]|default('__class__')] }}",
    "{% set ns = namespace() %}{% if x %}{% set ns.k = 'role' %}{% endif %}{{ ''[ns.k|default('__class__')] }}",
    "{% set ns = namespace() %}{% for y in x %}{% set ns.k = 'role' %}{% endfor %}{{ ''[ns.k|default('__class__')] }}",
    "{% for i in [1, 2] %}{% set ns = namespace() %}{{ ''[ns.k|default('__class__')] }}{% set ns.k = 'a' %}{% endfor %}",
    "{% macro f(m, old) %}{% set ns = namespace(k='role') %}{% if m %}{{ f(m[1:], ns) }}{% endif %}{% if old %}{% set old.k = '__class__' %}{% endif %}{{ ''[ns.k] }}{% endmacro %}{{ f(x) }}",
    "{% set l = [] %}{% for i in x %}{% set ns = namespace(k='role') %}{% set _ = l.append(ns) %}{% if i %}{% set ns.k = '__class__' %}{% endif %}{% endfor %}{{ ''[l[0].k] }}",
    "{% for a in ['role', 'x'] %}{{ ''[loop.previtem|default('__class__')] }}{% endfor %}",
    "{% for a in ['role', 'x'] %}{{ ''[loop.nextitem|default('__class__')] }}{% endfor %}",
    "{{ ''['x'|int(default='__class__')] }}",
    "{{ ''['x'|int(**{'default': '__class__'})] }}",
    "{% set c = cycler('role', '__class__') %}{% set _ = c.next() %}{{ ''[c.current] }}",
    "{% set j = joiner('__class__') %}{{ ''[j.sep] }}",
  ]);
  const quiet = [
    "{% set ns = namespace(k='role') %}{% for m in x %}{{ m[ns.k ~ '_id'] }}{% endfor %}",
    "{% for r in [1, 2] %}{{ x[namespace(k='ro').k ~ 'le'] }}{% endfor %}",
    "{{ strftime_now('%d') if strftime_now is defined else x }}{{ raise_exception('x') }}",
    "{% for m in x %}{{ loop.previtem.role }}{{ x[loop.index0].role }}{% endfor %}",
  ];
  for (const text of quiet) assert.deepEqual(names(text), [], text);
});

test("an iterator is gone through once, is always true and is not written as a list", () => {
  const kept = [
    "{% set g = X %}{{ g|first }}{{ ''[g|first] }}",
    "{% set l = [X] %}{{ l[0]|first }}{{ ''[l[0]|first] }}",
    "{% set d = {'g': X} %}{{ d.g|first }}{{ ''[d.g|first] }}",
    "{% set ns = namespace(g=X) %}{{ ns.g|first }}{{ ''[ns.g|first] }}",
    "{% set c = cycler(X) %}{{ c.next()|first }}{{ ''[c.next()|first] }}",
    "{% with g = X %}{{ g|first }}{{ ''[g|first] }}{% endwith %}",
    "{% macro m(g) %}{{ g|first }}{{ ''[g|first] }}{% endmacro %}{{ m(X) }}",
    "{% for g in [X] %}{{ g|first }}{{ ''[g|first] }}{% endfor %}",
  ];
  for (const filter of ["map('string')", "select", "list|reverse|list|reverse"]) {
    areNoticed(kept.map((text) => text.replaceAll("X", `['a', '__class__']|${filter}`)));
  }
  areNoticed([
    "{% set g = ['a']|map('string') %}{{ g|join }}{{ ''[(g|join) or '__class__'] }}",
    "{{ ''[([]|map('upper') and '__class__') or 'role'] }}",
    "{{ ''['__class__' if []|select else 'role'] }}",
    ...["map('upper')", "select", "batch(1)", "slice(1)", "unique"].map((filter) =>
      `{{ ''[(['a']|${filter}|string)[:10]|replace('<generator', '__class__')] }}`
    ),
    "{{ ''[(['a']|reverse|string)[:5]|replace('<list', '__class__')] }}",
    "{{ ''[({'a': 1}.keys()|string)[:4]|replace('dict', '__class__')] }}",
    "{{ ''[({'a': 1}.values()|string)[:4]|replace('dict', '__class__')] }}",
    "{{ ''[(range(3)|string)|replace('range(0, 3)', '__class__')] }}",
  ]);
  const quiet = [
    "{{ x[['ro', 'le']|map('lower')|join] }}",
    "{% set k = ['role', 'content']|map('lower') %}{% for one in k %}{{ x[one] }}{% endfor %}",
    "{% set k = {'role': 1}.keys()|list %}{{ x[k[0]] }}",
    "{% for i in range(3) %}{{ x[i] }}{% endfor %}{{ x[range(3)|list|last] }}",
  ];
  for (const text of quiet) assert.deepEqual(names(text), [], text);
});
