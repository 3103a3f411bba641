/**
 * TorchServe's model archives: `MAR-INF/MANIFEST.json` names a handler, which TorchServe imports and
 * calls, files for it to load and requirements for pip. An archive is a zip, a gzipped tar with one
 * folder at its top, or a folder; all of it is on the handler's module path.
 * `model-archiver/model_archiver/model_packaging_utils.py` and `ts/model_loader.py` in
 * https://github.com/pytorch/serve
 *
 * @module
 */

import { decodePythonSource } from "../parsers/python/encoding.ts";
import { isObject, type JsonValue, parseJson, repeatedKeys, valuesOf } from "../parsers/json.ts";
import { readPython } from "../parsers/python/source.ts";
import { sourceFacts } from "../parsers/python/source_facts.ts";
import type { Interest, Listing, Member, Observation } from "../core/types.ts";
import { memberBytes } from "./member_bytes.ts";
import type { Bundle, BundleObservation } from "../core/bundle.ts";
import { claimSource } from "./python_sources.ts";

const MANIFEST = /^(?<root>(?:.*\/)?)MAR-INF\/MANIFEST\.json$/iu;
/**
 * Bytes of a manifest, which is read at once. Those of torch-model-archiver in the samples have at most 302.
 * CWE-770.
 */
const MANIFEST_BYTES = 4 * 1024 * 1024;
/**
 * Bytes of a Python source, which is read at once. The largest of 34,382 files of packages in use has 1.4 MB.
 * CWE-770.
 */
const SOURCE_BYTES = 16 * 1024 * 1024;
/**
 * Bytes of a list of requirements, which is read at once. The longest in packages in use has 213. CWE-770.
 */
const REQUIREMENTS_BYTES = 1024 * 1024;
/** Source files read of one archive. No archive is known to have a hundred. CWE-770. */
const FILES = 2000;
/** Manifests followed in one listing; a folder of unpacked archives has one each. CWE-770. */
const ARCHIVES = 100;

/** `model_handlers` of the archiver: handlers that TorchServe itself has. */
const OWN_HANDLERS: ReadonlySet<string> = new Set([
  ...["base_handler", "text_classifier", "image_classifier", "object_detector"],
  ...["image_segmenter", "dali_image_classifier", "vllm_handler", "trt_llm_handler"],
]);

/** Methods of a handler that TorchServe and its `BaseHandler` call. */
const SERVED: ReadonlySet<string> = new Set([
  ...["initialize", "handle", "preprocess", "inference", "postprocess", "explain_handle"],
  ...["get_insights", "_load_pickled_model", "_load_torchscript_model", "describe_handle"],
]);

/** Files that the manifest names below `model`. */
const FILE_KEYS = ["handler", "modelFile", "serializedFile", "requirementsFile", "configFile"];

/** Requirements that pip installs from a place other than its index, or from another index. */
const FOREIGN =
  /^\s*(?:-i\b|--(?:extra-)?index-url|--find-links|-f\b|--trusted-host|git\+|https?:)|@\s*(?:git\+|https?:|file:)/u;

/** TorchServe's archives. */
export const torchserveBundle: Bundle = {
  id: "torchserve",
  title: "TorchServe",
  coverage: [[
    "TorchServe",
    "`.mar`, `.tar.gz` and folders: the manifest, what the handler and the modules beside it run when loaded and served, requirements",
  ]],
  matches,
  observe,
};

function matches({ members }: Listing): boolean {
  return members.some(({ name }) => MANIFEST.test(name));
}

async function* observe(
  listing: Listing,
  _interest?: Interest,
  checkDeadline: () => void = () => {},
): AsyncIterable<BundleObservation> {
  let archives = 0;
  for (const member of listing.members) {
    const root = MANIFEST.exec(member.name)?.groups?.["root"];
    if (root === undefined || member.kind === "folder") continue;
    const archive = new Archive(listing, root, member.name, checkDeadline);
    if (++archives > ARCHIVES) {
      yield archive.observation("python-unread", `There are more than ${ARCHIVES} manifests`, true);
      return;
    }
    const bytes = await memberBytes(member, MANIFEST_BYTES);
    const { value, error } = parseJson(bytes ?? new Uint8Array(0));
    if (error !== undefined) {
      const detail = `"${member.name}": ${error.message}, at byte ${error.offset}`;
      yield archive.observation("torchserve-manifest-malformed", detail, true);
    }
    yield* archive.sources(value);
    yield* archive.manifest(value);
  }
}

