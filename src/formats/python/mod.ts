/**
 * Python source in an archive: wheels, source distributions, OCI layers, anything that brings
 * modules along. Importing a module runs it, `setup.py` runs when its package is installed, and
 * `sitecustomize.py` and lines of path files that begin with `import` whenever Python starts
 * (`addpackage` and `execsitecustomize` in `Lib/site.py`). It is read, never run.
 * https://docs.python.org/3/library/site.html
 *
 * The archive says by a hint what a member is (`bundles/python_sources.ts`); of what lies on a
 * disk beside other files only path files and notebooks are read.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { decodePythonSource } from "../../parsers/python/encoding.ts";
import { isBuildHook, isCommandMethod, isTestHook } from "../../parsers/python/hooks.ts";
import { judgePython } from "../../parsers/python/source_facts.ts";
import { commandAnomalies } from "../../parsers/setup/commands.ts";
import { notebookProgram } from "../../parsers/python/notebook.ts";
import type { Source } from "../../core/source.ts";
import { readAll } from "../../sources/read_all.ts";
import type { Observation } from "../../core/types.ts";
import { latin1, looksLikeText } from "../../parsers/bytes.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";

/**
 * Bytes of a source, which is read at once. The largest of 34,382 files of packages in use has 1.4 MB.
 * CWE-770.
 */
const SOURCE_BYTES = 16 * 1024 * 1024;
/**
 * Bytes of a notebook, which holds pictures besides. Those of packages in use have up to 25 KB; none of 64
 * MiB is known. CWE-770.
 */
const NOTEBOOK_BYTES = 64 * 1024 * 1024;
/**
 * Lines of code in a path file that are reported one by one; all of them are read as source. Those in use have
 * one. CWE-779.
 */
const PATH_LINES = 50;
/** Anomalies of a notebook's commands that are reported one by one. CWE-779. */
const COMMANDS = 50;
/** Characters shown of a text. Longer ones are cut: their beginning is evidence. CWE-779. */
const SHOWN_CHARACTERS = 300;
/** Language of the facts: calls in source that an archive brings along. */
const LANGUAGE = "python-archive";

/** `Lib/site.py`: what `addpackage` executes. */
const PATH_IMPORT = /^import[ \t]/u;
/** A name that PyTorch's checkpoints share. */
const PATH_NAME = /\.pth$/iu;
/** Notebooks, which are read also where they lie on a disk beside other files. */
const NOTEBOOK_NAME = /\.ipynb$/iu;
/** A path: absolute, of more than one part, or an egg. */
const PATH_LINE =
  /^(?:(?:\.{1,2}|~)?[\\/]|[A-Za-z]:[\\/]|[\w .+-]+[\\/]|[\w.+-]+\.egg$|\.{1,2}$)[^<>|"*?]*$/u;
/** The line that setuptools installs, which asks for its own copy of distutils, now and before release 60. */
const SETUPTOOLS_LINES: ReadonlySet<string> = new Set(
  ["local", "stdlib"].map((value) =>
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; " +
    `enabled = os.environ.get(var, '${value}') == 'local'; enabled and __import__('_distutils_hack').add_shim()`
  ),
);

/** Functions of a `conftest.py` that pytest calls under other names, or before each test. CWE-1333: linear. */
const TEST_FUNCTIONS =
  /@pytest\.(?:fixture\([^)\n]{0,256}\bautouse[ ]?=[ ]?True[^)\n]{0,256}\)|hookimpl\([^)\n]{0,256}\))\s{1,16}(?:async )?def (\w+)/gu;
/** Bits of a compiled module: a hash stands for its source, which nothing compares. PEP 552 */
const UNCHECKED = 0b01;
const CHECKED = 0b11;

/** Commands that a user calls by their names, and no installation does. */
const OTHER_COMMAND =
  /^(?:upload\w*|publish\w*|release\w*|register|test|tests|pytest|lint|format|docs?|build_docs|clean\w*|deps\w*|tag|push|coverage|mypy|flake8|black|isort|style|quality)$/u;
