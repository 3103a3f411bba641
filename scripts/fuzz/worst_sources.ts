/**
 * Programs that cost as much as possible: Python in a wheel, TorchScript, R data, skops files.
 *
 * @module
 */

import { buildZip } from "../../src/formats/testing/zip.ts";
import { big, COMMAND, join, type Piece } from "./bytes.ts";
import type { Generated } from "./generated.ts";
import { file, fill, type Make, numbered, numberedText } from "./worst_pieces.ts";

function wheel(...pieces: readonly Piece[]): Generated {
  return file(
    "a-1-py3-none-any.whl",
    buildZip([{ name: "a/__init__.py", data: join(...pieces) }, {
      name: "a-1.dist-info/WHEEL",
      data: "Wheel-Version: 1.0\n",
    }]),
  );
}

function torchScript(...pieces: readonly Piece[]): Generated {
  return file(
    "m.pt",
    buildZip([
      { name: "m/data.pkl", data: join("N.") },
      { name: "m/constants.pkl", data: join("N.") },
      { name: "m/version", data: "3\n" },
      { name: "m/code/__torch__.py", data: join(...pieces) },
    ]),
  );
}

const skops = (text: string): Generated =>
  file("m.skops", buildZip([{ name: "schema.json", data: text }]));

const word = (value: number): Uint8Array => big(4, value);
const RDS = join("X\n", word(3), word(0x40300), word(0x30500), word(5), "UTF-8");
const chars = (text: string): Uint8Array => join(word(0x40009), word(text.length), text);
const symbol = (text: string): Uint8Array => join(word(1), chars(text));

