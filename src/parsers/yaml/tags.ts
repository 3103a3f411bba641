/**
 * The tags of a YAML text by which PyYAML's unsafe loaders make Python objects, in each spelling: by the
 * handle `!!`, by handles of `%TAG` directives, verbatim (`!<…>`), and with letters as `%xx`. Every
 * exclamation mark is looked at, also in comments and quotes, so that no reading of what stands before
 * it can hide one. https://pyyaml.org/wiki/PyYAMLDocumentation, "YAML tags and Python types"
 *
 * @module
 */

/** One tag that names something of Python. */
interface PythonTag {
  readonly kind: "name" | "module" | "object" | "object/new" | "object/apply";
  /** The dotted name; for a module its own. */
  readonly name: string;
  /** As it is written, cut. */
  readonly written: string;
  /** Character of its exclamation mark. */
  readonly at: number;
}

const PREFIX = "tag:yaml.org,2002:";
const PYTHON_PREFIX = `${PREFIX}python/`;
const PYTHON = /^tag:yaml\.org,2002:python\/(object\/apply|object\/new|object|name|module):(.*)$/su;
/** What tags may consist of, as `scan_tag_uri` has it; names of Python are shorter than this. */
const URI = "(?:[-;/?:@&=+$,_.!~*'()[\\]\\w]|%[\\da-fA-F]{2}){1,512}";
const DIRECTIVE = new RegExp(`%TAG[ \\t]+(![\\w-]*!?)[ \\t]+(${URI})`, "gu");
const HANDLE = /![\w-]{0,256}!/uy;
const SUFFIX = new RegExp(URI, "uy");
/** Prefixes given to one handle; texts other than attacks have few. CWE-770. */
const PREFIXES = 64;

/**
 * Tags that name something of Python, in order.
 *
 * @param most how many are reported
 * @param check called now and then; may throw
 */
export function pythonTags(
  text: string,
  most: number,
  check: () => void = () => {},
): readonly PythonTag[] {
  const handles = handlesOf(text);
  const found: PythonTag[] = [];
  let visited = 0;
  for (let at = text.indexOf("!"); at >= 0 && found.length < most; at = text.indexOf("!", at + 1)) {
    if (++visited % 1000 === 0) check();
    for (const { tag, end } of meanings(text, at, handles)) {
      const [, kind, rest = ""] = PYTHON.exec(tag) ?? [];
      if (!isKind(kind)) continue;
      // Names of Python have no brackets, commas or quotes; these are the collection's around it.
      const [name = ""] = rest.split(/[\s>{}[\]"',]/u, 1);
      found.push({ kind, name, written: text.slice(at, Math.min(end, at + 256)), at });
      break;
    }
  }
  return found;
}

function isKind(kind: string | undefined): kind is PythonTag["kind"] {
  return kind !== undefined;
}

/** The prefixes that each handle may stand for, of all documents together. */
function handlesOf(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const handles = new Map<string, Set<string>>([["!!", new Set([PREFIX])]]);
  for (const [, handle = "", prefix = ""] of text.matchAll(DIRECTIVE)) {
    const known = handles.get(handle) ?? new Set<string>();
    if (known.size < PREFIXES) handles.set(handle, known.add(unescaped(prefix)));
  }
  return handles;
}

interface Meaning {
  readonly tag: string;
  /** The character behind it. */
  readonly end: number;
}

/** What the tag at a place may resolve to, as far as that is one of Python's. */
function* meanings(
  text: string,
  at: number,
  handles: ReadonlyMap<string, ReadonlySet<string>>,
): Iterable<Meaning> {
  if (text[at + 1] === "<") {
    if (!continues(text, at + 2, "")) return;
    const suffix = suffixAt(text, at + 2);
    yield { tag: unescaped(suffix), end: at + 3 + suffix.length };
    return;
  }
  HANDLE.lastIndex = at;
  const handle = HANDLE.exec(text)?.[0];
  for (const used of handle === undefined ? ["!"] : [handle, "!"]) {
    const from = at + used.length;
    for (const prefix of handles.get(used) ?? []) {
      if (!continues(text, from, prefix)) continue;
      const suffix = suffixAt(text, from);
      yield { tag: prefix + unescaped(suffix), end: from + suffix.length };
    }
  }
}

/**
 * Whether the rest of a Python tag follows its prefix at a place. It is compared character by
 * character, so that a text full of exclamation marks costs one comparison each.
 */
function continues(text: string, from: number, prefix: string): boolean {
  if (!PYTHON_PREFIX.startsWith(prefix)) return prefix.startsWith(PYTHON_PREFIX);
  let at = from;
  for (let next = prefix.length; next < PYTHON_PREFIX.length; next++) {
    const escaped = text[at] === "%";
    const code = escaped ? parseInt(text.slice(at + 1, at + 3), 16) : text.charCodeAt(at);
    if (code !== PYTHON_PREFIX.charCodeAt(next)) return false;
    at += escaped ? 3 : 1;
  }
  return true;
}

function suffixAt(text: string, at: number): string {
  SUFFIX.lastIndex = at;
  return SUFFIX.exec(text)?.[0] ?? "";
}

function unescaped(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(/(?:%[\da-fA-F]{2})+/gu, (all) => {
    const codes = all.slice(1).split("%").map((digits) => parseInt(digits, 16));
    return new TextDecoder().decode(Uint8Array.from(codes));
  });
}
