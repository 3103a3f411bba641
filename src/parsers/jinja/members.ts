/**
 * Attributes and items, as `environment.getattr` and `getitem` of Jinja read them.
 *
 * @module
 */

import { onlyKnown } from "./arguments.ts";
import type { Expression, Tag } from "./ast.ts";
import { type Abstract, CHARACTERS, DATA, type Known, NUMBER, OPEN, TEXT } from "./domain.ts";
import { heldUnder } from "./heap.ts";
import type { Place } from "./machine.ts";
import { memberOf } from "./collections.ts";
import { hasAttribute, isInternal, surelyHasAttribute } from "./names.ts";
import { sliced } from "./plain.ts";
import type { Run } from "./run.ts";
import { guardOf, writtenAs } from "./scopes.ts";

export function readAttribute(run: Run, object: Abstract, name: string, place: Place): Abstract {
  const { domain } = run;
  if (isInternal(name)) run.reach(place, name);
  const results = object.known.map((one) => attributeOf(run, one, name, object.size));
  if ((object.rest & OPEN) !== 0) results.push(domain.open);
  if ((object.rest & ~OPEN) !== 0) {
    const rest = domain.of([], object.rest & ~OPEN, object);
    results.push(domain.of([], object.rest & DATA, object));
    if (
      (object.rest & ~NUMBER) !== 0 &&
      (name === "format" || name === "format_map" || (object.rest & TEXT) !== 0)
    ) {
      results.push(domain.known({ type: "method", receiver: rest, name }));
      if (!surelyHasAttribute("str", name)) results.push(domain.undefined);
    }
  }
  if (isInternal(name)) results.push(domain.open);
  const mutated = heldUnder(run, "data");
  if (mutated !== undefined && (object.rest & DATA) !== 0) results.push(mutated);
  return domain.join(...results);
}

export function attributeOf(run: Run, value: Known, name: string, size: number): Abstract {
  const { domain } = run;
  const receiver = domain.of([value], 0, { size });
  if (value === null) return domain.undefined;
  if (typeof value !== "object") {
    if (typeof value !== "string") return possibleMethod(run, receiver, name, false);
    return hasAttribute("str", name)
      ? possibleMethod(run, receiver, name, surelyHasAttribute("str", name))
      : domain.undefined;
  }
  switch (value.type) {
    case "namespace": {
      const { site } = value;
      const own = heldUnder(run, `${site}.${name}`);
      const any = heldUnder(run, `${site} any`) ?? domain.nothing;
      return domain.join(own ?? domain.undefined, any);
    }
    case "loop":
      // There is none before the first and behind the last.
      if (name === "previtem" || name === "nextitem") {
        return domain.join(loopItems(run, value.tag), domain.undefined);
      }
      return /^(?:cycle|changed)$/u.test(name)
        ? domain.known({ type: "method", receiver, name })
        : domain.number;
    case "dict": {
      const method = hasAttribute("dict", name)
        ? possibleMethod(run, receiver, name, surelyHasAttribute("dict", name))
        : domain.undefined;
      const member = memberOf(run, value, domain.known(name));
      // `x.keys` is the method, whatever the dictionary holds; other renderers ask it first.
      if (member !== undefined) {
        return hasAttribute("dict", name) ? domain.join(method, member) : member;
      }
      return domain.join(method, domain.elements(value), run.changed(value));
    }
    case "function":
      if (value.name === "self") {
        return domain.join(
          domain.known({ type: "function", name: `self.${name}` }),
          run.blocks.has(name) ? domain.nothing : domain.undefined,
        );
      }
      return domain.open;
    case "macro":
    case "caller":
    case "method":
      return domain.data;
    case "undefined":
      return domain.undefined;
    case "list": {
      const at = value.fields?.indexOf(name) ?? -1;
      return value.items[at] ??
        (hasAttribute("list", name)
          ? possibleMethod(
            run,
            receiver,
            name,
            !value.tuple && value.lazy === undefined && surelyHasAttribute("list", name),
          )
          : domain.undefined);
    }
    case "many":
      return domain.join(possibleMethod(run, receiver, name, false), value.element);
    case "object":
      // What a cycler is at and goes through, what a joiner writes: any of it.
      return domain.join(
        domain.known({ type: "method", receiver, name }),
        name === "items" ? domain.many(value.items) : value.items,
        domain.number,
        domain.undefined,
      );
  }
}

/** A method that a value has, surely or not. */
function possibleMethod(run: Run, receiver: Abstract, name: string, sure: boolean): Abstract {
  const method = run.domain.known({ type: "method", receiver, name });
  return sure ? method : run.domain.join(method, run.domain.undefined);
}

function loopItems(run: Run, tag: Tag): Abstract {
  const [iterated] = tag.expressions;
  const value = iterated === undefined ? undefined : run.values.get(iterated);
  return value === undefined ? run.domain.data : run.iterate(value).element;
}

export function evaluateItem(
  run: Run,
  expression: Extract<Expression, { type: "item" }>,
): Abstract {
  const object = run.evaluate(expression.object);
  const { index } = expression;
  if (index.type === "slice") return slicedBy(run, object, index);
  const key = run.evaluate(index);
  const guarded = run.guards.includes(guardOf(run, expression.object, index)) ||
    (key.keyOf !== "" && key.keyOf === writtenAs(run, expression.object));
  if (
    guarded && object.known.every((one) => typeof one !== "string") &&
    (object.rest & ~(DATA | NUMBER)) === 0
  ) {
    // A key that a dictionary has is found there.
    return lookedUp(run, object, run.domain.of([], NUMBER));
  }
  return run.item(object, key, expression);
}