/** By name. */
export const WORST_SOURCES: Readonly<Record<string, Make>> = {
  "python: calls": (size) => wheel(...numbered(size, (n) => `a${n}()\n`)),
  "python: harmful calls": (size) =>
    wheel("import os\n", ...numbered(size, (n) => `os.system("${COMMAND} ${n}")\n`)),
  "python: names bound again": (size) =>
    wheel("import os\na = os\n", ...numbered(size, (n) => `a${n + 1} = a${n}\n`)),
  "python: functions that call each other": (size) =>
    wheel(...numbered(size, (n) => `def f${n}():\n  f${n + 1}()\n`), "f0()\n"),
  "python: functions that call all others": (size) =>
    wheel(
      ...numbered(size, (n) => `def f${n}():\n  f${n + 1}();f${n + 2}();f${n + 3}()\n`),
      "f0()\n",
    ),
  "python: one function called": (size) =>
    wheel("def f():\n", ...numbered(size / 2, (n) => ` a${n}()\n`), fill("f()\n", size / 2)),
  "python: lambdas": (size) => wheel("a = ", fill("lambda: ", size), "b\na()\n"),
  "python: brackets": (size) => wheel("a = ", fill("[", size), "\n"),
  "python: brackets that close": (size) => wheel(fill("[", size / 2), fill("]", size / 2), "\n"),
  "python: calls of calls": (size) => wheel("a", fill("()", size), "\n"),
  "python: calls in calls": (size) => wheel(fill("a(", size), "\n"),
  "python: attributes": (size) => wheel("a", fill(".b", size), "()\n"),
  "python: decorators": (size) => wheel(fill("@a\n", size), "def b(): pass\n"),
  "python: indentation": (size) =>
    wheel(...numbered(size, (n) => `${" ".repeat(Math.min(n, 2000))}if a:\n`)),
  "python: texts": (size) => wheel("a = ", fill('"b" ', size), "\n"),
  "python: texts added": (size) => wheel('a = ""', fill('+"b"', size), "\ngetattr(os, a)()\n"),
  "python: open texts": (size) => wheel(fill("'''a\"\"\"", size)),
  "python: formatted texts": (size) => wheel(fill('f"{a}" ', size), "\n"),
  "python: formatted texts in one another": (size) => wheel(fill("f'{", size), "\n"),
  "python: continued lines": (size) => wheel("a = \\\n", fill("\\\n", size)),
  "python: imports": (size) => wheel(...numbered(size, (n) => `import a${n}\n`)),
  "python: imports from": (size) =>
    wheel("from os import (", ...numbered(size, (n) => `a${n} as b${n},`), "c)\n"),
  "python: classes": (size) => wheel(...numbered(size, (n) => `class A${n}(A${n - 1}):\n  a()\n`)),
  "python: getattr": (size) =>
    wheel("import os\n", ...numbered(size, (n) => `getattr(os, "sys" + "tem${n}")()\n`)),
  "python: unpacking": (size) => wheel(fill("a,", size), " = ", fill("b,", size), "\n"),
  "python: modules": (size) =>
    file(
      "a-1-py3-none-any.whl",
      buildZip(Array.from({ length: Math.floor(size / 200) }, (_, n) => ({
        name: `a/m${n}.py`,
        data: "import os\nos.getcwd()\n",
      }))),
    ),
  "torchscript: operators": (size) => torchScript(...numbered(size, (n) => `a = ops.b.c${n}(d)\n`)),
  "torchscript: known operators": (size) => torchScript(fill("a = torch.save(b)\n", size)),
  "torchscript: brackets": (size) => torchScript("a = ", fill("(", size)),
  "torchscript: one line": (size) => torchScript(fill("torch.", size)),
  "torchscript: texts": (size) => torchScript(fill("'a", size)),
  "rds: lists in lists": (size) => file("m.rds", RDS, fill(join(word(19), word(1)), size)),
  "rds: pairs": (size) =>
    file(
      "m.rds",
      RDS,
      ...numbered(size, (n) => join(word(0x402), symbol(`a${n}`), word(254))),
      word(254),
    ),
  "rds: pairs in pairs": (size) => file("m.rds", RDS, fill(word(2), size)),
  "rds: references": (size) =>
    file("m.rds", RDS, word(19), word(size), symbol("a"), fill(join(word(0x1ff)), size)),
  "rds: long vector": (size) =>
    file("m.rds", RDS, word(14), word(0xffffffff), word(0x7fff), word(0), fill("\0", size)),
  "rds: texts": (size) =>
    file("m.rds", RDS, word(16), word(size), ...numbered(size, (n) => chars(`${n}`))),
  "rds: symbols": (size) =>
    file("m.rds", RDS, word(19), word(size), ...numbered(size, (n) => symbol(`${n}`))),
  "rds: calls": (size) =>
    file(
      "m.rds",
      RDS,
      word(20),
      word(size),
      ...numbered(size, (n) => join(word(6), symbol("system"), word(2), chars(`${n}`), word(254))),
    ),
  "rds: promises": (size) =>
    file(
      "m.rds",
      RDS,
      word(4),
      word(0),
      word(253),
      fill(join(word(2), word(5), word(254), word(6), symbol("system"), word(254)), size),
    ),
  "rds: environments": (size) => file("m.rds", RDS, fill(join(word(4), word(0)), size)),
  "rds: as text": (size) =>
    file("m.rds", "A\n3\n262912\n197888\n5\nUTF-8\n19\n1000000\n", fill("254\n", size)),
  "skops: nodes": (size) =>
    skops(
      `{"__class__":"list","__module__":"builtins","__loader__":"ListNode","content":[${
        numberedText(size, (n) =>
          `{"__class__":"C${n}","__module__":"m${n}","__loader__":"ObjectNode","content":null}`)
      }],"protocol":2}`,
    ),
  "skops: nodes in nodes": (size) =>
    skops(
      '{"__class__":"list","__module__":"builtins","__loader__":"ListNode","content":['.repeat(
        size / 80,
      ),
    ),
  "skops: types": (size) =>
    skops(
      `{"__class__":"list","__module__":"builtins","__loader__":"ListNode","content":[${
        numberedText(size, (n) =>
          `{"__class__":"f${n}","__module__":"os","__loader__":"FunctionNode","content":{"module_path":"os","function":"f${n}"}}`)
      }],"protocol":2}`,
    ),
};
