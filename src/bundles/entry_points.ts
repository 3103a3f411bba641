/**
 * Entry points of a Python package that another program calls by itself: plugins of PyTorch, setuptools,
 * numba, vLLM, MLflow, pytest and Jupyter. What the commands of `console_scripts` and `gui_scripts` call runs when
 * a user starts them; of these only what importing their modules runs is judged, as of any module.
 * https://packaging.python.org/en/latest/specifications/entry-points/
 *
 * @module
 */

import type { Bundle, BundleObservation } from "../core/bundle.ts";
import type { Interest, Listing, Member } from "../core/types.ts";
import {
  isBuildCommand,
  isCommandMethod,
  isServerHook,
  isTestHook,
} from "../parsers/python/hooks.ts";
import { decodePythonSource } from "../parsers/python/encoding.ts";
import { interpolatedSections, readIniFile } from "../parsers/config/ini.ts";
import { readPython } from "../parsers/python/source.ts";
import { sourceFacts } from "../parsers/python/source_facts.ts";
import { parseToml, tableAt, textAt } from "../parsers/toml.ts";
import { memberBytes } from "./member_bytes.ts";

const ENTRY_POINTS =
  /^(?<root>(?:.*\/)?)(?:[^/]+\.(?:dist|egg)-info|EGG-INFO)\/entry_points\.txt$/u;
const PROJECT = /^(?<root>(?:[^/]+\/)?)(?:pyproject\.toml|setup\.cfg)$/u;
/** What enables extensions of Jupyter's server, in a wheel: `{"ServerApp": {"jpserver_extensions": {"m": true}}}`. */
const SERVER_CONFIG = /(?:^|\/)etc\/jupyter\/jupyter_(?:server|notebook)_config\.d\/[^/]+\.json$/u;
const ENABLED = /"([\w.]+)"\s*:\s*true/gu;
/** What `str.splitlines` takes for ends of lines. */
// deno-lint-ignore no-control-regex -- they end lines to Python
const LINE_END = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/u;
/** A module, and what is called of it. */
const TARGET = /^\s*([\p{L}_][\p{L}\p{N}\p{M}_.]*)\s*(?::\s*([\p{L}_][\p{L}\p{N}\p{M}_.]*))?/u;

/** Groups whose functions run without anything asking for them by name, and what calls them. */
const CALLED: ReadonlyMap<string, string> = new Map([
  // `_import_device_backends` in `torch/__init__.py`, since 2.5
  ["torch.backends", "every import of PyTorch"],
  // `Distribution.finalize_options` in `setuptools/dist.py`
  ["setuptools.finalize_distribution_options", "every build with setuptools"],
  // `egg_info.run` and `walk_revctrl` in `setuptools/command`
  ["egg_info.writers", "every build with setuptools"],
  ["setuptools.file_finders", "every build with setuptools"],
  // `init_all` in `numba/core/entrypoints.py`
  ["numba_extensions", "the first compilation of numba"],
  // `load_general_plugins` and `resolve_current_platform_cls_qualname` in `vllm/plugins`
  ["vllm.general_plugins", "every start of vLLM"],
  ["vllm.platform_plugins", "every start of vLLM"],
  // `Distribution._finalize_setup_keywords` in `setuptools/dist.py`
  ["distutils.setup_keywords", "every build with setuptools"],
  // `RunContextProviderRegistry.register_entrypoints` and its kin in `mlflow/tracking`
  ["mlflow.run_context_provider", "the first run of MLflow"],
  ["mlflow.default_experiment_provider", "the first run of MLflow"],
  ["mlflow.request_header_provider", "the first request of MLflow"],
]);

/** Bytes of a list of entry points. The longest in 318 wheels has 3,206. CWE-770. */
const LIST_BYTES = 1024 * 1024;
/**
 * Bytes of a module, as for any Python source. The largest of 34,382 files of packages in use has 1.4 MB.
 * CWE-770.
 */
const SOURCE_BYTES = 16 * 1024 * 1024;
/** Entry points followed in one listing. The most in 318 wheels are 57. CWE-770. */
const POINTS = 200;

