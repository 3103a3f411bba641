/**
 * Whether the metamorphic fuzzer has teeth: takes one fix back in a copy of the sources, and looks for the case
 * in which the fuzzer finds the hole.
 *
 *     PYTHON=… deno run --allow-all scripts/fuzz/metamorphic/teeth.ts --seed 1 [--cases 20000] [--only ID]
 *
 * The cases are made once, by the sources with all fixes, and read by each copy; `--again` takes those of the
 * run before. A row for each fix: what it is, the cases until the finding, and the finding, which says less than
 * with all fixes. One that is not found makes the program fail.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A fix, and its mutant. */
interface Fix {
  readonly id: string;
  readonly file: string;
  /** Stands in the file once. */
  readonly fixed: string;
  readonly broken: string;
}

const SEMANTICS = "src/pickle/semantics";
const STREAMS = "src/pickle/streams";
const FIXES: readonly Fix[] = [
  // joblib's arrays
  {
    id: "states of a wrapper add up",
    file: `${SEMANTICS}/array_wrappers.ts`,
    fixed: "const attributes = this.attributesOf(wrapper ?? target);",
    broken: "this.attributes.delete(wrapper ?? target);\n" +
      "const attributes = this.attributesOf(wrapper ?? target);",
  },
  {
    id: "the class of an object may be set to that of wrappers",
    file: `${SEMANTICS}/array_wrappers.ts`,
    fixed: "if (sets) this.turned.add(target);",
    broken: "",
  },
  {
    id: "an array amid a frame lies behind it",
    file: `${STREAMS}/readings.ts`,
    fixed: "run.framedArrays > 0 ? [[]] : [];",
    broken: "[];",
  },
  {
    id: "what lies behind an array of unknown length is searched",
    file: `${STREAMS}/readings.ts`,
    fixed: "if (uncertainAt.length > 0) {",
    broken: "if (uncertainAt.length < 0) {",
  },
  {
    id: "opcodes behind such an array may take what is on the stack",
    file: `${STREAMS}/resync.ts`,
    fixed: "(namesGlobal(candidate) || goesOn(candidate))",
    broken: "namesGlobal(candidate)",
  },
  {
    id: "behind such an array a stretch that leads to STOP is searched, too",
    file: `${STREAMS}/readings.ts`,
    fixed: "if (behind > start + 1) pending.push({ at: start + 1, until: behind });",
    broken: "",
  },
  // readings
  {
    id: "streams are read one behind the other",
    file: `${STREAMS}/streams.ts`,
    fixed: "return await this.hasBytes(next) ? next : undefined;",
    broken: "return undefined;",
  },
  {
    id: "constants that a loader may be given under another reading are looked into",
    file: `${STREAMS}/nested.ts`,
    fixed: "return run.machine.semantics.loadsUnknown",
    broken: "return false",
  },
  // identity, and texts that are not known
  {
    id: "an operand that is not known is not no text",
    file: `${SEMANTICS}/names.ts`,
    fixed: "return this.importPossible(module, name, at);",
    broken: "return undefined;",
  },
  {
    id: "an attribute by an unknown name is reported",
    file: `${SEMANTICS}/names.ts`,
    fixed: "if (isNoText(this.heap, name)) return;",
    broken: "if (isNoText(this.heap, name) || at >= 0) return;",
  },
  {
    id: "a loader of bytes that are not known may load any constant",
    file: `${SEMANTICS}/higher_order/imports.ts`,
    fixed: "calls.loadsUnknown = true;",
    broken: "",
  },
  {
    id: "an extension by names that are not known is an import",
    file: `${SEMANTICS}/higher_order/imports.ts`,
    fixed: "calls.names.importPossible(module, name, call.at);",
    broken: "",
  },
  {
    id: "what something may have changed in place is not known",
    file: "src/pickle/machine/heap.ts",
    fixed: "if (this.containers.changed(handle)) return undefined;",
    broken: "",
  },
  {
    id: "a bytearray that a method or function is given may be another",
    file: "src/pickle/machine/heap.ts",
    fixed: "if (this.isMutableBytes(each)) this.change(each);",
    broken: "if (this.isMutableBytes(each)) continue;",
  },
  {
    id: "what maps over more items give is not known",
    file: `${SEMANTICS}/higher_order/callers.ts`,
    fixed: 'return further || call.entry.key === "builtins.filter"',
    broken: "return false",
  },
  {
    id: "gzip may have more members",
    file: `${SEMANTICS}/codecs.ts`,
    fixed: 'const alone = kind !== "gzip" ||',
    broken: 'const alone = kind !== "" ||',
  },
  // objects that grow or call
  {
    id: "calls of the metaclasses of libraries make a class",
    file: "src/rules/embedded.ts",
    fixed: '"severity":"high","safety":"dangerous","title":"Class creation through a metaclass"',
    broken: '"severity":"info","safety":"innocuous","title":"Class creation through a metaclass"',
  },
  {
    id: "items of objects may be methods that are called",
    file: `${SEMANTICS}/callbacks.ts`,
    fixed: "return HOOKS.test(name) || (METHODS.has(name) && this.isFunction(value));",
    broken: "return METHODS.has(name) && this.isFunction(value);",
  },
  {
    id: "attributes of a value that was picked are those of the value",
    file: `${SEMANTICS}/attributes.ts`,
    fixed: "const found = attribute(heap, value.value, name, via, at, computed);",
    broken: "const found = undefined as Handle | undefined;",
  },
  {
    id: "an item may be made by a factory",
    file: `${SEMANTICS}/higher_order/attributes.ts`,
    fixed: "return found ?? unknownItem(calls, call);",
    broken: "return found ?? calls.result(call.entry.handle, call.args, call.kwargs);",
  },
  // detection
  {
    id: "an argument longer than the head is read on",
    file: `${STREAMS}/detect.ts`,
    fixed:
      'return !header && cut && (size === undefined || size > head.length) ? "undecided" : "other";',
    broken: 'return "other";',
  },
  {
    id: "as many streams are stepped over as there are",
    file: `${STREAMS}/detect.ts`,
    fixed: "const HEAD_STREAMS = 1024;\nconst FURTHER_STREAMS = 1 << 16;",
    broken: "const HEAD_STREAMS = 64;\nconst FURTHER_STREAMS = 64;",
  },
  {
    id: "text of more values than are kept at once is read on",
    file: `${STREAMS}/detect.ts`,
    fixed: "let machine = trialMachine(input, 0, FURTHER_VALUES);",
    broken: "let machine = trialMachine(input, 0, TRIAL_VALUES);",
  },
  // found late
  {
    id: "a wrapper may come from a function",
    file: `${SEMANTICS}/array_wrappers.ts`,
    fixed: "return values.length > 0 || !complete;",
    broken: "return values.length > 9 && complete;",
  },
];

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    cases: { type: "string", default: "20000" },
    only: { type: "string", multiple: true, default: [] },
    again: { type: "boolean", default: false },
  },
});