export function readItem(run: Run, object: Abstract, index: Abstract, place: Place): Abstract {
  const { domain } = run;
  const results: Abstract[] = [];
  const texts = index.known.filter((one) => typeof one === "string");
  for (const one of texts) results.push(namedItem(run, object, one, place));
  const numbers = index.known.filter((one) => typeof one !== "string");
  if (numbers.length > 0 || (index.rest & NUMBER) !== 0) {
    results.push(lookedUp(run, object, domain.of(numbers, index.rest & NUMBER, index)));
  }
  if ((index.rest & ~NUMBER) !== 0) {
    results.push(lookedUp(run, object, index));
    // A part of the conversation as it is may choose from a table of the template's own.
    const table = (object.rest & ~NUMBER) === 0 && object.known.length > 0 &&
      object.known.every((one) => typeof one === "object" && one?.type === "dict");
    if (!(table && index.rest === DATA)) {
      run.unknown(place, "attribute");
    }
    results.push(domain.open);
  }
  return domain.join(...results);
}

/** An item by a name, or the attribute of that name. */
function namedItem(run: Run, object: Abstract, name: string, place: Place): Abstract {
  const { domain } = run;
  const own = object.known.map((one) =>
    typeof one === "object" && one?.type === "dict"
      ? memberOf(run, one, domain.known(name))
      : undefined
  );
  if (object.rest === 0 && own.length > 0 && !own.includes(undefined)) {
    return domain.join(...own.map((one) => one ?? domain.nothing));
  }
  return domain.join(
    run.attribute(object, name, place),
    ...own.map((one) => one ?? domain.nothing),
    ...object.known.map((one) =>
      typeof one === "object" && one !== null &&
        (one.type === "many" ||
          one.type === "dict" &&
            (one.site !== undefined || one.pairs.some(([key]) => onlyKnown(key) === undefined)))
        ? domain.join(domain.elements(one), run.changed(one))
        : domain.nothing
    ),
  );
}

/** Items by numbers, and any item where the index is not known. */
function lookedUp(run: Run, object: Abstract, index: Abstract): Abstract {
  const { domain } = run;
  const results: Abstract[] = [];
  const numbers = index.known.filter((one) => typeof one === "number");
  const exact = index.rest === 0 && numbers.length === index.known.length;
  for (const one of object.known) {
    if (exact) {
      for (const at of numbers) results.push(itemAt(run, one, at));
    } else {
      results.push(
        typeof one === "string" && one.length > 4096
          ? domain.of([], TEXT, { size: 1 })
          : domain.elements(one),
        run.changed(one),
      );
      if (typeof one === "object" && one?.type === "dict") results.push(domain.undefined);
    }
    if (typeof one === "object" && one?.type === "namespace") results.push(domain.open);
  }
  if ((object.rest & (DATA | OPEN)) !== 0) {
    results.push(domain.of([], object.rest & (DATA | OPEN), object));
    const mutated = heldUnder(run, "data");
    if (mutated !== undefined) results.push(mutated);
  }
  if ((object.rest & TEXT) !== 0) results.push(domain.of([], TEXT, object));
  const present = exact && object.rest === 0 && object.known.length > 0;
  return domain.join(...results, present ? domain.nothing : domain.undefined);
}

function itemAt(run: Run, value: Known, at: number): Abstract {
  const { domain } = run;
  if (typeof value === "string") {
    const letters = [...value.slice(0, CHARACTERS)];
    const letter = letters.at(at);
    return letter === undefined ? domain.undefined : domain.known(letter);
  }
  if (typeof value !== "object" || value === null) return domain.undefined;
  if (value.type === "list") {
    // An iterator has no items by number, and only some renderers give lists in its place.
    if (value.lazy === "iterator" || value.lazy === "view") {
      return domain.join(value.items.at(at) ?? domain.nothing, domain.undefined);
    }
    if (value.lazy === "held") {
      return domain.join(domain.elements(value), run.changed(value), domain.undefined);
    }
    const changed = run.changed(value);
    if (changed !== domain.nothing) return domain.join(domain.elements(value), changed);
    return value.items.at(at) ?? domain.undefined;
  }
  if (value.type === "dict") {
    return memberOf(run, value, domain.known(at)) ??
      domain.join(domain.elements(value), run.changed(value), domain.undefined);
  }
  return domain.join(domain.elements(value), run.changed(value), domain.undefined);
}

function slicedBy(
  run: Run,
  object: Abstract,
  index: Extract<Expression, { type: "slice" }>,
): Abstract {
  const { domain } = run;
  const parts = index.parts.map((part) => part && run.evaluate(part));
  const numbers = parts.map((part) => {
    const only = part === undefined ? null : onlyKnown(part);
    return only === null ? undefined : typeof only === "number" ? only : Number.NaN;
  });
  const exact = !numbers.some((one) => Number.isNaN(one));
  const results = object.known.map((one) => {
    if (exact && typeof one === "string") {
      return domain.known((sliced([...one], numbers) ?? []).join(""));
    }
    if (
      exact && typeof one === "object" && one?.type === "list" &&
      run.changed(one) === domain.nothing
    ) {
      return domain.known({
        type: "list",
        items: sliced(one.items, numbers) ?? [],
        ...(one.tuple && { tuple: true }),
      });
    }
    if (typeof one === "string") return domain.of([], TEXT, { size: one.length });
    if (typeof one === "object" && one?.type === "undefined") return domain.undefined;
    return domain.many(
      domain.join(domain.elements(one), run.changed(one)),
      Math.max(1, object.size),
      domain.countOf(object),
    );
  });
  // A part of a text of the conversation is not what its author wrote.
  const rest = (object.rest & DATA) !== 0 ? object.rest | TEXT : object.rest;
  return domain.join(...results, domain.of([], rest & ~NUMBER, object));
}
