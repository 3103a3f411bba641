/**
 * Names and what they are bound to, the text that tags write, and conditions on keys.
 *
 * @module
 */

import type { Expression } from "./ast.ts";
import { type Abstract, CHARACTERS, TEXT } from "./domain.ts";
import { storeMember } from "./heap.ts";
import { SPACINGS } from "./lexer.ts";
import { rootOf } from "./paths.ts";
import type { Run } from "./run.ts";
import { joined, type State } from "./state.ts";
import { elementsInside } from "./values.ts";

/** Functions that renderers give their templates. */
const FUNCTIONS = new Set(
  "range dict namespace cycler joiner lipsum raise_exception strftime_now super self gettext ngettext _"
    .split(" "),
);
/** Those of them that not every renderer gives. */
const OPTIONAL = new Set(
  "lipsum raise_exception strftime_now super gettext ngettext _".split(" "),
);
/** Names of special tokens, which come with the model as the template does. */
const PUBLISHED = /_token$|^special_tokens/u;

export function writeTexts(run: Run, texts: readonly Abstract[]): void {
  const { written } = run.state;
  if (written === undefined) return;
  run.state.written = written.map((before, at) =>
    concatenated(run, before, texts[at] ?? texts[0] ?? run.domain.nothing)
  );
}

/** Texts behind each other; longer than a name is, they are not kept. */
function concatenated(run: Run, before: Abstract, behind: Abstract): Abstract {
  const { domain } = run;
  const size = before.size + behind.size;
  if (
    size <= CHARACTERS && before.rest === 0 && behind.rest === 0 &&
    before.known.length * behind.known.length <= 64
  ) {
    return domain.of(
      before.known.flatMap((a) => behind.known.map((b) => String(a) + String(b))),
      0,
      { size },
    );
  }
  return domain.of([], TEXT, { size });
}

/** What tags write, as a value. */
export function captured(run: Run, task: () => void): Abstract {
  const outer = run.state.written;
  run.state.written = Array.from({ length: SPACINGS }, () => run.domain.known(""));
  task();
  const texts = run.state.written ?? [];
  run.state.written = outer;
  return run.domain.join(...texts);
}

export function withinScope(run: Run, task: () => void): void {
  const depth = run.state.scopes.length;
  run.state.scopes.push(new Map());
  task();
  run.state.scopes.length = depth;
}

export function assign(run: Run, target: string, given: Abstract): void {
  const value = run.domain.kept(given);
  const dot = target.indexOf(".");
  if (dot < 0) {
    const name = target.normalize("NFKC");
    run.state.bind(name, value);
    remember(run, name, value);
    return;
  }
  const object = lookUp(run, target.slice(0, dot));
  storeMember(run, object, target.slice(dot + 1), value);
}

/** Any value that a name ever has, for macros and blocks, which look it up when they run. */
function remember(run: Run, name: string, value: Abstract): void {
  const before = run.everything.get(name) ?? run.domain.nothing;
  const after = run.domain.join(before, value);
  if (after === before) return;
  run.stamp++;
  run.everything.set(name, after);
}

export function aliasedRoot(run: Run, expression: Expression): string {
  const root = rootOf(expression);
  return run.aliases.get(root) ?? root;
}

export function bindTargets(run: Run, targets: readonly string[], value: Abstract): void {
  const [only] = targets;
  if (targets.length === 1 && only !== undefined) return assign(run, only, value);
  const { element, items } = run.iterate(value);
  targets.forEach((target, at) => {
    const flat = items !== undefined && items.length === targets.length;
    // Targets in brackets are listed one after the other: any of them may be a part of an item.
    const own = flat
      ? items[at] ?? run.domain.undefined
      : run.domain.join(element, elementsInside(run, element));
    assign(run, target, own);
  });
}

/** Runs what sees no scope around it but what names may be at any time. */
export function detachedRun(run: Run, task: () => void, own: Map<string, Abstract>): void {
  const around = run.state.scopes.splice(0);
  const root = run.root;
  run.root ??= around[0];
  run.state.scopes.push(new Map(), own);
  task();
  run.root = root;
  run.state.scopes.splice(0);
  run.state.scopes.push(...around);
}

export function joinStates(run: Run, one: State, other: State): State {
  return joined(one, other, run.domain, (name, depth) => unboundValue(run, name, depth, other));
}

/** What a name is where only the other way binds it in a scope: what it is around, or of the context. */
function unboundValue(run: Run, name: string, depth: number, state: State): Abstract {
  for (let at = depth - 1; at >= 0; at--) {
    const value = state.scopes[at]?.get(name);
    if (value !== undefined) return value;
  }
  if (run.root === undefined) return contextValue(run, name);
  return run.root.get(name) ?? (PUBLISHED.test(name) ? run.domain.text : run.domain.data);
}

/** The constraint of a condition on an index: `key in table`. */
export function guardBy(run: Run, test: Expression): void {
  if (test.type !== "binary") return;
  if (test.operator === "and") {
    guardBy(run, test.left);
    guardBy(run, test.right);
  }
  if (test.operator === "in") run.guards.push(guardOf(run, test.right, test.left));
}

export function guardOf(run: Run, table: Expression, key: Expression): string {
  return `${writtenAs(run, table)}[${writtenAs(run, key)}]`;
}

export function writtenAs(run: Run, { at, end }: Expression): string {
  return run.text.slice(at, end).replace(/\s+/gu, "");
}

/** Python takes names in another form of the same letters for the same. */
export function lookUp(run: Run, written: string): Abstract {
  const name = written.normalize("NFKC");
  return run.state.lookup(name) ?? contextValue(run, name);
}

/** What a name is that no scope binds. */
export function contextValue(run: Run, name: string): Abstract {
  if (name === "caller") return run.frames.at(-1)?.caller ?? run.domain.undefined;
  const value = valueAround(run, name);
  for (const { reads } of run.records) {
    if (!reads.has(`name ${name}`)) reads.set(`name ${name}`, value);
  }
  return value;
}

function valueAround(run: Run, name: string): Abstract {
  const { domain } = run;
  const anywhere = run.everything.get(name) ?? domain.nothing;
  if (FUNCTIONS.has(name)) {
    const missing = OPTIONAL.has(name) ? domain.undefined : domain.nothing;
    return domain.join(domain.known({ type: "function", name }), missing, anywhere);
  }
  if (anywhere !== domain.nothing && run.root?.has(name)) return anywhere;
  return domain.join(anywhere, PUBLISHED.test(name) ? domain.text : domain.data);
}
