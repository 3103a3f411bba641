/**
 * What building or testing a Python project calls of its own modules, from its configuration: build backends
 * of its own, attributes that give versions, commands, hooks of hatch and PDM, scripts of poetry, plugins of
 * pytest.
 * https://peps.python.org/pep-0517/#in-tree-build-backends, https://setuptools.pypa.io/en/latest/userguide/,
 * https://hatch.pypa.io/latest/plugins/build-hook/custom/, https://backend.pdm-project.org/hooks/
 *
 * @module
 */

import type { Listing, Member } from "../core/types.ts";
import { memberBytes } from "./member_bytes.ts";
import { normalPath } from "./normal_path.ts";

/** Bytes of a configuration. The longest `pyproject.toml` in use has 60 KB. CWE-770. */
const CONFIGURATION_BYTES = 1024 * 1024;
/** Names that one configuration has called. Those in use have up to a dozen. CWE-770. */
const NAMES = 200;

/** A project's own folder is the archive or the one folder in it. */
const CONFIGURATION =
  /^(?<root>(?:[^/]+\/)?)(?:pyproject\.toml|setup\.cfg|pytest\.ini|\.pytest\.ini|tox\.ini|conftest\.py)$/u;

/** PEP 517 and PEP 660. */
const BUILD_HOOKS = ["wheel", "sdist", "editable"].flatMap((kind) => [
  ...[`build_${kind}`, `get_requires_for_build_${kind}`, `prepare_metadata_for_build_${kind}`],
]);
/** Methods of the classes that hatch makes: build hooks and metadata hooks. */
const HATCH_METHODS = [
  ...["initialize", "finalize", "clean", "dependencies", "update", "get_known_classifiers"],
  "__init__",
];
const HATCH_FUNCTIONS = [
  "get_build_hook",
  "get_metadata_hook",
  "get_builder",
  "get_version_source",
];
const PDM_HOOKS = [
  ...["hook_enabled", "initialize", "clean", "update_files", "update_setup_kwargs", "finalize"],
].map((name) => `pdm_build_${name}`);
/** Methods of a command of distutils that installing calls. */
const COMMAND_METHODS = ["initialize_options", "finalize_options", "run"];

