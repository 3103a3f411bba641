/**
 * What building or testing a Python project calls of its own modules, from its configuration: build backends
 * of its own, attributes that give versions, commands, hooks of hatch and PDM, scripts of poetry, plugins of
 * pytest.
 * https://peps.python.org/pep-0517/#in-tree-build-backends, https://setuptools.pypa.io/en/latest/userguide/,
 * https://hatch.pypa.io/latest/plugins/build-hook/custom/, https://scikit-build-core.readthedocs.io/, https://backend.pdm-project.org/hooks/
 *
 * @module
 */

import type { Listing, Member } from "../core/types.ts";
import { interpolatedSections, readIniFile } from "../parsers/config/ini.ts";
import { isTable, parseToml, tableAt, textAt, textsAt, type TomlTable } from "../parsers/toml.ts";
import { memberBytes } from "./member_bytes.ts";
import { normalPath } from "./normal_path.ts";

/** Bytes of a configuration. The longest `pyproject.toml` in use has 60 KB. CWE-770. */
const CONFIGURATION_BYTES = 1024 * 1024;
/** Names that one configuration has called. Those in use have up to a dozen. CWE-770. */
const NAMES = 200;

/** A project's own folder is the archive or the one folder in it. */
const CONFIGURATION =
  /^(?<root>(?:[^/]+\/)?)(?:pyproject\.toml|setup\.cfg|\.?pytest\.(?:ini|toml)|tox\.ini|conftest\.py)$/u;

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

/** `attr: pkg.version.get` as the value of an option of `setup.cfg`. */
const ATTRIBUTE = /^attr:(?<path>[^]*)$/u;
/** A line of `cmdclass` in `setup.cfg`. */
const COMMAND = /^[^=]+=(?<path>[^]*)$/u;
/** Plugins that options of pytest name, also joined: `-pNAME`. */
const PLUGIN_OPTION = /(?:^|[\s"'])-p[\s"',]*(?<module>[\p{L}_][\p{L}\p{N}_.]*)/gmu;
const PLUGIN_LIST = /\bpytest_plugins\s*=(?<list>[^\n]*(?:\n[ \t)\]]+[^\n]*){0,64})/gmu;
/** Functions that scikit-build-core calls of a provider of metadata. */
const PROVIDER_HOOKS = ["dynamic_metadata", "get_requires_for_dynamic_metadata", "dynamic_wheel"];
/** Tables of a project that are gone through for attributes. Those in use have some hundred. CWE-770. */
const TABLES = 50_000;

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
    const { found, isUnread } = callsOf(member.name, new TextDecoder().decode(bytes), root);
    if (found.length > NAMES || isUnread) unread.push(member.name);
    calls.push(...found.slice(0, NAMES).flatMap((each) => located(each, members)));
  }
  return { calls, unread };
}

/** What a configuration has called, and whether some of it could not be read. */
interface Found {
  readonly found: readonly BuildCall[];
  readonly isUnread: boolean;
}

function callsOf(file: string, text: string, root: string): Found {
  if (file.endsWith(".toml")) {
    const { root: table } = parseToml(text);
    return { found: table === undefined ? [] : projectCalls(table, root), isUnread: !table };
  }
  if (file.endsWith("setup.cfg")) return setupCalls(text);
  return { found: [...pluginCalls(text), ...pluginListCalls(text)], isUnread: false };
}

/** A dotted name that is called, together with what is called of it. */
function attributeCalls(path: string, endings: readonly string[] = [""]): BuildCall[] {
  const dotted = path.trim().replace(":", ".");
  const dot = dotted.lastIndexOf(".");
  if (dot <= 0) return [];
  const [module, name] = [dotted.slice(0, dot), dotted.slice(dot + 1)];
  return endings.map((ending) => ({ module, name: name + ending }));
}

function commandCalls(path: string): BuildCall[] {
  return attributeCalls(path, ["", ...COMMAND_METHODS.map((each) => `.${each}`)]);
}

