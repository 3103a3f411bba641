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