const BACKEND = /^\s*build-backend\s*=\s*["']([\w.]+)(?::([\w.]+))?["']/mu;
const BACKEND_PATH = /^\s*backend-path\s*=\s*\[([^\]]*)\]/mu;
/** `attr = "pkg.version.get"` of a table, `attr: pkg.version.get` of `setup.cfg`. */
const ATTRIBUTE = /\battr(?:\s*=\s*["']|:[ \t]*)([\w.]+)/gu;
const COMMANDS = /^[ \t]*cmdclass\s*=|^\s*\[tool\.setuptools\.cmdclass\]/mu;
/** A line of either list of commands. */
const COMMAND = /^[ \t]*[\w-]+[ \t]*=[ \t]*["']?([\w.]+)["']?[ \t]*$/gmu;
const HATCH_CUSTOM = /^\s*\[tool\.hatch\.[^\]\n]*\bcustom\]/mu;
const HATCH_CODE = /^\s*source\s*=\s*["']code["']/mu;
const PATH = /^\s*path\s*=\s*["']([^"']+)["']/gmu;
const EXPRESSION = /^\s*expression\s*=\s*["'](.*)["']\s*$/gmu;
const PDM = /^\s*build-backend\s*=\s*["']pdm\.backend/mu;
const PDM_HOOK = /^\s*custom-hook\s*=\s*["']([^"']+)["']/mu;
const GETTER = /\bgetter\s*=\s*["']([\w.]+):([\w.]+)/gu;
const POETRY_SCRIPT = /^\s*script\s*=\s*["']([^"']+)["']/gmu;
const PLUGINS =
  /\bpytest_plugins\s*=([^\n]*(?:\n[ \t)\]]+[^\n]*){0,64})|(?:^|[\s"'])-p[\s"',]+([\w.]+)/gmu;

/** A name that something calls in a module, by the module's file or its dotted name. */
export interface BuildCall {
  readonly file?: string;
  readonly module?: string;
  /** Dotted; undefined where the file is run as a program. */
  readonly name?: string;
  /** Names that begin with this, instead of one. */
  readonly prefix?: string;
  /** Methods of any class of it, instead of one name. */
  readonly methods?: readonly string[];
}

/** What the configurations of a project have called. */
interface BuildCalls {
  readonly calls: readonly BuildCall[];
  /** Configurations of which not all was read. */
  readonly unread: readonly string[];
}

/** Finds what the configurations of a project have called. */
export async function buildCalls({ members }: Listing): Promise<BuildCalls> {
  const calls: BuildCall[] = [];
  const unread: string[] = [];
  for (const member of members) {
    const root = CONFIGURATION.exec(member.name)?.groups?.["root"];
    if (root === undefined || member.kind === "folder") continue;
    const bytes = await memberBytes(member, CONFIGURATION_BYTES);
    if (bytes === undefined) {
      unread.push(member.name);
      continue;
    }
    const found = callsOf(new TextDecoder().decode(bytes), root, members);
    if (found.length > NAMES) unread.push(member.name);
    calls.push(...found.slice(0, NAMES));
  }
  return { calls, unread };
}

function callsOf(text: string, root: string, members: readonly Member[]): BuildCall[] {
  const calls: BuildCall[] = [];
  const attribute = (path: string, names: readonly string[]): void => {
    const dot = path.lastIndexOf(".");
    if (dot <= 0) return;
    for (const name of names) {
      calls.push({ module: path.slice(0, dot), name: path.slice(dot + 1) + name });
    }
  };
  const [, backend, object = ""] = BACKEND.exec(text) ?? [];
  const [, paths] = BACKEND_PATH.exec(text) ?? [];
  if (backend !== undefined && paths !== undefined) {
    for (const [, path = ""] of paths.matchAll(/["']([^"']*)["']/gu)) {
      const base = normalPath(`${root}${path}/${backend.replaceAll(".", "/")}`);
      for (const file of [`${base}.py`, `${base}/__init__.py`]) {
        if (!members.some(({ name }) => name === file)) continue;
        for (const hook of BUILD_HOOKS) {
          calls.push({ file, name: object === "" ? hook : `${object}.${hook}` });
        }
      }
    }
  }
  for (const [, path = ""] of text.matchAll(ATTRIBUTE)) attribute(path, [""]);
  const commands = COMMANDS.exec(text);
  if (commands !== null) {
    const after = text.slice(commands.index + commands[0].length);
    const section = after.split(/^\[/mu, 1)[0] ?? "";
    for (const [, path = ""] of section.matchAll(COMMAND)) {
      attribute(path, ["", ...COMMAND_METHODS.map((each) => `.${each}`)]);
    }
  }
  if (HATCH_CUSTOM.test(text)) {
    const files = [...text.matchAll(PATH)].map(([, path = ""]) => path);
    for (const each of ["hatch_build.py", ...files]) {
      const file = normalPath(root + each);
      calls.push({ file, methods: HATCH_METHODS });
      for (const name of HATCH_FUNCTIONS) calls.push({ file, name });
    }
  }
  if (HATCH_CODE.test(text)) {
    for (const [, path = ""] of text.matchAll(PATH)) {
      for (const [, expression = ""] of text.matchAll(EXPRESSION)) {
        for (const [name] of expression.matchAll(/[A-Za-z_][\w.]*/gu)) {
          calls.push({ file: normalPath(root + path), name });
        }
      }
    }
  }
  if (PDM.test(text)) {
    const [, hook = "pdm_build.py"] = PDM_HOOK.exec(text) ?? [];
    for (const name of PDM_HOOKS) calls.push({ file: normalPath(root + hook), name });
  }
  for (const [, module = "", name = ""] of text.matchAll(GETTER)) calls.push({ module, name });
  for (const [, script = ""] of text.matchAll(POETRY_SCRIPT)) {
    calls.push({ file: normalPath(root + script) });
  }
  for (const [, list = "", named] of text.matchAll(PLUGINS)) {
    const modules = named === undefined
      ? [...list.matchAll(/["']([\w.]+)["']/gu)].map(([, module = ""]) => module)
      : [named];
    for (const module of modules) calls.push({ module, prefix: "pytest_" });
  }
  return calls;
}