/** Groups of which modules are imported whose functions the program calls by their names. */
const PLUGINS = "pytest11";
const SERVER = "Jupyter's server";
const COMMANDS = "distutils.commands";

const BY_NAME: ReadonlyMap<string, string> = new Map([
  [PLUGINS, "every run of pytest"],
  [COMMANDS, "every build with setuptools"],
]);

/** One entry point. */
interface EntryPoint {
  readonly group: string;
  readonly name: string;
  readonly module: string;
  readonly attribute: string;
}

/** Entry points of packages. */
export const entryPointsBundle: Bundle = {
  id: "entry-points",
  title: "Entry points of Python packages",
  matches,
  observe,
};

function matches({ members }: Listing): boolean {
  return members.some(({ name }) =>
    ENTRY_POINTS.test(name) || PROJECT.test(name) || SERVER_CONFIG.test(name)
  );
}

async function* observe(
  { members }: Listing,
  _interest?: Interest,
  checkDeadline: () => void = () => {},
): AsyncIterable<BundleObservation> {
  const files = new Map(members.map((member) => [member.name, member]));
  // A module is read once for all that the same program calls of it.
  const followed = new Map<string, Followed>();
  let count = 0;
  for (const { name } of members) {
    const isServer = SERVER_CONFIG.test(name);
    const root = isServer ? "" : (ENTRY_POINTS.exec(name) ?? PROJECT.exec(name))?.groups?.["root"];
    const list = files.get(name);
    if (root === undefined || list === undefined || list.kind === "folder") continue;
    const bytes = await memberBytes(list, LIST_BYTES);
    if (bytes === undefined) continue;
    const text = new TextDecoder().decode(bytes);
    const points = isServer
      ? extensions(text)
      : name.endsWith(".toml")
      ? projectEntryPoints(text)
      : name.endsWith("setup.cfg")
      ? setupEntryPoints(text)
      : entryPoints(text);
    if (points === undefined) {
      yield unread(name, "It is no TOML");
      continue;
    }
    for (const point of points) {
      if (!isCalled(point)) continue;
      if (++count > POINTS) {
        yield unread(name, `There are more than ${POINTS} entry points`);
        break;
      }
      const member = moduleOf(files, root, point.module);
      if (member === undefined) continue;
      const kind = BY_NAME.has(point.group) || point.group === SERVER ? point.group : "";
      const key = `${kind}\n${member.name}`;
      const known = followed.get(key) ?? { member, kind, by: byOf(point), attributes: new Set() };
      followed.set(key, known);
      known.attributes.add(point.attribute);
    }
    if (count > POINTS) break;
  }
  for (const each of followed.values()) yield* called(each, checkDeadline);
}

/** What of a module is called. */
interface Followed {
  readonly member: Member;
  /** A group of which functions are called by their names; empty for all others. */
  readonly kind: string;
  /** What calls it. */
  readonly by: string;
  readonly attributes: Set<string>;
}

function byOf({ group }: EntryPoint): string {
  return CALLED.get(group) ?? BY_NAME.get(group) ?? group;
}

/**
 * The entry points of a list, as `importlib.metadata.EntryPoints` and `pkg_resources` read it: `[group]`, then
 * `name = module:attribute` in each line. Lines behind `;` are comments before CPython 3.10 alone.
 */
export function entryPoints(text: string): EntryPoint[] {
  const found: EntryPoint[] = [];
  let group: string | undefined;
  for (const each of text.split(LINE_END)) {
    const line = each.trim();
    if (line.startsWith("#")) continue;
    if (line.startsWith("[") && /\](?:\s*[#;].*)?$/u.test(line)) {
      group = line.replace(/\][^\]]*$/u, "").replace(/^\[+|\]+$/gu, "").trim();
    } else if (group !== undefined) found.push(...entryPoint(group, line));
  }
  return found;
}

/** One line of a group. */
function entryPoint(group: string, line: string): EntryPoint[] {
  const sign = line.indexOf("=");
  return sign <= 0 ? [] : pointOf(group, line.slice(0, sign).trim(), line.slice(sign + 1));
}

