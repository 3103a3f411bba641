/**
 * Configurations in JSON and YAML, and chat templates, from grammars.
 *
 * @module
 */

import fc, { type Arbitrary } from "fast-check";
import { buildZip } from "../../src/formats/testing/zip.ts";
import { join } from "./bytes.ts";
import type { Dice } from "./dice.ts";
import type { Generated } from "./generated.ts";

const KEYS = [
  ...[
    "class_name",
    "config",
    "module",
    "registered_name",
    "layers",
    "function",
    "fn",
    "kwargs",
    "build_config",
  ],
  ...[
    "auto_map",
    "trust_remote_code",
    "_target_",
    "_attn_implementation_internal",
    "chat_template",
    "model_type",
  ],
  ...[
    "__lambda__",
    "value",
    "name",
    "inbound_nodes",
    "keras_version",
    "architectures",
    "tokenizer_class",
  ],
  ...["adapters", "quantization_config", "__proto__", "constructor", "", "a"],
];
const VALUES = [
  ...[
    "Lambda",
    "Dense",
    "Sequential",
    "Functional",
    "os",
    "system",
    "builtins",
    "eval",
    "keras.layers",
    "keras",
  ],
  ...[
    "__lambda__",
    "function",
    "get_file",
    "keras.utils",
    "http://a.example/x",
    "modeling_x.XModel",
    "x--y.Z",
  ],
  ...[
    "subprocess.Popen",
    "torch.nn.Linear",
    "TorchModuleWrapper",
    "4wEAAAAAAAAAAA==",
    "",
    "{{ x }}",
    "\ud800",
  ],
];

const { value: CONFIGURATION } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 8 },
    fc.constantFrom(...VALUES),
    fc.constantFrom(null, true, false, 0, 1, -1, 1e308),
    fc.dictionary(fc.constantFrom(...KEYS), tie("value"), { maxKeys: 6 }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.record({
      module: fc.constantFrom("os", "builtins", "keras.layers"),
      class_name: tie("value"),
      config: tie("value"),
    }),
    fc.record({ class_name: fc.constantFrom("Lambda", "Dense"), config: tie("value") }),
  ),
})) as { value: Arbitrary<unknown> };

/** JSON as Python reads it, which is looser than the standard. */
function looseJson(dice: Dice, value: unknown): Uint8Array {
  let text = JSON.stringify(value, null, dice.pick([undefined, 1, "\t"])) ?? "null";
  const times = dice.below(3);
  for (let at = 0; at < times; at++) {
    const [from, to] = dice.pick([
      ["null", "NaN"],
      ["true", "-Infinity"],
      [":", " :\t"],
      [",", ",\n"],
      ['"os"', '"\\u006fs"'],
      ['"module"', '"m\\u006fdule"'],
      ['{"', '{"module":"os","'],
      ["[", "[[["],
      ["}", ""],
      ['"', "'"],
    ]);
    text = text.replace(from ?? "", to ?? "");
  }
  if (dice.chance(1, 12)) {
    return join([0xff, 0xfe], ...Array.from(text, (one) => [one.charCodeAt(0) & 255, 0]));
  }
  return dice.chance(1, 12) ? join([0xef, 0xbb, 0xbf], text) : join(text);
}

/** A Keras configuration, by itself or in the archive where it belongs. */
export function kerasConfiguration(dice: Dice): Generated {
  const config = {
    class_name: dice.pick(["Sequential", "Functional", "Lambda"]),
    config: dice.sample(CONFIGURATION),
    ...(dice.chance(1, 2) && { module: "keras" }),
  };
  const text = looseJson(dice, config);
  if (dice.chance(1, 3)) return { name: "config.json", bytes: text };
  const members = [{ name: "config.json", data: text }, {
    name: "metadata.json",
    data: '{"keras_version": "3.0.0"}',
  }];
  return { name: "m.keras", bytes: buildZip(members) };
}

