/**
 * One task of `modelaudit worker`, as a line of JSON has it; `docs/worker-task.schema.json` describes it.
 *
 * @module
 */

import type { Failure } from "./failure.ts";

/** Bytes of a line. A repository of 200,000 files takes some 40 MB. CWE-770. */
export const LINE_BYTES = 64 * 1024 * 1024;

/** Characters of an id. CWE-770. */
const ID_LENGTH = 4096;

/** Characters of an address or path; Linux takes paths of 4,096 bytes. CWE-770. */
const PLACE_LENGTH = 16_384;

/** Characters of an object id. S3's ETags have 35. CWE-770. */
const ETAG_LENGTH = 1024;

/** Files of a repository; as many as are taken from the hub's own listing. CWE-770. */
const SIBLINGS = 200_000;

/** A file of the repository that the target is, or lies in. */
interface Sibling {
  /** From the root of the repository. */
  readonly path: string;
  readonly size?: number | undefined;
  /** Lower-case hexadecimal. */
  readonly sha256?: string | undefined;
  /** The store's own id of the object. */
  readonly etag?: string | undefined;
}

/** What is to be scanned; exactly one of `uri` and `path` is there. */
export interface Task {
  readonly id: string;
  readonly uri?: string | undefined;
  readonly path?: string | undefined;
  /** A commit. */
  readonly revision?: string | undefined;
  /** Lower-case hexadecimal. */
  readonly sha256?: string | undefined;
  readonly etag?: string | undefined;
  readonly size?: number | undefined;
  readonly siblings?: readonly Sibling[] | undefined;
}

/** A line that is no task. */
export interface InvalidTask {
  /** Undefined where none could be found. */
  readonly id: string | undefined;
  readonly failure: Failure;
}

/** What is wrong with a line. */
class Invalid extends Error {}

/**
 * Reads a line.
 *
 * @param bytes of a line; undefined for one that is longer than is read
 */
export function parseTask(bytes: Uint8Array | undefined): Task | InvalidTask {
  let id: string | undefined;
  try {
    if (bytes === undefined) throw new Invalid(`The line is longer than ${LINE_BYTES} bytes`);
    const value = jsonOf(bytes);
    if (!isRecord(value)) throw new Invalid("The line is no JSON object");
    const given = value["id"];
    id = textOf(value, "id", ID_LENGTH);
    if (id === undefined) {
      throw new Invalid(given === undefined ? "The task has no id" : "The id is no text");
    }
    return taskOf(id, value);
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    return {
      id,
      failure: { class: "final", reason: "invalid-task", message: error.message, after: null },
    };
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Invalid("The line is no JSON in UTF-8");
  }
}

function taskOf(id: string, value: Readonly<Record<string, unknown>>): Task {
  const uri = textOf(value, "uri", PLACE_LENGTH);
  const path = textOf(value, "path", PLACE_LENGTH);
  if ((uri === undefined) === (path === undefined)) {
    throw new Invalid("A task has either a uri or a path");
  }
  if (path?.includes("\0")) throw new Invalid("The path has a NUL in it");
  const revision = textOf(value, "revision", 64);
  if (revision !== undefined && !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(revision)) {
    throw new Invalid("The revision is no commit: 40 or 64 hexadecimal digits in lower case");
  }
  const siblings = value["siblings"];
  if (siblings === undefined || siblings === null) {
    return { id, uri, path, revision, ...objectOf(value) };
  }
  if (!Array.isArray(siblings) || siblings.length > SIBLINGS) {
    throw new Invalid(`The siblings are no list of at most ${SIBLINGS} files`);
  }
  if (revision === undefined) throw new Invalid("Siblings need a revision, which they are of");
  const paths = new Set<string>();
  const files = siblings.map((one: unknown): Sibling => {
    if (!isRecord(one)) throw new Invalid("A sibling is no JSON object");
    const name = textOf(one, "path", PLACE_LENGTH);
    if (name === undefined) throw new Invalid("A sibling has no path");
    if (paths.has(name)) throw new Invalid("Two siblings have the same path");
    paths.add(name);
    return { path: name, ...objectOf(one) };
  });
  return { id, uri, path, revision, ...objectOf(value), siblings: files };
}

/** Which object is meant. */
function objectOf(
  value: Readonly<Record<string, unknown>>,
): Pick<Task, "sha256" | "etag" | "size"> {
  const sha256 = textOf(value, "sha256", 64);
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new Invalid("A sha256 is no 64 hexadecimal digits in lower case");
  }
  const etag = textOf(value, "etag", ETAG_LENGTH);
  const size = value["size"] ?? undefined;
  if (size !== undefined && !(Number.isSafeInteger(size) && Number(size) >= 0)) {
    throw new Invalid("A size is no whole number of at least 0");
  }
  return { sha256, etag, ...(typeof size === "number" && { size }) };
}

/** A text that is not empty; undefined where there is none. */
function textOf(
  value: Readonly<Record<string, unknown>>,
  name: string,
  length: number,
): string | undefined {
  const text = Object.hasOwn(value, name) ? value[name] ?? undefined : undefined;
  if (text === undefined) return undefined;
  if (typeof text === "string" && text !== "" && text.length <= length && text.isWellFormed()) {
    return text;
  }
  throw new Invalid(`The field ${name} is no text of 1 to ${length} characters`);
}

/** True for a JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