function pointOf(group: string, name: string, target: string): EntryPoint[] {
  const [, module = "", attribute = ""] = TARGET.exec(target) ?? [];
  return module === "" ? [] : [{ group, name, module, attribute }];
}

/** Those of `pyproject.toml`, and plugins of poetry, which become some. Undefined for what is no TOML. */
export function projectEntryPoints(text: string): EntryPoint[] | undefined {
  const { root } = parseToml(text);
  if (root === undefined) return undefined;
  const groups = [
    tableAt(root, "project", "entry-points"),
    tableAt(root, "tool", "poetry", "plugins"),
    tableAt(root, "tool", "flit", "entrypoints"),
  ];
  return groups.flatMap((each) =>
    Object.keys(each).flatMap((group) => {
      const points = tableAt(each, group);
      return Object.keys(points).flatMap((name) => {
        const target = textAt(points, name) ?? textAt(points, name, "reference") ?? "";
        return pointOf(group, name, target);
      });
    })
  );
}

/** Those of `setup.cfg`: in each group's option a list like the other. */
function setupEntryPoints(text: string): EntryPoint[] {
  return interpolatedSections(readIniFile(text)).flatMap(([section, { values }]) =>
    section !== "options.entry_points"
      ? []
      : values.flatMap(([group, list]) =>
        list.split(/[\n,]/u).flatMap((line) => entryPoint(group.trim(), line))
      )
  );
}

/** Extensions that a configuration of Jupyter's server enables. */
function extensions(text: string): EntryPoint[] {
  const plain = text.replace(
    /\\u([0-9a-f]{4})/giu,
    (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return [...plain.matchAll(ENABLED)].map(([, module = ""]) => (
    { group: SERVER, name: "", module, attribute: "" }
  ));
}

function isCalled({ group, name, attribute }: EntryPoint): boolean {
  if (group === PLUGINS || group === SERVER) return true;
  if (group === COMMANDS) return isBuildCommand(name) && attribute !== "";
  return CALLED.has(group) && attribute !== "";
}

/** The file of a module: beside the list, or below a folder of a project. */
function moduleOf(
  files: ReadonlyMap<string, Member>,
  root: string,
  module: string,
): Member | undefined {
  const path = module.replaceAll(".", "/");
  const ends = [`${path}.py`, `${path}/__init__.py`];
  for (const folder of ["", "src/"]) {
    for (const end of ends) {
      const member = files.get(`${root}${folder}${end}`);
      if (member !== undefined && member.kind !== "folder") return member;
    }
  }
  // A project may keep its packages in a folder of any name (`package_dir`).
  for (const [name, member] of files) {
    const isBelow = member.kind !== "folder" && name.startsWith(root);
    if (isBelow && ends.some((end) => name.endsWith(`/${end}`))) return member;
  }
  return undefined;
}

/** What calling functions of entry points runs besides importing their module. */
async function* called(
  { member, kind, by, attributes }: Followed,
  checkDeadline: () => void,
): AsyncIterable<BundleObservation> {
  const bytes = await memberBytes(member, SOURCE_BYTES);
  // What cannot be had of it is said where it is read for itself.
  if (bytes === undefined) return;
  const { text } = decodePythonSource(bytes);
  const functions = (path: string): boolean => {
    if (kind === PLUGINS) return isTestHook(path);
    if (kind === SERVER) return isServerHook(path);
    const [owner = "", method = ""] = path.split(".");
    return attributes.has(path) ||
      (kind === COMMANDS && attributes.has(owner) && isCommandMethod(method));
  };
  const classes = (name: string): boolean => attributes.has(name);
  const source = readPython(text, { checkDeadline, functions, classes });
  const calls = source.later.filter((each) => each.called);
  for (const observation of sourceFacts(calls, text, "python-archive")) {
    yield { part: member.name, observation };
  }
  if (source.cut !== undefined) {
    yield unread(member.name, `Not all of what ${by} calls was followed: ${source.cut}`);
  }
}

function unread(part: string, detail: string): BundleObservation {
  return { part, observation: { type: "anomaly", rule: "python-unread", detail, unread: true } };
}