/** A repository's configuration. */
export function modelConfiguration(dice: Dice): Generated {
  const value = dice.sample(fc.dictionary(fc.constantFrom(...KEYS), CONFIGURATION, { maxKeys: 8 }));
  const name = dice.pick([
    "config.json",
    "tokenizer_config.json",
    "model_index.json",
    "generation_config.json",
    "adapter_config.json",
  ]);
  return { name, bytes: looseJson(dice, value) };
}

const YAML = fc.array(
  fc.tuple(
    fc.constantFrom("", " ", "  ", "    ", "- ", "  - ", "\t", "? ", "- - - "),
    fc.constantFrom(
      "_target_: os.system",
      "a: &x",
      "b: *x",
      "<<: *x",
      "!!python/object/apply:os.system [id]",
      "key: |",
      "key: >-",
      "text",
      "'quo''ted': \"a\\x41\"",
      "{_target_: subprocess.Popen, a: [",
      "]}",
      "# comment",
      "---",
      "...",
      "%YAML 1.1",
      "? complex",
      ": value",
      '"open',
      "a: {b: {c: {d: {",
    ),
    fc.constantFrom("\n", "\n", "\r\n", " ", "\n\n", "\u2028"),
  ),
  { minLength: 1, maxLength: 20 },
);

/** Lines of YAML. */
export function yaml(dice: Dice): Generated {
  const text = dice.sample(YAML).map((parts) => parts.join("")).join("");
  return { name: dice.pick(["model_config.yaml", "config.yml"]), bytes: join(text) };
}

const { value: JINJA } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 7 },
    fc.constantFrom(
      "x",
      "''",
      "'__class__'",
      '"__glo" "bals__"',
      "1",
      "()",
      "[]",
      "{}",
      "messages",
      "loop",
      "namespace()",
      "cycler",
      "true",
      "'a'*9",
      "1e9",
      "99999999",
    ),
    fc.tuple(
      tie("value"),
      fc.constantFrom(
        ".__class__",
        ".__init__.__globals__",
        "['os']",
        ".popen('echo hi')",
        "()",
        "[0]",
        "[::-1]",
        ".items()",
        ".format(x)",
        ".join(x)",
      ),
    ).map(([value, tail]) => value + tail),
    fc.tuple(
      tie("value"),
      fc.constantFrom(
        "|attr('__class__')",
        "|join",
        "|reverse",
        "|map('upper')",
        "|list|first",
        "|string",
        "|tojson",
        "|default(x, true)",
        "|replace('a','b')",
        "|upper|lower",
      ),
    ).map(([value, filter]) => value + filter),
    fc.tuple(
      tie("value"),
      fc.constantFrom("~", "+", "*", "%", "**", " and ", " in ", "==", " is ", " if x else "),
      tie("value"),
    ).map((parts) => parts.join("")),
    tie("value").map((value) => `(${value})`),
    fc.array(tie("value"), { maxLength: 3 }).map((values) => `[${values.join(", ")}]`),
    tie("value").map((value) => `{${value}: ${value}}`),
  ),
})) as { value: Arbitrary<string> };

const STATEMENT = fc.tuple(
  fc.constantFrom(
    "{{ $ }}",
    "{%- set x = $ %}",
    "{% for x in $ %}",
    "{% endfor %}",
    "{% if $ %}",
    "{% elif $ %}",
    "{% else %}",
    "{% endif %}",
    "{% macro f(a=$) %}",
    "{% endmacro %}",
    "{% set x %}$",
    "{% endset %}",
    "{% include $ %}",
    "{% import $ as y %}",
    "{% raw %}$",
    "{% endraw %}",
    "{# $ #}",
    "{{ $",
    "$ %}",
    "{% with y = $ %}",
    "{% filter upper %}",
    "{% call f($) %}",
    "{% generation %}",
    "text $",
    "{% set ns.x = $ %}",
    "{%",
    "\n# for x in $:\n",
  ),
  JINJA,
).map(([statement, value]) => statement.replace("$", () => value));

/** A chat template of tags that may or may not fit together. */
export function template(dice: Dice): Generated {
  const tags = dice.sample(fc.array(STATEMENT, { minLength: 1, maxLength: 8 }));
  return { name: "chat_template.jinja", bytes: join(tags.join(dice.pick(["", "\n", " "]))) };
}