const COMMAND_ENTRY = /["'](\w+)["']\s*:\s*([A-Za-z_]\w*)\s*(?=,|$)/gu;
/** Commands of a `setup.py` that are looked for. Those in use have up to a dozen. CWE-407. */
const COMMAND_ENTRIES = 64;
/** What may reach a class that a source names nowhere else. */
const REFLECTS =
  /\b(?:globals|locals|vars|getattr|setattr|exec|eval|compile|__\w+__|modules|inspect|gc|ast|distribution|run_command|get_command_class|sub_commands)\b(?<!\b__(?:name|file|version|init|main|doc|author|email|title|description|url|license)__)/u;

const HINTS: ReadonlySet<string> = new Set([
  HINT.pythonImport,
  HINT.pythonInstalled,
  HINT.pythonJudged,
  HINT.pythonInstall,
  HINT.pythonProgram,
  HINT.pythonNotebook,
  HINT.pythonStartup,
  HINT.pythonPath,
  HINT.pythonCompiled,
  HINT.pythonCached,
]);

/** Python source in archives. */
export const pythonSourceFormat: Format = { id: "python-source", random: false, detect, scan };

function detect({ hint, head, name }: Sample): boolean {
  if (head.length === 0) return false;
  if (hint === undefined) {
    return PATH_NAME.test(name) ? isPathFile(head) : NOTEBOOK_NAME.test(name) && isNotebook(head);
  }
  if (hint === HINT.pythonPathMaybe) {
    return looksLikeText(head) && /^import[ \t]/mu.test(latin1(head));
  }
  if (hint === HINT.pythonProgram && !/\.pyw?$/iu.test(name)) {
    return !head.includes(0) && /^#!.*python/u.test(latin1(head.subarray(0, 256), 256));
  }
  if (isCompiledHint(hint)) return head[2] === 0x0d && head[3] === 0x0a;
  return HINTS.has(hint) && !head.includes(0);
}

/**
 * True for the text of a path file: a line of code, or nothing but comments and paths. A checkpoint of
 * PyTorch has the same ending, and a page that a failed download left is neither.
 */
function isPathFile(head: Uint8Array): boolean {
  if (!looksLikeText(head)) return false;
  const lines = new TextDecoder().decode(head).split(/\r\n?|\n/u);
  if (lines.some((line) => PATH_IMPORT.test(line))) return true;
  const paths = lines.filter((line) => !/^\s*(?:#.*)?$/u.test(line));
  return paths.length > 0 && paths.every((line) => PATH_LINE.test(line));
}

/** True for the beginning of a notebook's object; other programs write other things under that name. */
function isNotebook(head: Uint8Array): boolean {
  const text = latin1(head).replace(/^\xef\xbb\xbf/u, "");
  return /^\s*\{/u.test(text) && /"(?:cells|worksheets|nbformat|cell_type)"/u.test(text);
}

function isCompiledHint(hint: string | undefined): boolean {
  return hint === HINT.pythonCompiled || hint === HINT.pythonCached;
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const { name, head } = context.sample;
  const hint = context.sample.hint ?? (NOTEBOOK_NAME.test(name) ? HINT.pythonNotebook : undefined);
  if (isCompiledHint(hint)) {
    yield compiled(name, hint === HINT.pythonCached, (head[4] ?? 0) & CHECKED);
    return;
  }
  if (hint === HINT.pythonJudged) return;
  const bytes = await readAll(
    source,
    hint === HINT.pythonNotebook ? NOTEBOOK_BYTES : SOURCE_BYTES,
    "Python source",
    () => context.checkDeadline(),
  );
  if (hint === HINT.pythonNotebook) {
    yield notebook(bytes, () => context.checkDeadline());
    return;
  }
  const { text, unknown } = decodePythonSource(bytes);
  if (unknown !== undefined) {
    yield [{
      type: "anomaly",
      rule: "python-encoding",
      detail: `It says that it is written in "${unknown}"`,
      unread: true,
    }];
  }
  if (hint === undefined || hint === HINT.pythonPath || hint === HINT.pythonPathMaybe) {
    yield pathFile(name, text, () => context.checkDeadline());
    return;
  }
  if (hint === HINT.pythonStartup) {
    yield [startup(`"${name}" runs whenever Python starts`, 0)];
  }
  if (hint === HINT.pythonInstall) {
    yield [{
      type: "anomaly",
      rule: "python-install-code",
      detail: `"${name}" runs when the package is built or installed`,
    }];
  }
  yield moduleFacts(text, { hint, name }, () => context.checkDeadline());
}

/** A compiled module that runs although no source, or another one, is there to read. */
function compiled(name: string, cached: boolean, bits: number): Observation[] {
  if (cached && bits !== UNCHECKED) return [];
  const why = cached ? "is used without a look at its source" : "has no source beside it";
  return [{ type: "anomaly", rule: "python-compiled", detail: `"${name}" ${why}` }];
}

/** What running the cells of a notebook does. */
function notebook(bytes: Uint8Array, checkDeadline: () => void): Observation[] {
  const notebook = notebookProgram(bytes);
  if (notebook === undefined) return [];
  if ("error" in notebook) {
    const detail = `Cannot read notebook: ${notebook.error}`;
    return [{ type: "anomaly", rule: "python-unread", detail, unread: true }];
  }
  // A cell that ends in the middle, as notes do, keeps none of the others from running.
  const calls = judgePython(notebook.program, "python-notebook", { checkDeadline, main: true })
    .filter((each) => each.type !== "anomaly" || each.rule !== "python-syntax");
  return [...calls, ...commandAnomalies(notebook.commands, checkDeadline).slice(0, COMMANDS)];
}

/** The calls of a module, and whether all of them were seen. */
function moduleFacts(
  text: string,
  { hint, name }: { readonly hint: string; readonly name: string },
  checkDeadline: () => void,
): Observation[] {
  const installs = hint === HINT.pythonInstall;
  const tests = /(?:^|\/)conftest\.py$/u.test(name);
  const others = installs ? otherCommands(text) : undefined;
  const named = new Set(tests ? [...text.matchAll(TEST_FUNCTIONS)].map(([, each]) => each) : []);
  const functions = (path: string): boolean => {
    const dot = path.lastIndexOf(".");
    const last = path.slice(dot + 1);
    if (others?.has(path.slice(0, dot)) === true) return false;
    return (hint !== HINT.pythonInstalled && isBuildHook(path, text)) ||
      (installs && isCommandMethod(last)) ||
      (tests && (isTestHook(path) || named.has(last)));
  };
  const main = installs || hint === HINT.pythonProgram;
  return judgePython(text, LANGUAGE, { checkDeadline, main, functions });
}

/**
 * Classes of a `setup.py` that it gives once, in a mapping that is written out, as commands which no installation
 * calls: `cmdclass={"upload": UploadCommand}`.
 */
function otherCommands(text: string): ReadonlySet<string> {
  const others = new Set<string>();
  const [given, ...more] = text.matchAll(/\bcmdclass\s*=\s*\{([^{}]*)\}/gu);
  const isPlain = given !== undefined && more.length === 0 && !REFLECTS.test(text) &&
    text.match(/cmdclass/gu)?.length === 1;
  if (!isPlain) return others;
  const entries = [...(given[1] ?? "").matchAll(COMMAND_ENTRY)];
  // Each of them is looked for in the whole text.
  if (entries.length > COMMAND_ENTRIES) return others;
  for (const [, command = "", name = ""] of entries) {
    const count = text.match(new RegExp(`\\b${name}\\b`, "gu"))?.length;
    const isDefined = new RegExp(`^class ${name}\\(`, "mu").test(text);
    if (OTHER_COMMAND.test(command) && count === 2 && isDefined) others.add(name);
  }
  return others;
}

/** Lines of a path file that are code. */
function pathFile(name: string, text: string, checkDeadline: () => void): Observation[] {
  const found: Observation[] = [];
  const encoder = new TextEncoder();
  let [offset, known] = [0, false];
  for (const line of text.split(/(?<=\n|\r(?!\n))/u)) {
    if (PATH_IMPORT.test(line)) {
      const trimmed = line.trim();
      const code = trimmed.endsWith(";") ? trimmed.slice(0, -1).trimEnd() : trimmed;
      if (!SETUPTOOLS_LINES.has(code)) {
        found.push(startup(`"${name}" has Python run ${code.slice(0, SHOWN_CHARACTERS)}`, offset));
      } else if (!known) {
        found.push({ type: "anomaly", rule: "python-startup-known", detail: `"${name}"`, offset });
        known = true;
      }
      if (found.length >= PATH_LINES) break;
    }
    offset += encoder.encode(line).length;
  }
  const code = text.split(/\r?\n|\r/u).map((line) => PATH_IMPORT.test(line) ? line : "").join("\n");
  return [...found, ...moduleFacts(code, { hint: HINT.pythonStartup, name }, checkDeadline)];
}

function startup(detail: string, offset: number): Observation {
  return { type: "anomaly", rule: "python-startup-code", detail, offset };
}