/** One archive: its manifest and the files that belong to it. */
class Archive {
  readonly #listing: Listing;
  readonly #root: string;
  readonly #manifest: string;
  readonly #files: ReadonlyMap<string, Member>;
  readonly #checkDeadline: () => void;
  /** What runs, for the one issue of the archive: dotted names that lead out of its source. */
  readonly #called = new Set<string>();

  constructor(
    listing: Listing,
    root: string,
    manifest: string,
    checkDeadline: () => void,
  ) {
    this.#checkDeadline = checkDeadline;
    this.#listing = listing;
    this.#root = root;
    this.#manifest = manifest;
    this.#files = new Map(listing.members.map((member) => [member.name, member]));
  }

  observation(rule: string, detail: string, unread = false): BundleObservation {
    const observation = { type: "anomaly", rule, detail, ...(unread && { unread }) } as const;
    return { part: this.#manifest, observation };
  }

  /** Everything the source files of the archive call when they are imported, and when served. */
  async *sources(manifest: JsonValue | undefined): AsyncIterable<BundleObservation> {
    const handlers = new Set(named(manifest, "handler").map((text) => handlerOf(text).module));
    let filesRead = 0;
    for (const [name, member] of this.#files) {
      if (!name.startsWith(this.#root) || !/\.py$/iu.test(name) || member.kind === "folder") {
        continue;
      }
      claimSource(this.#listing, name);
      const bytes = ++filesRead > FILES ? undefined : await memberBytes(member, SOURCE_BYTES);
      const { text, unknown } = decodePythonSource(bytes ?? new Uint8Array(0));
      const base = name.slice(this.#root.length).replace(/\.py$/iu, "");
      const { facts, unread } = this.#calls(text, handlers.has(base), manifest);
      if (bytes === undefined || unknown !== undefined || unread !== undefined) {
        const observation: Observation = {
          type: "anomaly",
          rule: unknown === undefined ? "python-unread" : "python-encoding",
          detail: unknown === undefined
            ? unread ?? "It is too long"
            : `It is written in "${unknown}"`,
          unread: true,
        };
        yield { part: name, observation };
      }
      for (const fact of facts) yield { part: name, observation: fact };
    }
  }

  #calls(text: string, isHandler: boolean, manifest: JsonValue | undefined): {
    readonly facts: Extract<Observation, { readonly type: "fact" }>[];
    readonly unread: string | undefined;
  } {
    const entries = new Set(named(manifest, "handler").map((each) => handlerOf(each).entry));
    const served = (name: string): boolean => {
      const last = name.slice(name.lastIndexOf(".") + 1);
      return SERVED.has(last) || entries.has(last);
    };
    // TorchServe makes an object of the handler's class before it serves.
    const checkDeadline = this.#checkDeadline;
    const loaded = readPython(text, {
      checkDeadline,
      ...(isHandler && { classes: () => true }),
    });
    const imported = [...loaded.calls, ...loaded.later];
    const unread = loaded.cut ?? loaded.error;
    if (!isHandler) return { facts: sourceFacts(imported, text, "python-handler"), unread };
    const known = new Set(imported.map(({ path, at }) => `${path}\n${at}`));
    const all = readPython(text, { checkDeadline, classes: () => true, functions: served });
    const requested = all.later.filter(({ path, at }) => !known.has(`${path}\n${at}`));
    for (const { called, path } of [...imported, ...requested]) {
      if (called) this.#called.add(path);
    }
    const facts = [
      ...sourceFacts(imported, text, "python-handler"),
      ...sourceFacts(requested, text, "python-served"),
    ];
    return { facts, unread: unread ?? all.cut };
  }

  /** What the manifest names, and where it lies. */
  async *manifest(manifest: JsonValue | undefined): AsyncIterable<BundleObservation> {
    for (const key of repeated(manifest)) {
      yield this.observation("torchserve-manifest-lies", `It has "${key}" more than once`);
    }
    for (const key of FILE_KEYS) {
      for (const text of new Set(named(manifest, key))) {
        if (leavesFolder(text)) {
          yield this.observation("torchserve-outside", `"${key}" is "${text}"`);
        } else if (key !== "handler" && !this.#has(text)) {
          const detail = `"${key}" is "${text}", which is not in the archive`;
          yield this.observation("torchserve-manifest-lies", detail);
        }
      }
    }
    const handlers = [...new Set(named(manifest, "handler"))];
    if (handlers.length === 0) {
      yield this.observation("torchserve-manifest-lies", "It names no handler");
    }
    for (const text of handlers) yield this.#handler(text);
    for (const text of new Set(named(manifest, "requirementsFile"))) {
      yield await this.#requirements(text);
    }
  }

  #has(path: string): boolean {
    return this.#files.has(this.#root + path);
  }

  #handler(text: string): BundleObservation {
    const { module, entry } = handlerOf(text);
    if (this.#has(`${module}.py`)) {
      const shown = [...this.#called].slice(0, 6).join(", ");
      const more = this.#called.size > 6 ? ` and ${this.#called.size - 6} more` : "";
      const calls = shown === ""
        ? "It calls nothing outside itself that could be seen"
        : `It calls ${shown}${more}`;
      const detail = `TorchServe imports ${module}.py and calls ${
        entry === "" ? "its handler" : entry
      } with every request. ${calls}`;
      return this.observation("torchserve-handler", detail);
    }
    if (OWN_HANDLERS.has(text)) return this.observation("torchserve-own-handler", `"${text}"`);
    const detail =
      `The handler "${text}" is not in the archive: TorchServe imports whatever has that name`;
    return this.observation("torchserve-manifest-lies", detail);
  }

  async #requirements(text: string): Promise<BundleObservation> {
    const member = this.#files.get(this.#root + text);
    const bytes = member && await memberBytes(member, REQUIREMENTS_BYTES);
    const lines = new TextDecoder().decode(bytes ?? new Uint8Array(0));
    const foreign = lines.split(/\r?\n/u).find((line) => FOREIGN.test(line));
    return foreign === undefined
      ? this.observation("torchserve-requirements", `"${text}"`)
      : this.observation(
        "torchserve-requirements-foreign",
        `"${text}" has ${foreign.trim().slice(0, 200)}`,
      );
  }
}

/** All values of a key of the manifest's model that are text. */
function named(manifest: JsonValue | undefined, key: string): string[] {
  if (!isObject(manifest)) return [];
  return valuesOf(manifest, "model")
    .flatMap((model) => isObject(model) ? valuesOf(model, key) : [])
    .flatMap((value) => typeof value === "string" && value !== "" ? [value] : []);
}

/** Keys that an object of the manifest has twice. */
function repeated(manifest: JsonValue | undefined): string[] {
  const objects = isObject(manifest)
    ? [manifest, ...valuesOf(manifest, "model").filter((value) => isObject(value))]
    : [];
  return objects.flatMap(repeatedKeys);
}

/** `_load_handler_file`: a module by the last part of its path, and the function behind a colon. */
function handlerOf(text: string): { readonly module: string; readonly entry: string } {
  const colon = text.indexOf(":");
  const path = (colon < 0 ? text : text.slice(0, colon)).replace(/\.py$/u, "");
  return {
    module: path.slice(path.lastIndexOf("/") + 1).replaceAll(".", "/"),
    entry: colon < 0 ? "" : text.slice(colon + 1),
  };
}

function leavesFolder(path: string): boolean {
  return /^(?:[\\/]|[A-Za-z]:[\\/])/u.test(path) || path.split(/[\\/]/u).includes("..");
}
