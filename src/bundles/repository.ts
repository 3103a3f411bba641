/**
 * Model repositories: what their files mean together. A configuration names classes in the
 * repository's own Python files, which then run where it is loaded with `trust_remote_code`; an index
 * names the shards that hold its tensors.
 * https://huggingface.co/docs/transformers/custom_models
 *
 * @module
 */

import { isObject, type JsonObject, type JsonValue, parseJson } from "../parsers/json.ts";
import { decodePythonSource } from "../parsers/python/encoding.ts";
import { readPython, type SourceCall } from "../parsers/python/source.ts";
import { sourceFacts } from "../parsers/python/source_facts.ts";
import type { Interest, Listing, Member, Observation } from "../core/types.ts";
import { memberBytes } from "./member_bytes.ts";
import type { Bundle, BundleObservation } from "../core/bundle.ts";
import { claimSource } from "./python_sources.ts";
import { type CodeReference, codeReferences, components, moduleTypes } from "./remote_code.ts";
import { shardAnomalies } from "./shards.ts";

/** Files that name code, and indices of shards. */
const CONFIGURATION = /(?:^|\/)(?:(?:[a-z0-9_]+_)?config|model_index|modules)\.json$/iu;
const INDEX = /\.index(?:\.[a-z0-9_]+)?\.json$/iu;
/** transformers runs this file when it generates with `trust_remote_code`. */
const GENERATE = /^(?<root>(?:.*\/)?)custom_generate\/generate\.py$/u;

/** Bytes of a configuration; a tokenizer's with all its added tokens has some megabytes. CWE-770. */
const CONFIGURATION_BYTES = 16 * 1024 * 1024;
/** Bytes of a Python source. The largest of 34,382 files of packages in use has 1.4 MB. CWE-770. */
const SOURCE_BYTES = 4 * 1024 * 1024;
/** Configurations, and source files, read of one listing. A repository has some dozens. CWE-770. */
const FILES = 2000;
const OPENING = /^(?:builtins|io|codecs|gzip|bz2|lzma)\.open$/u;

/** Repositories in folders and archives. */
export const repositoryBundle: Bundle = {
  id: "repository",
  title: "Model repositories",
  coverage: [[
    "model repositories",
    "what the repository's own Python runs at import, which code its configurations name, shards against their index",
  ]],
  matches,
  observe,
};

function matches({ members }: Listing): boolean {
  return members.some(({ name }) =>
    CONFIGURATION.test(name) || INDEX.test(name) || GENERATE.test(name)
  );
}

/** The files of a listing by name. */
type Files = ReadonlyMap<string, Member>;

async function* observe(
  listing: Listing,
  _interest?: Interest,
  checkDeadline: () => void = () => {},
): AsyncIterable<BundleObservation> {
  const { members } = listing;
  const files: Files = new Map(members.map((member) => [member.name, member]));
  const repositories = new Map<string, Named[]>();
  let filesRead = 0;
  for (const member of members) {
    const index = INDEX.test(member.name);
    if (!index && !CONFIGURATION.test(member.name)) continue;
    if (++filesRead > FILES) {
      yield unread(member.name, `Only the first ${FILES} configurations were searched for code`);
      break;
    }
    const value = await readJson(member);
    if (value === undefined) continue;
    if (index && isObject(value)) {
      yield* shardAnomalies(member.name, folderOf(member.name), value, files);
      continue;
    }
    const { references, complete } = codeReferences(value);
    if (!complete) {
      yield unread(member.name, `"${member.name}" has more values than are searched for code`);
    }
    for (const { root, ...named } of namedCode(member.name, value, references, files)) {
      const known = repositories.get(root);
      if (known === undefined) repositories.set(root, [named]);
      else known.push(named);
    }
  }
  for (const name of files.keys()) {
    const root = GENERATE.exec(name)?.groups?.["root"];
    if (root === undefined) continue;
    const named = {
      file: name,
      reference: "custom_generate",
      sourcePath: name,
      className: "generate",
    };
    repositories.set(root, [...repositories.get(root) ?? [], { ...named, foreign: undefined }]);
  }
  for (const named of repositories.values()) {
    yield* judgeRepository(named, files, { listing, checkDeadline });
  }
}

