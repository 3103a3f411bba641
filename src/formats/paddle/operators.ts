/**
 * The operators of a Paddle program, gathered by name, with the texts that they are given.
 *
 * @module
 */

import { LimitError } from "../../core/errors.ts";
import type { Evidence, Observation } from "../../core/types.ts";

/** An operator of a block, with the attributes of it that are texts. */
interface Operator {
  readonly name: string;
  /** In order; equal names too. */
  readonly texts: readonly (readonly [attribute: string, text: string])[];
  /** What is around it, for instance `block 2`; empty in the program itself. */
  readonly place: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
}

interface Use {
  readonly first: Operator;
  readonly role: string | undefined;
  count: number;
  readonly evidence: Map<string, Evidence>;
}

/** Operators of different names. The largest release has 1,700. CWE-770. */
const OPERATORS = 50_000;
/** Texts of one operator that are reported. CWE-779. */
const EVIDENCE_KEPT = 20;
/** Characters of a text that are reported: evidence, and no listing. CWE-779. */
const TEXT_LENGTH = 2048;
/** Characters of an attribute in an expression, and attributes in it. CWE-779. */
const ATTRIBUTE_LENGTH = 120;
const ATTRIBUTES_SHOWN = 8;

/**
 * Attributes that the framework writes beside an operator's own: where in the source it was made, on which
 * device, for which layer (`op_proto_maker.cc`, `pir/serialize_deserialize/src/schema.cc`).
 */
const FRAMEWORK = new Set([
  "op_callstack",
  "op_namescope",
  "op_device",
  "op_role_var",
  "struct_name",
]);

/**
 * Attributes with which an operator reaches further than it does without, by operator: it writes a log to a
 * folder, or asks servers for the rows of its table (`check_numerics_kernel`, `lookup_table_op.cc`).
 */
const REACHING: Readonly<Record<string, { readonly attribute: string; readonly role: string }>> = {
  __proto__: null as never,
  check_numerics: { attribute: "output_dir", role: "file" },
  lookup_table: { attribute: "epmap", role: "network" },
  lookup_table_v2: { attribute: "epmap", role: "network" },
  hierarchical_sigmoid: { attribute: "epmap", role: "network" },
  nce: { attribute: "epmap", role: "network" },
};

/** Gathers the operators of one program. */
export class Operators {
  readonly #uses = new Map<string, Use>();

  /** @throws LimitError when there are too many different operators */
  add(operator: Operator): void {
    const role = roleOf(operator);
    const key = `${role ?? ""}\n${operator.name}`;
    let use = this.#uses.get(key);
    if (use === undefined) {
      if (this.#uses.size >= OPERATORS) {
        throw new LimitError("values", `There are more than ${OPERATORS} different operators`);
      }
      use = { first: operator, role, count: 0, evidence: new Map() };
      this.#uses.set(key, use);
    }
    use.count++;
    for (const [attribute, text] of operator.texts) {
      if (use.evidence.size >= EVIDENCE_KEPT) break;
      if (text === "" || FRAMEWORK.has(attribute)) continue;
      const kind = kindOf(attribute, text);
      const cut = text.length > TEXT_LENGTH;
      use.evidence.set(`${kind}\n${text}`, { kind, text: text.slice(0, TEXT_LENGTH), cut });
    }
  }

  /** One fact for each operator, in the order of their first uses. */
  facts(): Observation[] {
    return [...this.#uses.values()].map(({ first, role, count, evidence }): Observation => {
      const place = first.place === "" ? "" : ` in ${first.place}`;
      const more = count > 1 ? ` and at ${count - 1} more` : "";
      const expression = `${first.name}(${written(first)})${place}${more}`.slice(0, TEXT_LENGTH);
      return {
        type: "fact",
        fact: {
          kind: "operator",
          language: "paddle",
          name: first.name,
          expression,
          ...(role !== undefined && { role }),
          evidence: [...evidence.values()],
        },
        count,
        offset: first.offset,
      };
    });
  }
}

function roleOf({ name, texts }: Operator): string | undefined {
  const reaching = REACHING[name.replace(/^pd_op\./u, "")];
  return reaching !== undefined &&
      texts.some(([attribute, text]) => attribute === reaching.attribute && text !== "")
    ? reaching.role
    : undefined;
}

function kindOf(attribute: string, text: string): Evidence["kind"] {
  if (/(?:lambda|command)$/u.test(attribute)) return "code";
  if (/^[a-z][\w+.-]{1,20}:\/\//iu.test(text)) return "url";
  if (/(?:file|path|dir)/iu.test(attribute)) return "path";
  return /(?:endpoint|epmap)/iu.test(attribute) ? "address" : "text";
}

function written({ texts }: Operator): string {
  return texts.filter(([attribute, text]) => text !== "" && !FRAMEWORK.has(attribute))
    .slice(0, ATTRIBUTES_SHOWN)
    .map(([attribute, text]) =>
      `${attribute.slice(0, ATTRIBUTE_LENGTH)}=${JSON.stringify(text.slice(0, ATTRIBUTE_LENGTH))}`
    ).join(", ");
}
