/**
 * Runs a Jinja template on values that are known or not, both branches of every condition, so that each
 * attribute that it may reach, however the name is made, and what it takes in time and memory is seen.
 * Nothing is rendered, and no function of Python's is called.
 *
 * @module
 */

import { type Given, positionally } from "./arguments.ts";
import type { Block, Expression, Template } from "./ast.ts";
import { callValue, evaluateCall } from "./calls.ts";
import { type Abstract, BITS_PER_DIGIT, type Known, NUMBER, sizeOfDigits } from "./domain.ts";
import { applyFilter } from "./filters.ts";
import { changedIn, givenUnder, putInto, siteOf, sizedBy } from "./heap.ts";
import type { Addition, Place } from "./machine.ts";
import { callMacro } from "./macros.ts";
import { evaluateItem, readAttribute, readItem } from "./members.ts";
import { binaryValue, conditionalValue, unaryValue } from "./operations.ts";
import type { Plain } from "./plain.ts";
import { GROWN, Run } from "./run.ts";
import { lookUp } from "./scopes.ts";
import { runBody } from "./statements.ts";
import { displayOf, givenTo, iterateOver, lifted, plainOf } from "./values.ts";

/**
 * Nested expressions; a chain of `~` is as deep as it is long. The deepest in 120 chat templates has 31.
 * CWE-674.
 */
const DEPTH = 1200;
/** Where what is not written anywhere is called. */
const PLACE: Expression = { type: "constant", value: null, at: -1, end: -1 };

/** Evaluates one template. */
export class Evaluator extends Run {
  /** Evaluates the template from its beginning to its end. */
  run(): void {
    try {
      this.#run();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.givenUp ??= "It nests too deep to compute what it names";
    }
  }

  #run(): void {
    this.escapes = this.template.tags.some(({ name }) => name === "autoescape");
    this.#findBlocks(this.template.blocks);
    this.body(this.template.blocks);
    // What nothing here calls may be called by what was not understood.
    for (const block of this.callable) {
      if (this.called.has(block)) continue;
      const unknown = block.tag.parameters.map(() => this.domain.data);
      callMacro(this, block, positionally(...unknown), PLACE);
    }
  }

  #findBlocks(blocks: readonly Block[]): void {
    for (const block of blocks) {
      if (block.tag.name === "block") this.blocks.set(block.tag.targets[0] ?? "", block);
      if (block.tag.name === "macro" || block.tag.name === "call") this.callable.push(block);
      for (const body of block.bodies) this.#findBlocks(body);
    }
  }

  /** What an expression may be. */
  override evaluate(expression: Expression): Abstract {
    if (!this.step()) return this.domain.open;
    if (this.depth >= DEPTH) {
      this.givenUp ??= `Its expressions are nested more than ${DEPTH} deep`;
      return this.domain.open;
    }
    this.depth++;
    try {
      const value = sizedBy(this, this.#evaluate(expression));
      // What has no value here is not understood.
      return this.found(expression, value === this.domain.nothing ? this.domain.text : value);
    } finally {
      this.depth--;
    }
  }

  #evaluate(expression: Expression): Abstract {
    const { domain } = this;
    switch (expression.type) {
      case "constant":
        if (expression.float === true) {
          return domain.of(
            [],
            NUMBER,
            sizeOfDigits(Math.log2(2 + Math.abs(Number(expression.value)))),
          );
        }
        if (typeof expression.value === "number" && !Number.isSafeInteger(expression.value)) {
          const digits = (expression.end - expression.at) * BITS_PER_DIGIT;
          return domain.of([], NUMBER, sizeOfDigits(digits));
        }
        return domain.known(expression.value);
      case "name":
        return lookUp(this, expression.name);
      case "list": {
        const list = domain.known({
          type: "list",
          items: expression.items.map((item) => domain.kept(this.evaluate(item))),
          ...(expression.tuple ? { tuple: true } : siteOf(this, expression)),
        });
        if (list.size > GROWN) this.cost(expression, "size", list.size);
        return list;
      }
      case "dict":
        return domain.known({
          type: "dict",
          pairs: expression.pairs.map(([key, value]) =>
            [this.evaluate(key), domain.kept(this.evaluate(value))] as const
          ),
          ...siteOf(this, expression),
        });
      case "attribute":
        return /^\d/u.test(expression.name)
          ? this.item(
            this.evaluate(expression.object),
            this.lift(Number(expression.name)),
            expression,
          )
          : this.attribute(this.evaluate(expression.object), expression.name, expression);
      case "item":
        return evaluateItem(this, expression);
      case "slice":
        for (const part of expression.parts) if (part !== undefined) this.evaluate(part);
        return domain.number;
      case "call":
        return evaluateCall(this, expression);
      case "filter": {
        const value = expression.object === undefined
          ? domain.text
          : this.evaluate(expression.object);
        return applyFilter(
          this,
          expression.name,
          value,
          givenTo(this, expression.arguments),
          expression,
        );
      }
      case "test":
        if (expression.object !== undefined) this.evaluate(expression.object);
        givenTo(this, expression.arguments);
        return domain.join(domain.known(true), domain.known(false));
      case "unary":
        return unaryValue(this, expression);
      case "binary":
        return binaryValue(this, expression);
      case "conditional":
        return conditionalValue(this, expression);
    }
  }

  override body(blocks: readonly Block[]): void {
    runBody(this, blocks);
  }

  override attribute(object: Abstract, name: string, place: Place): Abstract {
    return readAttribute(this, object, name, place);
  }

  override item(object: Abstract, index: Abstract, place: Place): Abstract {
    return readItem(this, object, index, place);
  }

  override call(callee: Abstract, given: Given, place: Place): Abstract {
    return callValue(this, callee, given, place);
  }

  override iterate(
    value: Abstract,
  ): { readonly element: Abstract; readonly items?: readonly Abstract[] } {
    return iterateOver(this, value);
  }

  override display(value: Abstract): Abstract {
    return displayOf(this, value);
  }

  override plain(value: Known): Plain | undefined {
    return plainOf(this, value);
  }

  override lift(value: Plain): Abstract {
    return lifted(this, value);
  }

  override changed(value: Known): Abstract {
    return changedIn(this, value);
  }

  override givenUnder(value: Known, key: string): Abstract | undefined {
    return givenUnder(this, value, key);
  }

  override put(object: Abstract, values: Abstract, addition: Addition): void {
    putInto(this, object, values, addition);
  }
}

/**
 * Evaluates a template.
 *
 * @param text of the template
 */
export function evaluateTemplate(template: Template, text: string): Evaluator {
  const evaluator = new Evaluator(template, text, false);
  evaluator.run();
  if (!evaluator.changesLists) return evaluator;
  // Lists that are changed in place are distinguished by where they are made.
  const again = new Evaluator(template, text, true);
  again.run();
  return again;
}
