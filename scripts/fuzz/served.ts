/**
 * TorchServe's archives: a manifest and a handler that agree and disagree, and Python source in which
 * one call is made while it is imported, written in many ways.
 * `model_packaging_utils.py` and `ts/model_loader.py` in https://github.com/pytorch/serve
 *
 * @module
 */

import { buildZip, type Entry } from "../../src/formats/testing/zip.ts";
import { COMMAND, HARMLESS_PICKLE, join } from "./bytes.ts";
import type { Dice } from "./dice.ts";
import type { Generated } from "./generated.ts";
import { type Json, jsonText, object } from "./json_texts.ts";

/** Calls of `os.system`, with what has to stand before them. */
const CALLS: readonly string[] = [
  `import os\n$os.system('${COMMAND}')`,
  `import os as path\n$path.system('${COMMAND}')`,
  `from os import system\n$system('${COMMAND}')`,
  `from os import (\n  path, system as run,\n)\n$run('${COMMAND}')`,
  `$__import__('os').system('${COMMAND}')`,
  `import importlib\n$importlib.import_module('os').system('${COMMAND}')`,
  `import os\n$getattr(os, 'system')('${COMMAND}')`,
  `import os\nrun = os.system\n$run('${COMMAND}')`,
  `import subprocess\n$subprocess.run(['echo', 'modelaudit'])`,
  `$exec("import os; os.system('${COMMAND}')")`,
];

/** Where the call is made while the module is imported; `$` is its last line. */
const PLACES: readonly string[] = [
  "$",
  "if True:\n  $",
  "try:\n    $\nexcept Exception:\n    pass",
  "try:\n    pass\nfinally:\n    $",
  "class C:\n    $",
  "class C:\n    x = [$ for _ in range(1)]",
  "def f():\n    return $\nf()",
  "def f(x=$):\n    return x",
  "x = ($,\n  1)",
  "x = 1; $",
  "x = \\\n  $",
  "with open('x') as f: $",
  "for _ in range(1):\n\t$",
  "while $: break",
  "@(lambda f: $)\ndef g(): pass",
  "class C($.__class__): pass",
  "x = {'a': [$]}",
  "x = f'{$}'",
  "assert $ == 0",
  "x: int = $",
  "if (y := $): pass",
  "async def f(): pass\n$",
  "def f():\n    def g():\n        $\n    g()\nf()",
  "x = 1 if $ else 2",
  "'''\n$\n'''\n$",
  "# '''\n$",
  "x = '\\'' ; $",
  'x = r"\\\\" ; $',
  "del globals()['__doc__']; $",
];

/** A module that makes a call during its import. */
function harmfulSource(dice: Dice): string {
  const call = dice.pick(CALLS);
  const at = call.indexOf("$");
  const lines = dice.chance(1, 4) ? "import json, sys\n" : "";
  const place = dice.pick(PLACES).replaceAll("$", () => call.slice(at + 1));
  return `${lines}${call.slice(0, at)}${place}\n`;
}

const HARMLESS =
  "from ts.torch_handler.base_handler import BaseHandler\n\nclass H(BaseHandler):\n" +
  "    def handle(self, data, context):\n        return data\n";

/** Source as Python reads it: byte order mark, line ends, a declaration that changes nothing. */
function sourceBytes(text: string, dice: Dice): Uint8Array {
  const declared = dice.chance(1, 8)
    ? `# -*- coding: ${dice.pick(["utf-8", "latin-1"])} -*-\n`
    : "";
  const body = dice.chance(1, 6) ? (declared + text).replaceAll("\n", "\r\n") : declared + text;
  return join(dice.chance(1, 10) && declared === "" ? [0xef, 0xbb, 0xbf] : [], body);
}

/** How the manifest may write a handler, and where its source lies then. */
const HANDLERS: readonly (readonly [written: string, path: string])[] = [
  ["handler.py", "handler.py"],
  ["handler", "handler.py"],
  ["handler:handle", "handler.py"],
  ["handler.py:handle", "handler.py"],
  ["/home/user/handler.py", "handler.py"],
];

/** A manifest with one handler, and now and then more than it should have. */
function manifest(written: string, dice: Dice): { bytes: Uint8Array; sound: boolean } {
  const members: [string, Json][] = [["modelName", "m"], ["handler", written]];
  let sound = true;
  if (dice.chance(1, 2)) {
    members.push(["serializedFile", dice.pick(["model.pt", "../x", "gone.pt"])]);
  }
  if (dice.chance(1, 4)) members.push(["modelFile", dice.pick(["model.py", "/abs.py"])]);
  if (dice.chance(1, 4)) members.push(["requirementsFile", "requirements.txt"]);
  if (dice.chance(1, 8)) {
    members.push(["handler", dice.pick(["image_classifier", "other.py", "a.b:c", ""])]);
    sound = false;
  }
  if (dice.chance(1, 8)) members.reverse();
  const model = object(...members);
  const text = jsonText(
    object(["createdOn", "x"], ["runtime", dice.pick(["python", "LSP", "x"])], ["model", model]),
    dice,
  );
  return { bytes: text.bytes, sound: sound && text.sound };
}

/** An archive that TorchServe would load. */
export function modelArchive(dice: Dice): Generated {
  const [written, path] = dice.pick(HANDLERS);
  const { bytes, sound } = manifest(written, dice);
  const harmful = dice.chance(1, 2);
  const source = sourceBytes(harmful ? harmfulSource(dice) : HARMLESS, dice);
  const root = dice.chance(1, 8) ? "folder/" : "";
  const entries: Entry[] = [
    { name: `${root}MAR-INF/MANIFEST.json`, data: bytes, deflate: dice.chance(1, 2) },
    { name: root + path, data: source, deflate: dice.chance(1, 2) },
    { name: `${root}model.pt`, data: HARMLESS_PICKLE },
    { name: `${root}requirements.txt`, data: dice.pick(["numpy\n", "git+https://a.example/x\n"]) },
  ];
  if (dice.chance(1, 4)) {
    entries.push({ name: `${root}other.py`, data: sourceBytes(harmfulSource(dice), dice) });
  }
  if (dice.chance(1, 6)) entries.reverse();
  return {
    name: dice.pick(["m.mar", "m.mar", "m.zip"]),
    bytes: buildZip(entries),
    ...(harmful && sound && { planted: "a call of os.system as the handler is imported" }),
  };
}
