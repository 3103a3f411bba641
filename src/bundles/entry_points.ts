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
import { readPython } from "../parsers/python/source.ts";
import { sourceFacts } from "../parsers/python/source_facts.ts";
import { memberBytes } from "./member_bytes.ts";

const ENTRY_POINTS =
  /^(?<root>(?:.*\/)?)(?:[^/]+\.(?:dist|egg)-info|EGG-INFO)\/entry_points\.txt$/u;
const PROJECT = /^(?<root>(?:[^/]+\/)?)pyproject\.toml$/u;
/** What enables extensions of Jupyter's server, in a wheel: `{"ServerApp": {"jpserver_extensions": {"m": true}}}`. */
const SERVER_CONFIG = /(?:^|\/)etc\/jupyter\/jupyter_(?:server|notebook)_config\.d\/[^/]+\.json$/u;
const ENABLED = /"([\w.]+)"\s*:\s*true/gu;
/** Sections of `pyproject.toml` that become groups of entry points. */
const PROJECT_GROUP = /^project\.entry-points\.["']?(?<group>[^"']+)["']?$/u;

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
  let followed = 0;
  for (const { name } of members) {
    const isServer = SERVER_CONFIG.test(name);
    const root = isServer ? "" : (ENTRY_POINTS.exec(name) ?? PROJECT.exec(name))?.groups?.["root"];
    const list = files.get(name);
    if (root === undefined || list === undefined || list.kind === "folder") continue;
    const bytes = await memberBytes(list, LIST_BYTES);
    if (bytes === undefined) continue;
    const text = new TextDecoder().decode(bytes);
    for (const point of isServer ? extensions(text) : entryPoints(text, PROJECT.test(name))) {
      if (!isCalled(point)) continue;
      if (++followed > POINTS) {
        yield unread(name, `There are more than ${POINTS} entry points`);
        return;
      }
      const member = moduleOf(files, root, point.module);
      if (member !== undefined) yield* called(member, point, checkDeadline);
    }
  }
}

/**
 * The entry points of a list: `[group]`, then `name = module:attribute` in each line, in quotes where it
 * is a project's table.
 */
export function entryPoints(text: string, isProject: boolean): EntryPoint[] {
  const found: EntryPoint[] = [];
  let group: string | undefined;
  for (const line of text.split(/\r\n|\r|\n/u)) {
    const [, section] = /^\s*\[([^[\]]+)\]\s*(?:#.*)?$/u.exec(line) ?? [];
    if (section !== undefined) {
      group = isProject ? PROJECT_GROUP.exec(section.trim())?.groups?.["group"] : section.trim();
      continue;
    }
    const [, key = "", value = ""] = /^([^=#;]+)=([^]*)$/u.exec(line) ?? [];
    const [, module = "", attribute = ""] =
      /^["']?\s*([\w.]+)\s*(?::\s*([\w.]+))?/u.exec(value.trimStart()) ?? [];
    if (group !== undefined && key !== "" && module !== "") {
      found.push({ group, name: key.trim().replace(/^["']|["']$/gu, ""), module, attribute });
    }
  }
  return found;
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

/** The file of a module: beside the list, or below `src` where a project keeps it there. */
function moduleOf(
  files: ReadonlyMap<string, Member>,
  root: string,
  module: string,
): Member | undefined {
  const path = module.replaceAll(".", "/");
  for (const folder of ["", "src/"]) {
    for (const end of [".py", "/__init__.py"]) {
      const member = files.get(`${root}${folder}${path}${end}`);
      if (member !== undefined && member.kind !== "folder") return member;
    }
  }
  return undefined;
}

/** What calling the function of an entry point runs besides importing its module. */
async function* called(
  member: Member,
  { group, attribute }: EntryPoint,
  checkDeadline: () => void,
): AsyncIterable<BundleObservation> {
  const bytes = await memberBytes(member, SOURCE_BYTES);
  // What cannot be had of it is said where it is read for itself.
  if (bytes === undefined) return;
  const { text } = decodePythonSource(bytes);
  const functions = (path: string): boolean => {
    if (group === PLUGINS) return isTestHook(path);
    if (group === SERVER) return isServerHook(path);
    const [owner, method = ""] = path.split(".");
    return path === attribute ||
      (group === COMMANDS && owner === attribute && isCommandMethod(method));
  };
  const classes = (name: string): boolean => name === attribute;
  const source = readPython(text, { checkDeadline, functions, classes });
  const calls = source.later.filter((each) => each.called);
  for (const observation of sourceFacts(calls, text, "python-archive")) {
    yield { part: member.name, observation };
  }
  if (source.cut !== undefined) {
    const by = CALLED.get(group) ?? BY_NAME.get(group) ?? group;
    yield unread(member.name, `Not all of what ${by} calls was followed: ${source.cut}`);
  }
}

function unread(part: string, detail: string): BundleObservation {
  return { part, observation: { type: "anomaly", rule: "python-unread", detail, unread: true } };
}