/** What `pyproject.toml` has called. */
function projectCalls(table: TomlTable, root: string): BuildCall[] {
  const calls: BuildCall[] = [];
  const backend = textAt(table, "build-system", "build-backend") ?? "";
  const [module = "", object = ""] = backend.split(":", 2).map((each) => each.trim());
  for (const path of textsAt(table, "build-system", "backend-path")) {
    const base = normalPath(`${root}${path}/${module.replaceAll(".", "/")}`);
    for (const file of [`${base}.py`, `${base}/__init__.py`]) {
      for (const hook of BUILD_HOOKS) {
        calls.push({ file, name: object === "" ? hook : `${object}.${hook}` });
      }
    }
  }
  const tool = tableAt(table, "tool");
  for (const each of valuesUnder(tableAt(tool, "setuptools"), "attr")) {
    if (typeof each === "string") calls.push(...attributeCalls(each));
  }
  for (const path of Object.values(tableAt(tool, "setuptools", "cmdclass"))) {
    if (typeof path === "string") calls.push(...commandCalls(path));
  }
  calls.push(...hatchCalls(tableAt(tool, "hatch"), root));
  if (/^pdm\.backend\b/u.test(module)) {
    const hook = textAt(tool, "pdm", "build", "custom-hook") ?? "pdm_build.py";
    for (const name of PDM_HOOKS) calls.push({ file: normalPath(root + hook), name });
  }
  for (const each of valuesUnder(tableAt(tool, "pdm"), "getter")) {
    const [path = ""] = typeof each === "string" ? each.split("(", 1) : [];
    calls.push(...attributeCalls(path));
  }
  const script = textAt(tool, "poetry", "build") ?? textAt(tool, "poetry", "build", "script");
  if (script !== undefined) calls.push({ file: normalPath(root + script) });
  for (const each of valuesUnder(tableAt(tool, "scikit-build"), "provider")) {
    if (typeof each !== "string") continue;
    for (const name of PROVIDER_HOOKS) calls.push({ module: each, name });
  }
  for (const key of ["version_scheme", "local_scheme", "parse"]) {
    calls.push(...attributeCalls(textAt(tool, "setuptools_scm", key) ?? ""));
  }
  const pytest = [tableAt(tool, "pytest", "ini_options"), tableAt(tool, "pytest")];
  for (const each of [...pytest, tableAt(table, "pytest")]) {
    calls.push(...pluginCalls(textsAt(each, "addopts").join(" ")));
  }
  return calls;
}

/** What hooks, builders and sources of versions of hatch run. */
function hatchCalls(hatch: TomlTable, root: string): BuildCall[] {
  const calls: BuildCall[] = [];
  for (const each of valuesUnder(hatch, "custom")) {
    const file = normalPath(root + (textAt(each, "path") ?? "hatch_build.py"));
    calls.push({ file, methods: HATCH_METHODS });
    for (const name of HATCH_FUNCTIONS) calls.push({ file, name });
  }
  const version = tableAt(hatch, "version");
  if (textAt(version, "source") === "code") {
    const file = normalPath(root + (textAt(version, "path") ?? ""));
    const expression = textAt(version, "expression") ?? "__version__";
    for (const [name] of expression.matchAll(/[\p{L}_][\p{L}\p{N}_.]*/gu)) {
      calls.push({ file, name });
    }
  }
  return calls;
}

/** Values of a key in any of the tables within a table. */
function valuesUnder(table: TomlTable, key: string): unknown[] {
  const found: unknown[] = [];
  const open: unknown[] = [table];
  for (let at = 0; at < open.length && at < TABLES; at++) {
    const each = open[at];
    for (const [name, value] of Object.entries(isTable(each) ? each : {})) {
      if (name === key) found.push(value);
      if (isTable(value)) open.push(value);
      else if (Array.isArray(value)) { for (const one of value) open.push(one); }
    }
  }
  return found;
}

/** What `setup.cfg` has setuptools and pytest call. */
function setupCalls(text: string): Found {
  const document = readIniFile(text);
  const found: BuildCall[] = [];
  let isUnread = document.error !== undefined;
  for (const [section, { values, error }] of interpolatedSections(document)) {
    isUnread ||= error !== undefined;
    for (const [name, value] of values) {
      const path = ATTRIBUTE.exec(value.trim())?.groups?.["path"];
      if (path !== undefined) found.push(...attributeCalls(path));
      const option = name.toLowerCase().replaceAll("-", "_");
      if (section === "options" && option === "cmdclass") {
        for (const line of value.split(/[\n,]/u)) {
          found.push(...commandCalls(COMMAND.exec(line)?.groups?.["path"] ?? ""));
        }
      } else if (option === "addopts") found.push(...pluginCalls(value));
    }
  }
  return { found, isUnread };
}

/** Plugins that options of pytest name. */
function pluginCalls(text: string): BuildCall[] {
  return [...text.matchAll(PLUGIN_OPTION)].map(({ groups }) => ({
    module: groups?.["module"] ?? "",
    prefix: "pytest_",
  }));
}

/** Plugins that a list in a `conftest.py` names. */
function pluginListCalls(text: string): BuildCall[] {
  return [...text.matchAll(PLUGIN_LIST)].flatMap(({ groups }) =>
    [...(groups?.["list"] ?? "").matchAll(/["']([\p{L}_][\p{L}\p{N}_.]*)["']/gu)].map(
      ([, module = ""]) => ({ module, prefix: "pytest_" }),
    )
  );
}

/** A call with the files that its module may be: projects keep packages in folders of any name (`package_dir`). */
function located(call: BuildCall, members: readonly Member[]): BuildCall[] {
  const { module } = call;
  if (module === undefined) return [call];
  const path = `/${module.replaceAll(".", "/")}`;
  const files = members.filter(({ name }) =>
    [`${path}.py`, `${path}/__init__.py`].some((end) => `/${name}`.endsWith(end))
  );
  const { module: _module, ...rest } = call;
  return files.length === 0 ? [call] : files.map(({ name: file }) => ({ ...rest, file }));
}
