/**
 * `str.format` and `format_map`: what the fields of a pattern reach, and the text that they come to.
 *
 * @module
 */

import { type Given, onlyKnown } from "./arguments.ts";
import { memberOf } from "./collections.ts";
import { type Abstract, NOMINAL, NUMBER, TEXT } from "./domain.ts";
import { parsePattern, type Piece } from "./format_fields.ts";
import type { Machine, Place } from "./machine.ts";
import { shownPlain, textOrNumber } from "./operators.ts";
import { specified } from "./plain.ts";
import { ESCAPED, MOST, widthOf } from "./sizes.ts";

/** Arguments that a mapping stands for. */
export function ofMapping(machine: Machine, given: Given): Given {
  const [mapping] = given.positional;
  const only = mapping === undefined ? undefined : onlyKnown(mapping);
  const { domain } = machine;
  const others = mapping === undefined
    ? given.more ?? given.others ?? domain.text
    : domain.join(...mapping.known.map((one) => domain.elements(one)), domain.of([], mapping.rest));
  if (
    typeof only !== "object" || only?.type !== "dict" || machine.changed(only) !== domain.nothing
  ) {
    return { positional: [], named: new Map(), more: others, others };
  }
  const named = only.pairs.flatMap(([key, value]) => {
    const name = onlyKnown(key);
    return typeof name === "string" ? [[name, value] as const] : [];
  });
  const more = named.length < only.pairs.length ? others : undefined;
  return { positional: [], named: new Map(named), more, others: more };
}

/** `pattern.format(…)`: reaches what its fields name. */
export function format(machine: Machine, pattern: Abstract, given: Given, place: Place): Abstract {
  const { domain } = machine;
  const results: Abstract[] = [];
  for (const one of pattern.known) {
    if (typeof one === "string") results.push(formatted(machine, one, given, place, 0));
    else if (typeof one === "object" && one !== null) {
      // A dictionary may hold something to call under that name; a list has none.
      const member = one.type === "dict"
        ? memberOf(machine, one, machine.lift("format"))
        : undefined;
      const held = member ?? domain.join(domain.elements(one), machine.changed(one));
      results.push(machine.call(held, given, place));
    }
  }
  if ((pattern.rest & ~NUMBER) !== 0) {
    machine.unknown(place, "attribute");
    results.push(domain.text);
  }
  return domain.join(...results);
}

function formatted(
  machine: Machine,
  pattern: string,
  given: Given,
  place: Place,
  depth: number,
): Abstract {
  const { domain } = machine;
  const width = widthOf(pattern);
  if (width > MOST) machine.cost(place, "pad", width);
  const { pieces, complete } = parsePattern(pattern);
  let all = domain.known("");
  let next = 0;
  for (const piece of pieces) {
    if (piece.type === "text") {
      all = textOrNumber(machine, "+", all, domain.known(piece.text), place);
      continue;
    }
    const number = piece.argument === "" ? next++ : undefined;
    const value = fieldValue(machine, piece, number, given, place);
    let specification = domain.known(piece.specification);
    if (/[{}]/u.test(piece.specification)) {
      const inner = depth > 1
        ? domain.text
        : formattedFrom(machine, piece.specification, given, place, depth + 1, next);
      next += (piece.specification.match(/\{(?=[}:!.[])/gu) ?? []).length;
      specification = inner;
    }
    all = textOrNumber(
      machine,
      "+",
      all,
      fieldText(machine, piece, value, specification, place),
      place,
    );
  }
  return complete ? all : domain.join(all, domain.text);
}

/** A specification whose fields without numbers take the arguments behind those already taken. */
function formattedFrom(
  machine: Machine,
  pattern: string,
  given: Given,
  place: Place,
  depth: number,
  taken: number,
): Abstract {
  return formatted(
    machine,
    pattern,
    { ...given, positional: given.positional.slice(taken) },
    place,
    depth,
  );
}

function fieldValue(
  machine: Machine,
  piece: Extract<Piece, { type: "field" }>,
  number: number | undefined,
  given: Given,
  place: Place,
): Abstract {
  const { domain } = machine;
  const place_ = number ?? (/^\d+$/u.test(piece.argument) ? Number(piece.argument) : undefined);
  let value = place_ === undefined
    ? given.named.get(piece.argument) ?? given.others ??
      domain.join(...given.positional, domain.text)
    : given.positional[place_] ?? given.more ?? domain.undefined;
  for (const { attribute, name } of piece.steps) {
    if (attribute) value = machine.attribute(value, name, place);
    else {
      const index = /^\d+$/u.test(name) ? Number(name) : name;
      value = machine.item(value, machine.lift(index), place);
    }
  }
  return value;
}

function fieldText(
  machine: Machine,
  { conversion }: Extract<Piece, { type: "field" }>,
  value: Abstract,
  specification: Abstract,
  place: Place,
): Abstract {
  const { domain } = machine;
  const size = Math.max(
    value.size,
    ...specification.known.map((one) =>
      typeof one === "string" ? Number(/(\d{1,400})\w?$/u.exec(one.slice(-401))?.[1] ?? 0) : 0
    ),
  );
  if (size > MOST && value.size <= MOST) machine.cost(place, "pad", size);
  const written = conversion === "r" || conversion === "a" ? size * ESCAPED : size;
  if (specification.rest !== 0) {
    if ((specification.rest & ~NUMBER) !== 0 || specification.size > 0) {
      return domain.of([], TEXT, { size: Math.max(written, NOMINAL) });
    }
  }
  const shown = conversion === "s" ? machine.display(value) : value;
  const results = shown.known.flatMap((one) =>
    specification.known.map((by) => {
      const plain = conversion !== "" && conversion !== "s"
        ? undefined
        : by === ""
        ? shownPlain(machine, one)
        : machine.plain(one);
      const text = plain === undefined || typeof by !== "string" ? undefined : specified(plain, by);
      return text === undefined ? domain.of([], TEXT, { size: written }) : domain.known(text);
    })
  );
  return domain.join(...results, domain.of([], shown.rest === 0 ? 0 : TEXT, { size: written }));
}
