import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";

const rules = loadRules({ strict: true });

type Plain = string | boolean | number | { readonly [key: string]: Plain } | readonly Plain[];

/** Opcodes of protocol 0 for a value, dictionaries by a callable where one is named. */
function opcodes(value: Plain, factory: string): string {
  if (typeof value === "boolean") return value ? "I01\n" : "I00\n";
  if (typeof value === "number") return `I${value}\n`;
  if (typeof value === "string") return `V${value.replaceAll("\n", "\\u000a")}\n`;
  if (value instanceof Array) return `(${value.map((it) => opcodes(it, factory)).join("")}l`;
  const pairs = Object.entries(value)
    .map(([key, each]) => opcodes(key, factory) + opcodes(each, factory)).join("");
  return factory === "" ? `(${pairs}d` : `${factory}(t\x52(${pairs}u`;
}

async function verdict(value: Plain, factory = ""): Promise<string> {
  const pickle = new TextEncoder().encode(`${opcodes(value, factory)}.`);
  const report = await scanSource(bytesSource("m.ckpt", pickle), { rules });
  return report.verdict;
}

const ORDERED = "ccollections\nOrderedDict\n";

test("dictionaries of a checkpoint are read as the configurations that loaders take them for", async () => {
  for (const factory of ["", ORDERED]) {
    const cases: readonly (readonly [Plain, string])[] = [
      [{ hparams: { model: { _component_: "os.system", command: "echo x" } } }, "dangerous"],
      [{ a: [{ b: { _target_: "subprocess.Popen" } }] }, "dangerous"],
      [{ hparams: { m: { _target_: "${x.y}" }, x: { y: "os.system" } } }, "suspicious"],
      [{ cmd: "os.system" }, "suspicious"],
      [{ args: { trust_remote_code: 1 } }, "suspicious"],
      [
        { message_hub: { runtime_info: { cfg: "import os\nos.system('echo x')\nmodel = 1\n" } } },
        "dangerous",
      ],
      [{ message_hub: { runtime_info: { cfg: "model = dict(type='X')\n" } } }, "clean"],
      [{ hparams: { m: { _target_: "torch.nn.Linear" }, trust_remote_code: false } }, "clean"],
      [{ note: "os.path.join is called", path: "a/b.c" }, "clean"],
    ];
    for (const [value, expected] of cases) {
      assert.equal(await verdict(value, factory), expected, JSON.stringify(value) + factory);
    }
  }
});

test("containers that hold themselves, and shared ones, end in no time", async () => {
  const cycle = "(dp0\nV_target_\ng0\ns.";
  const report = await scanSource(bytesSource("m.ckpt", new TextEncoder().encode(cycle)), {
    rules,
  });
  assert.notEqual(report.verdict, "dangerous");
  // Thirty lists, each of which holds the one before twice: a thousand million ways to the first.
  let bomb = "(V_target_\nVos.x\nlp0\n";
  for (let at = 1; at < 30; at++) bomb += `(g${at - 1}\ng${at - 1}\nlp${at}\n`;
  const bytes = new TextEncoder().encode(`(Va\ng29\nd.`.replace("(Va\n", `${bomb}0(Va\n`));
  const { verdict } = await scanSource(bytesSource("b.ckpt", bytes), { rules });
  assert.notEqual(verdict, "clean");
});