/** A piece of code that a configuration names. */
interface Named {
  /** The configuration. */
  readonly file: string;
  readonly reference: string;
  /** Where its module should lie. */
  readonly sourcePath: string;
  readonly className: string;
  /** The other repository that it comes from. */
  readonly foreign: string | undefined;
}

function* namedCode(
  file: string,
  value: JsonValue,
  references: readonly CodeReference[],
  files: Files,
): Iterable<Named & { readonly root: string }> {
  const root = folderOf(file);
  for (const one of references) yield { root, ...ownCode(file, root, one) };
  if (/(?:^|\/)model_index\.json$/iu.test(file) && isObject(value)) {
    yield* pipelineCode(file, root, value, files);
  }
  if (/(?:^|\/)modules\.json$/iu.test(file)) {
    for (const type of moduleTypes(value)) {
      const dot = type.lastIndexOf(".");
      const sourcePath = sourceOf(root, type.slice(0, dot));
      if (dot <= 0 || !files.has(sourcePath)) continue;
      const className = type.slice(dot + 1);
      yield { root, file, reference: type, sourcePath, className, foreign: undefined };
    }
  }
}

function ownCode(file: string, root: string, reference: CodeReference): Named {
  return {
    file,
    reference: reference.written,
    sourcePath: sourceOf(root, reference.module),
    className: reference.name,
    foreign: reference.repository,
  };
}

/** diffusers takes a library for a module of the repository when such a file lies in the part's folder. */
function* pipelineCode(
  file: string,
  root: string,
  index: JsonObject,
  files: Files,
): Iterable<Named & { readonly root: string }> {
  for (const { part, library, name } of components(index)) {
    const sourcePath = sourceOf(part === "" ? root : `${root}${part}/`, library);
    if (!files.has(sourcePath)) continue;
    const reference = `${library}.${name}`;
    yield { root, file, reference, sourcePath, className: name, foreign: undefined };
  }
}

function folderOf(name: string): string {
  return name.slice(0, name.lastIndexOf("/") + 1);
}

function sourceOf(root: string, module: string): string {
  return `${root}${module.replaceAll(".", "/")}.py`;
}

/** The one issue of a repository, and what its source files run at import. */
async function* judgeRepository(
  named: readonly Named[],
  files: Files,
  { listing, checkDeadline }: {
    readonly listing: Listing;
    readonly checkDeadline: () => void;
  },
): AsyncIterable<BundleObservation> {
  const own = named.filter(({ foreign }) => foreign === undefined);
  const sources = await importedSources(own, files, checkDeadline);
  for (const { name, facts } of sources) {
    claimSource(listing, name);
    for (const observation of facts) yield { part: name, observation };
  }
  const first = named.find(({ file }) => /(?:^|\/)config\.json$/iu.test(file)) ?? named[0];
  if (first === undefined) return;
  const foreign = named.some((one) => one.foreign !== undefined);
  yield {
    part: first.file,
    observation: {
      type: "anomaly",
      rule: foreign ? "repository-foreign-code" : "repository-own-code",
      detail: sentence(named, sources, files),
    },
  };
  for (const source of sources) {
    if (source.unread === undefined) continue;
    yield unread(first.file, `"${source.name}" cannot be read: ${source.unread}`);
  }
}

/** What of a repository was not read, as an observation about a file. */
function unread(part: string, detail: string): BundleObservation {
  return {
    part,
    observation: { type: "anomaly", rule: "repository-unread", detail, unread: true },
  };
}

