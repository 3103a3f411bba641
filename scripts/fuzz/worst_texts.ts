/**
 * Configurations, templates and headers that cost as much as possible.
 *
 * @module
 */

import { join, little } from "./bytes.ts";
import { file, fill, type Make, numbered, numberedText } from "./worst_pieces.ts";

/** By name. */
export const WORST_TEXTS: Readonly<Record<string, Make>> = {
  "json: brackets": (size) => file("config.json", fill("[", size)),
  "json: objects in objects": (size) => file("config.json", fill('{"config":', size)),
  "json: one key": (size) => file("config.json", "{", fill('"a":1,', size), '"b":1}'),
  "json: keys": (size) =>
    file("config.json", "{", ...numbered(size, (n) => `"k${n}":1,`), '"b":1}'),
  "json: escapes": (size) => file("config.json", '{"class_name":"', fill("\\u0041", size), '"}'),
  "json: keras layers": (size) =>
    file(
      "config.json",
      '{"class_name":"Sequential","config":{"layers":[',
      fill('{"class_name":"Lambda","config":{"function":"a"}},', size),
      "1]}}",
    ),
  "json: keras modules": (size) =>
    file(
      "config.json",
      '{"class_name":"Sequential","config":{"layers":[',
      ...numbered(size, (n) => `{"module":"m${n}","class_name":"C","config":{}},`),
      "1]}}",
    ),
  "json: keras nesting": (size) =>
    file(
      "config.json",
      '{"class_name":"Sequential","config":',
      fill('{"class_name":"Lambda","config":', size),
      "1",
      fill("}", size / 32),
    ),
  "json: auto_map": (size) =>
    file(
      "config.json",
      '{"auto_map":{',
      ...numbered(size, (n) => `"k${n}":"m${n}.C",`),
      '"b":"c.D"}}',
    ),
  "json: base64 code": (size) =>
    file(
      "config.json",
      '{"class_name":"Sequential","config":{"layers":[{"class_name":"Lambda","config":{"function":["',
      fill("4wAA", size),
      '"]}}]}}',
    ),
  "yaml: flow": (size) => file("config.yaml", "_target_: x\na: ", fill("[", size)),
  "yaml: indentation": (size) =>
    file(
      "config.yaml",
      ...numbered(Math.min(size, 3000), (n) => `${" ".repeat(n)}a:\n`),
      fill("b: c\n", size),
    ),
  "yaml: lists in lists": (size) => file("config.yaml", "_target_: x\n", fill("- ", size), "a"),
  "yaml: aliases": (size) =>
    file("config.yaml", ...numbered(size, (n) => `a${n}: &x${n} [*x${n - 1}, *x${n - 1}]\n`)),
  "yaml: one line": (size) => file("config.yaml", "_target_: ", fill("a", size)),
  "yaml: quotes": (size) => file("config.yaml", "_target_: '", fill("''", size)),
  "jinja: brackets": (size) => file("t.jinja", "{{ ", fill("(", size)),
  "jinja: tags": (size) => file("t.jinja", fill("{% if x %}", size)),
  "jinja: open tags": (size) => file("t.jinja", fill("{{", size)),
  "jinja: open comments": (size) => file("t.jinja", fill("{#", size)),
  "jinja: open strings": (size) => file("t.jinja", fill("{{'", size)),
  "jinja: attributes": (size) => file("t.jinja", "{{ x", fill(".a", size), " }}"),
  "jinja: filters": (size) => file("t.jinja", "{{ x", fill("|a", size), " }}"),
  "jinja: concatenation": (size) => file("t.jinja", "{{ ''", fill("~'a'", size), " }}"),
  "jinja: doubling": (size) =>
    file("t.jinja", "{% set a = 'a' %}", fill("{% set a = a ~ a %}", size), "{{ x[a] }}"),
  "jinja: choices": (size) =>
    file("t.jinja", ...numbered(size, (n) => `{% set a = 'v${n}' %}`), fill("{{ x[a] }}", size)),
  "jinja: choices joined": (size) =>
    file(
      "t.jinja",
      ...numbered(size, (n) => `{% if x %}{% set a = a ~ 'v${n}' %}{% endif %}`),
      "{{ x[a] }}",
    ),
  "jinja: unary": (size) => file("t.jinja", "{{ ", fill("not ", size), "x }}"),
  "jinja: powers": (size) => file("t.jinja", "{{ 2", fill("**2", size), " }}"),
  "jinja: line statements": (size) => file("t.jinja", fill("{%- set a=1 -%}   ", size)),
  "jinja: raw": (size) => file("t.jinja", fill("{% raw %}", size)),
  "jinja: macros": (size) =>
    file(
      "t.jinja",
      ...numbered(size, (n) =>
        `{% macro m${n}(a) %}{{ m${n - 1}(a) }}{{ m${n - 1}(a) }}{% endmacro %}`),
      "{{ m9(x) }}",
    ),
  "safetensors: tensors": (size) => {
    const text = `{${
      numberedText(size, (n) => `"t${n}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`)
    }}`;
    return file("m.safetensors", little(8, text.length), text);
  },
  "jinja: loops in loops": (size) =>
    file(
      "t.jinja",
      fill("{% for a in b %}", size / 2),
      "{{ a.b() }}",
      fill("{% endfor %}", size / 2),
    ),
  "jinja: texts multiplied": (size) => file("t.jinja", fill("{{ x['a' * 1000000] }}", size)),
  "jinja: doubled and reached": (size) =>
    file("t.jinja", "{% set a = 'a' %}", fill("{% set a = a ~ a %}{{ x[a] }}", size)),
  "jinja: attributes each": (size) =>
    file("t.jinja", ...numbered(size, (n) => `{{ x.__class__.a${n} }}`)),
  "jinja: namespaces": (size) =>
    file(
      "t.jinja",
      "{% set n = namespace() %}",
      ...numbered(size, (n) => `{% set n.a${n} = 'b' %}`),
      "{{ x[n.a1] }}",
    ),
  "jinja: lists": (size) =>
    file("t.jinja", "{% set a = [", ...numbered(size, (n) => `'v${n}',`), "] %}{{ x[a|join] }}"),
  "jinja: dictionaries": (size) =>
    file("t.jinja", "{% set a = {", ...numbered(size, (n) => `'v${n}':1,`), "} %}{{ x[a|first] }}"),
  "jinja: replacing": (size) =>
    file("t.jinja", "{{ x['a'", fill("|replace('a','aa')", size), "] }}"),
  "jinja: macros in one another": (size) => file("t.jinja", fill("{% macro a(b=c.d()) %}", size)),
  "jinja: calls of blocks": (size) => file("t.jinja", fill("{% call a() %}", size)),
  "json: chat templates": (size) =>
    file(
      "tokenizer_config.json",
      '{"chat_template":[',
      ...numbered(size, (n) => `{"name":"a${n}","template":"{{ x.__class__ }}"},`),
      '{"name":"a","template":"b"}]}',
    ),
  "json: one chat template": (size) =>
    file("tokenizer_config.json", '{"chat_template":"', fill("{{ x.__class__ }}", size), '"}'),
  "json: hydra targets": (size) =>
    file("config.json", "[", ...numbered(size, (n) => `{"_target_":"os.a${n}"},`), "1]"),
  "json: one key in objects": (size) =>
    file("config.json", fill('{"a":1,"b":', size), "1", fill("}", size / 12)),
  "json: a number": (size) => file("config.json", '{"a":', fill("9", size), "}"),
  "json: keras layers of one's own": (size) =>
    file(
      "config.json",
      '{"class_name":"Sequential","config":{"layers":[',
      ...numbered(size, (n) => `{"class_name":"Layer${n}","config":{"name":"l${n}"}},`),
      "1]}}",
    ),
  "json: keras registered names": (size) =>
    file(
      "config.json",
      '{"class_name":"Sequential","config":{"layers":[',
      ...numbered(size, (n) =>
        `{"module":null,"class_name":"C","config":{},"registered_name":"p>C${n}"},`),
      "1]}}",
    ),
  "json: keras harmful functions": (size) =>
    file(
      "config.json",
      '{"class_name":"Sequential","config":{"layers":[',
      ...numbered(size, (n) =>
        `{"module":"os","class_name":"function","config":"system${n}","registered_name":"function"},`),
      "1]}}",
    ),
  "yaml: targets": (size) =>
    file("config.yaml", ...numbered(size, (n) => `a${n}:\n  _target_: os.a${n}\n`)),
  "yaml: tags": (size) =>
    file("config.yaml", ...numbered(size, (n) => `- !!python/object/apply:os.a${n} [b]\n`)),
  "yaml: anchors": (size) =>
    file("config.yaml", "a: &a [b]\n_target_: c\n", fill("d: &a [*a, *a]\n", size)),
  "safetensors: tensors that overlap": (size) => {
    const text = `{${
      numberedText(size, (n) => `"t${n}":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}`)
    }}`;
    return file("m.safetensors", little(8, text.length), text, fill("a", 9));
  },
  "safetensors: metadata": (size) => {
    const text = `{"__metadata__":{${numberedText(size, (n) => `"k${n}":"{{ x.__class__ }}"`)}}}`;
    return file("m.safetensors", little(8, text.length), text);
  },
  "safetensors: large shapes": (size) => {
    const shape = "9007199254740991,".repeat(size / 17);
    const text = `{"a":{"dtype":"U8","shape":[${shape}1],"data_offsets":[0,1]}}`;
    return file("m.safetensors", little(8, text.length), text, "a");
  },
  "safetensors: fields": (size) => {
    const text = `{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],${
      numberedText(size, (n) => `"k${n}":1`)
    }}}`;
    return file("m.safetensors", little(8, text.length), text, "a");
  },
  "safetensors: shapes": (size) => {
    const text =
      `{"a":{"dtype":"U8","shape":[${fill("1,", size).length > 0 ? "1,".repeat(size / 2) : ""}1],` +
      `"data_offsets":[0,1]}}`;
    return file("m.safetensors", little(8, text.length), text, "a");
  },
  "safetensors: one name": (size) => {
    const text = `{${
      '"t":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},'.repeat(size / 52)
    }"u":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`;
    return file("m.safetensors", little(8, text.length), text);
  },
  "safetensors: brackets": (size) =>
    file("m.safetensors", little(8, size), '{"a":', fill("[", size)),
  "gguf: pairs": (size) =>
    file(
      "m.gguf",
      "GGUF",
      little(4, 3),
      little(8, 0),
      little(8, size),
      ...numbered(size, (n) => join(little(8, 8), String(n).padStart(8, "k"), little(4, 0), "a")),
    ),
  "gguf: arrays in arrays": (size) =>
    file(
      "m.gguf",
      "GGUF",
      little(4, 3),
      little(8, 0),
      little(8, 1),
      little(8, 1),
      "a",
      little(4, 9),
      fill(join(little(4, 9), little(8, 1)), size),
    ),
  "gguf: empty arrays": (size) =>
    file(
      "m.gguf",
      "GGUF",
      little(4, 3),
      little(8, 0),
      little(8, 1),
      little(8, 1),
      "a",
      little(4, 9),
      little(4, 9),
      little(8, size),
      fill(join(little(4, 9), little(8, 0)), size),
    ),
  "gguf: texts": (size) =>
    file(
      "m.gguf",
      "GGUF",
      little(4, 3),
      little(8, 0),
      little(8, 1),
      little(8, 1),
      "a",
      little(4, 9),
      little(4, 8),
      little(8, Math.floor(size / 9)),
      fill(join(little(8, 1), "a"), size),
    ),
  "gguf: templates": (size) =>
    file(
      "m.gguf",
      "GGUF",
      little(4, 3),
      little(8, 0),
      little(8, Math.floor(size / 60)),
      ...numbered(size, (n) =>
        join(
          little(8, 32),
          `tokenizer.chat_template.${String(n).padStart(8, "k")}`,
          little(4, 8),
          little(8, 17),
          "{{ x.__class__ }}",
        )),
    ),
  "gguf: huge array": (size) =>
    file(
      "m.gguf",
      "GGUF",
      little(4, 3),
      little(8, 0),
      little(8, 1),
      little(8, 1),
      "a",
      little(4, 9),
      little(4, 8),
      little(8, 2n ** 40n),
      fill(little(8, 0), size),
    ),
  "gguf: tensors": (size) =>
    file(
      "m.gguf",
      "GGUF",
      little(4, 3),
      little(8, size),
      little(8, 0),
      ...numbered(
        size,
        (n) =>
          join(little(8, 8), String(n).padStart(8, "k"), little(4, 0), little(4, 0), little(8, 0)),
      ),
    ),
};
