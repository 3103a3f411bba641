/**
 * R's data files: what `saveRDS` and `save` write, in XDR, binary or ASCII, mostly compressed. A file of
 * `save` is the list of a workspace's variables behind a line that says so.
 *
 * Data may hold code: calls, functions, promises. A promise that nothing has looked at yet runs its
 * expression as soon as a program does; outside an environment no R program can make one
 * (CVE-2024-27322). In an environment they are the arguments that a function was given, and
 * harmless unless they call what no model calls.
 * R Internals 1.8, https://cran.r-project.org/doc/manuals/r-release/R-ints.html#Serialization-Formats
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { hiddenEntry } from "../../parsers/trailing.ts";
import type { Source } from "../../core/source.ts";
import type { Observation, OperatorFact } from "../../core/types.ts";
import { latin1 } from "../../parsers/bytes.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import { callsIn, FunctionCalls, type RClosure, rendered, type RValue } from "./code.ts";
import { RdsItems } from "./items.ts";
import type { Place, RdsListener } from "./walk.ts";
import { type Notation, RdsReader } from "./reader.ts";

/** `R_Serialize`: versions since R 1.4; 3 since R 3.5, 4 in development. */
const VERSIONS = [2, 3, 4];
/** `saveload.c`: the magic of a workspace. */
const WORKSPACE = /^RD[ABX]\d\n/u;
/** Of ASCII: a letter, three numbers and the space between them. */
const HEADER_BYTES = 256;
/** `R_CODESET_MAX`. */
const ENCODING_BYTES = 63;
/** Distinct functions of each kind that are reported. The most seen are 69. CWE-779. */
const FUNCTIONS = 20_000;
/** Calls of such a function that are shown. More are counted. CWE-779. */
const CALLS_SHOWN = 16;
/** Functions that R runs by their names when it restores a workspace as it starts, or ends. */
const STARTUP = /^\.(?:First|Last)(?:\.(?:sys|lib))?$/u;

/** R's data files. */
export const rdsFormat: Format = { id: "rds", random: false, detect, scan };

/** A workspace's magic, or a notation (R checks the first of its two bytes) and versions. */
function detect({ head }: Sample): boolean {
  const text = latin1(head, HEADER_BYTES);
  if (WORKSPACE.test(text)) return true;
  if (/^\n?A[^]\s*[234]\s+-?\d+\s+-?\d+\s/u.test(text)) return true;
  if (head.length < 6 || !/^[XB]/u.test(text)) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  return VERSIONS.includes(view.getInt32(2)) ||
    (text.startsWith("B") && VERSIONS.includes(view.getInt32(2, true)));
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const listener = new Listener(context);
  const reader = new RdsReader(source, () => context.checkDeadline());
  try {
    const workspace = await header(reader);
    const items = new RdsItems(reader, listener, context.limits.values);
    await items.read(workspace ? "variables" : "root");
    const rest = await reader.rest();
    if (rest > 0) {
      const again = source.access === "random" ? source : source.again?.();
      listener.trailing(reader.offset, again === undefined);
      if (again !== undefined) {
        yield [await hiddenEntry(again, "(data behind the object)", reader.offset)];
      }
    }
  } catch (error) {
    if (!(error instanceof FormatError)) {
      yield listener.observations();
      throw error;
    }
    listener.broken(error);
  }
  yield listener.observations();
}

/**
 * Reads what stands before the object.
 *
 * @returns true for a workspace
 */
async function header(reader: RdsReader): Promise<boolean> {
  await reader.ready();
  let first = reader.byte();
  const workspace = first === 0x52;
  if (workspace) {
    reader.skipNumbers(2, 1);
    const version = reader.byte();
    if (version < 0x32) {
      throw new FormatError("It was written by R before 1.4, whose format is not read", 3);
    }
    reader.skipNumbers(1, 1);
    first = reader.byte();
  }
  if (first === 0x0a) first = reader.byte();
  reader.skipNumbers(1, 1);
  reader.notation = await notationOf(first, reader);
  const version = reader.int();
  if (!VERSIONS.includes(version)) {
    throw new FormatError(`Version ${version} of the format does not exist`, reader.offset);
  }
  reader.int();
  reader.int();
  if (version === 2) return workspace;
  const length = reader.int();
  if (length < 0 || length > ENCODING_BYTES) {
    throw new FormatError(`The name of its encoding has ${length} bytes`, reader.offset);
  }
  reader.skipText(length);
  return workspace;
}