/** What loading does, with and without remote code. */
function sentence(
  named: readonly Named[],
  sources: readonly ImportedSource[],
  files: Files,
): string {
  const list = (items: readonly string[]): string => {
    const distinct = [...new Set(items)];
    const more = distinct.length > 6 ? ` and ${distinct.length - 6} more` : "";
    return distinct.slice(0, 6).join(", ") + more;
  };
  const configurations = list(named.map(({ file, reference }) => `${reference} (${file})`));
  const parts = [`its configuration names ${configurations}.`];
  const foreignRepositories = named.flatMap(({ foreign }) =>
    foreign === undefined ? [] : [foreign]
  );
  const present = sources.map(({ name }) => name);
  const missing = named.filter(({ foreign, sourcePath }) =>
    foreign === undefined && !files.has(sourcePath)
  )
    .map(({ sourcePath }) => sourcePath);
  const does: string[] = [];
  if (present.length > 0) does.push(`runs ${list(present)}`);
  if (missing.length > 0) does.push(`looks for what is not here, ${list(missing)}`);
  if (foreignRepositories.length > 0) {
    does.push(`fetches and runs code of ${list(foreignRepositories)}`);
  }
  parts.push(`Loading it with remote code allowed ${does.join(" and ")}`);
  const called = notableFirst(sources.flatMap(({ called }) => called));
  parts.push(
    called.length === 0
      ? "(importing these calls nothing outside them that could be seen)."
      : `(calls on the way: ${list(called)}).`,
  );
  parts.push("Without it the loader uses its own class for the type of model, or refuses.");
  return parts.join(" ");
}

/** A source file that loading imports. */
interface ImportedSource {
  readonly name: string;
  readonly facts: readonly Extract<Observation, { readonly type: "fact" }>[];
  /** What it calls outside itself, dotted. */
  readonly called: readonly string[];
  /** Why it could not be read. */
  readonly unread: string | undefined;
}

/**
 * Every file that is imported on the way, with what it calls.
 *
 * @throws what `checkDeadline` throws
 */
export async function importedSources(
  named: readonly Pick<Named, "sourcePath" | "className">[],
  files: Files,
  checkDeadline: () => void,
): Promise<ImportedSource[]> {
  const found = new Map<string, ImportedSource>();
  const waiting = [...new Set(named.map(({ sourcePath }) => sourcePath))];
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const member = files.get(name);
    if (found.has(name) || member === undefined) continue;
    if (found.size >= FILES) {
      found.set(name, { name, facts: [], called: [], unread: `${FILES} files are read before it` });
      break;
    }
    const bytes = await memberBytes(member, SOURCE_BYTES);
    if (bytes === undefined) {
      const unread = `it is longer than ${SOURCE_BYTES} bytes, or has none`;
      found.set(name, { name, facts: [], called: [], unread });
      continue;
    }
    const { text, unknown } = decodePythonSource(bytes);
    const sourcePath = name;
    const definitions = new Set(
      named.filter((one) => one.sourcePath === sourcePath).map(({ className }) => className),
    );
    const module = readPython(text, {
      checkDeadline,
      classes: (each) => definitions.has(each),
      functions: (each) => definitions.has(each),
    });
    const calls = [...module.calls, ...module.later].filter((call) => !isReading(call));
    found.set(name, {
      name,
      facts: sourceFacts(calls, text, "python"),
      called: calls.filter(({ called }) => called).map(({ path }) => path),
      unread: unknown !== undefined
        ? `its encoding, "${unknown}", is unknown`
        : module.cut ?? module.error,
    });
    for (const other of module.relativeImports) {
      waiting.push(`${folderOf(name)}${other}.py`, `${folderOf(name)}${other}/__init__.py`);
    }
  }
  return [...found.values()];
}

const REACHES =
  /^(?:socket|subprocess|urllib|requests|http|ctypes|pickle|marshal|shutil|pty|os\.(?:system|popen|exec|spawn|remove)|builtins\.(?:exec|eval|open))/u;

/** What reaches beyond the program before the rest. */
function notableFirst(paths: readonly string[]): string[] {
  return [
    ...paths.filter((path) => REACHES.test(path)),
    ...paths.filter((path) => !REACHES.test(path)),
  ];
}

/** Opening a file to read it, as tokenizers do with their vocabulary. */
function isReading({ path, traits }: SourceCall): boolean {
  return OPENING.test(path) && !traits.includes("writes");
}

async function readJson(member: Member): Promise<JsonValue | undefined> {
  const bytes = await memberBytes(member, CONFIGURATION_BYTES);
  if (bytes === undefined) return undefined;
  return parseJson(bytes).value;
}