/** A copy of what the fuzzer needs. */
function copied(): string {
  const copy = mkdtempSync(join(tmpdir(), "teeth-"));
  for (const part of ["src", "scripts", "rules", "deno.json"]) {
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  }
  for (const part of ["testdata", "node_modules"]) symlinkSync(join(ROOT, part), join(copy, part));
  return copy;
}

/** What a program of the fuzzer prints. @throws when it cannot run, or ends early */
function printed(root: string, program: string, ...options: readonly string[]): string {
  const { stdout, status, error } = spawnSync(process.execPath, [
    ...["run", "--quiet", "--no-prompt", "--no-check", "--no-lock", "--cached-only", "--allow-all"],
    join(root, "scripts/fuzz/metamorphic", program),
    ...options,
  ], { encoding: "utf8" });
  if (error !== undefined) throw error;
  if (status !== 0 && status !== 1) throw new Error(`${program} ended with ${status}`);
  return stdout;
}

/** The cases of a seed, confirmed by the loaders, with what the sources say of them with all fixes. */
function keptCases(): string {
  const folder = join(ROOT, ".cache/fuzz");
  const path = join(folder, `metamorphic-${values.seed}-${values.cases}.cases`);
  if (values.again && existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const unfinished = `${path}.new`;
  const options = ["--seed", values.seed, "--cases", values.cases, "--keep", unfinished];
  const said = printed(ROOT, "main.ts", "--no-shrink", ...options);
  if (!said.includes(`${values.cases} cases, `)) throw new Error("The fuzzer ended early");
  renameSync(unfinished, path);
  return path;
}

let tried = 0;
let missed = 0;
const cases = keptCases();
const copy = copied();
try {
  for (const { id, file, fixed, broken } of FIXES) {
    if (values.only.length > 0 && !values.only.includes(id)) continue;
    const path = join(copy, file);
    const text = readFileSync(path, "utf8");
    if (text.split(fixed).length !== 2) {
      throw new Error(`Cannot revert a fix in ${file}: "${fixed}" is not there exactly once`);
    }
    writeFileSync(path, text.replace(fixed, () => broken));
    const said = printed(copy, "kept.ts", cases).trim();
    writeFileSync(path, text);
    const finding = /^first finding: (.*)$/mu.exec(said)?.[1];
    if (finding === undefined && said !== "nothing has sunk") throw new Error(`${id}: ${said}`);
    tried++;
    if (finding === undefined) missed++;
    console.log(`${id} | seed ${values.seed} | ${finding ?? "NOT FOUND"}`);
  }
} finally {
  rmSync(copy, { recursive: true });
}
console.log(`${tried - missed} of ${tried} fixes found`);
process.exitCode = missed === 0 && tried > 0 ? 0 : 1;