/** The letter says it; binary files are in the order of the machine that wrote them. */
async function notationOf(letter: number, reader: RdsReader): Promise<Notation> {
  if (letter === 0x41) return "ascii";
  if (letter === 0x58) return "xdr";
  if (letter !== 0x42) throw new FormatError("Its notation is none of R's", reader.offset);
  await reader.ready();
  return reader.peek() === 0 ? "xdr" : "little";
}

/** Gathers what the walk tells. */
class Listener implements RdsListener {
  readonly #context: FormatContext;
  readonly #facts = new Map<string, { fact: OperatorFact; offset: number; count: number }>();
  readonly #anomalies: Observation[] = [];
  readonly #functionCalls = new FunctionCalls();
  #functions = 0;

  constructor(context: FormatContext) {
    this.#context = context;
  }

  promise(place: Place, expression: RValue, offset: number): void {
    if (place !== "binding") {
      const text = rendered(expression);
      this.#add(
        `unbound\n${text}`,
        "promise",
        "unbound",
        offset,
        () => [`a promise of ${text}`, text],
      );
      return;
    }
    this.#calls(callsIn(expression), "delayed", "a promise in an environment", offset);
  }

  closure(closure: RClosure, offset: number): void {
    this.#add("present", "function", "present", offset, () => ["a function", ""]);
    this.#calls(this.#functionCalls.of(closure), "closure", "a function", offset);
  }

  active(binding: string, value: RValue, offset: number): void {
    this.#calls(callsIn(value), "active", `an active binding "${binding}"`, offset);
  }

  variable(name: string, value: RValue, offset: number): void {
    if (!STARTUP.test(name) || value.kind !== "closure") return;
    this.#add(`startup\n${name}`, name, "startup", offset, () => {
      const calls = [...callsIn(value).values()].slice(0, CALLS_SHOWN).map(rendered);
      return [`a function "${name}"`, calls.join("; ")];
    });
  }

  altrep(name: string, offset: number): void {
    this.#add(
      `altrep\n${name}`,
      name,
      "altrep",
      offset,
      () => [`an object of the class "${name}"`, ""],
    );
  }

  trailing(offset: number, unread: boolean): void {
    const detail = "R reads one object and leaves the rest";
    const rule = "r-trailing-data";
    this.#anomalies.push({ type: "anomaly", rule, detail, offset, ...(unread && { unread }) });
  }

  broken({ message, offset }: FormatError): void {
    this.#anomalies.push({
      type: "anomaly",
      rule: message === "It is cut off" ? "r-truncated" : "r-malformed",
      detail: message,
      ...(offset !== undefined && { offset }),
      unread: true,
    });
  }

  observations(): readonly Observation[] {
    const facts = [...this.#facts.values()].map((one): Observation => ({ type: "fact", ...one }));
    return [...this.#anomalies, ...facts];
  }

  #calls(calls: ReadonlyMap<string, RValue>, role: string, whose: string, offset: number): void {
    for (const [name, call] of calls) {
      this.#add(`${role}\n${name}`, name, role, offset, () => {
        const text = rendered(call);
        return [`${whose} that calls ${text}`, text];
      });
    }
  }

  /**
   * One fact for each key.
   *
   * @param shown writes the expression and its code, where it is the first
   */
  #add(
    key: string,
    name: string,
    role: string,
    offset: number,
    shown: () => readonly [expression: string, code: string],
  ): void {
    const known = this.#facts.get(key);
    if (known !== undefined) {
      known.count++;
      return;
    }
    if (this.#functions >= FUNCTIONS) {
      if (this.#functions++ > FUNCTIONS) return;
      const detail = `It calls more than ${FUNCTIONS} different functions`;
      this.#anomalies.push({ type: "anomaly", rule: "r-malformed", detail, unread: true });
      return;
    }
    this.#functions++;
    this.#context.checkDeadline();
    const [expression, code] = shown();
    const evidence = code === "" ? {} : {
      evidence: [{ kind: "code", text: code.slice(0, 2048), cut: code.length > 2048 }] as const,
    };
    const fact: OperatorFact = {
      kind: "operator",
      language: "r",
      name,
      role,
      expression,
      ...evidence,
    };
    this.#facts.set(key, { fact, offset, count: 1 });
  }
}
