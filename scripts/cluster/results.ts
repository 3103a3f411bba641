/**
 * Results of workers, compared as the schema says: without its volatile fields, and sorted.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./services.ts";

interface Schema {
  readonly "x-volatile"?: boolean;
  readonly $ref?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly oneOf?: readonly Schema[];
  readonly $defs?: Readonly<Record<string, Schema>>;
}

const SCHEMA = JSON.parse(
  readFileSync(join(ROOT, "docs/worker-result.schema.json"), "utf8"),
) as Schema;

/** The lines without the fields that the schema marks as volatile, sorted. */
function lasting(lines: readonly string[]): readonly string[] {
  return lines.map((line) => JSON.stringify(without(JSON.parse(line), SCHEMA))).sort();
}

/** The non-empty lines of a text, which ends with a whole one. */
export function linesOf(text: string): readonly string[] {
  assert.ok(text === "" || text.endsWith("\n"), "the last line is cut off");
  return text.split("\n").filter((it) => it !== "");
}

/** Demands that each task has one result, and that the results are those of another run. */
export function assertSame(
  tasks: readonly string[],
  expected: readonly string[],
  actual: readonly string[],
): void {
  const ids = (lines: readonly string[]): readonly string[] =>
    lines.map((line) => (JSON.parse(line) as { readonly id: string }).id).sort();
  assert.deepEqual(ids(actual), ids(tasks));
  const [one, other] = [lasting(actual), lasting(expected)];
  const first = one.findIndex((line, at) => line !== other[at]);
  assert.equal(one[first], other[first]);
}

function without(value: unknown, schema: Schema): unknown {
  const name = schema.$ref?.replace("#/$defs/", "");
  const own = name === undefined ? schema : SCHEMA.$defs?.[name] ?? {};
  if (Array.isArray(value)) return value.map((it) => without(it, own.items ?? {}));
  if (typeof value !== "object" || value === null) return value;
  const fields = own.properties ??
    own.oneOf?.map((it) => SCHEMA.$defs?.[it.$ref?.replace("#/$defs/", "") ?? ""]?.properties)
      .find((it) => it !== undefined) ??
    {};
  return Object.fromEntries(
    Object.entries(value).filter(([key]) => fields[key]?.["x-volatile"] !== true)
      .map(([key, it]) => [key, without(it, fields[key] ?? {})]),
  );
}
