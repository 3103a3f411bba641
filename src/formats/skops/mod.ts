/**
 * The schema of a skops file: JSON whose nodes name the class or function that each part of a model is
 * made of, and the loader that makes it. Loading imports what is named and, node by node, calls it,
 * after comparing the names with those that the user trusts; the comparison has been led astray
 * (CVE-2025-54412, CVE-2025-54413). Arrays lie beside the schema and are scanned for themselves.
 * `skops/io/_audit.py`, `_general.py`, `_numpy.py`, `_sklearn.py` in https://github.com/skops-dev/skops
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { jsonLetters, parseJson } from "../../parsers/json.ts";
import type { Source } from "../../core/source.ts";
import { readAll } from "../../sources/read_all.ts";
import type { Observation } from "../../core/types.ts";
import { type Format, type FormatContext, type Sample, SAMPLE_BYTES } from "../../core/format.ts";
import { SkopsWalk } from "./walk.ts";

/**
 * Bytes of a schema, which is read at once; those of ensembles of thousands of trees have some tens of
 * megabytes. CWE-770.
 */
const SCHEMA_BYTES = 128 * 1024 * 1024;
/** Objects, arrays and their members. The largest of the samples, a forest, has 4,205. CWE-770. */
const SCHEMA_VALUES = 8_000_000;

/** Schemas of skops files. */
export const skopsFormat: Format = { id: "skops", random: false, detect, scan };

/** What a `.skops` archive calls its schema, or JSON with the keys of a node. */
function detect({ head, hint }: Sample): boolean {
  if (hint === HINT.skopsSchema) return head.length > 0;
  const text = jsonLetters(head);
  if (!/^[^\x21-\x7e]{0,64}\{/u.test(text)) return false;
  const isNode = /"__loader__"\s*:/u.test(text) && /"__(?:module|class)__"\s*:/u.test(text);
  // Keys may stand in any order, behind as much as the author likes.
  return isNode || (hint === HINT.skopsSchemaMaybe && head.length >= SAMPLE_BYTES);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = () => context.checkDeadline();
  const bytes = await readAll(source, SCHEMA_BYTES, "a schema", check);
  const { value, error } = parseJson(bytes, Math.min(SCHEMA_VALUES, context.limits.values));
  const walk = new SkopsWalk(check);
  if (value !== undefined) walk.add(value);
  yield walk.finish();
  const certain = context.sample.hint === HINT.skopsSchema;
  if (error !== undefined) {
    yield [{
      type: "anomaly",
      rule: "skops-malformed",
      detail: `${error.message}, at byte ${error.offset}`,
      offset: error.offset,
      unread: true,
    }];
  } else if (certain && walk.nodes === 0) {
    const detail = "There is no node in it";
    yield [{ type: "anomaly", rule: "skops-malformed", detail, unread: true }];
  }
}
