/**
 * Imports and attributes by names that opcodes and functions are given: texts, extension codes, and values of
 * which it is not known what text they are.
 *
 * @module
 */

import type { GlobalName } from "../../core/types.ts";
import { isListedStandardModule, isPython2Only } from "../../parsers/python/names.ts";
import { isNoExactText, isNoText, possibleTexts } from "./possible.ts";
import type { Heap } from "../machine/heap.ts";
import { render } from "../tools/render.ts";
import { type Handle, LOST, UNKNOWN } from "../machine/values.ts";

/** Texts that one name may be that are followed. No model is known to have two. CWE-834. */
const NAMES_FOLLOWED = 5;

/** The names of one stream, and the extension codes of its process. */
export class Names {
  private readonly heap: Heap;
  private readonly extensions: Map<number, GlobalName>;

  /** @param extensions codes registered so far in this process, by any stream */
  constructor(heap: Heap, extensions: Map<number, GlobalName>) {
    this.heap = heap;
    this.extensions = extensions;
  }

  /**
   * STACK_GLOBAL; undefined when one of the two is certainly no text, where the unpickler raises. Where
   * they are not known, whatever they may be made of is imported, and that there may be others is said.
   */
  stackGlobal(module: Handle, name: Handle, at: number): Handle | undefined {
    const [moduleText, nameText] = [this.heap.textOf(module), this.heap.textOf(name)];
    if (moduleText !== undefined && nameText !== undefined) {
      const computed = !this.heap.isWritten(module) || !this.heap.isWritten(name);
      return this.heap.importGlobal(moduleText, nameText, "STACK_GLOBAL", at, computed);
    }
    if (isNoExactText(this.heap, module) || isNoExactText(this.heap, name)) return undefined;
    return this.importPossible(module, name, at);
  }

  /** Imports by names of which one is not known: whatever they may be made of, and that there may be others. */
  importPossible(module: Handle, name: Handle, at: number): Handle {
    if (module === LOST || name === LOST) this.heap.lost();
    const expression = `${render(this.heap, module)} . ${render(this.heap, name)}`;
    const listed = [module, name].some((each) => this.isListed(each));
    const foreign = [module, name].some((each) => this.isForeign(each));
    const fact = {
      kind: "unresolved-call",
      via: "STACK_GLOBAL",
      expression,
      ...(foreign && { foreign }),
    } as const;
    this.heap.facts.add(listed ? { ...fact, listed } : fact, at);
    if (listed) return UNKNOWN;
    const names = possibleTexts(this.heap, name, NAMES_FOLLOWED);
    const values = possibleTexts(this.heap, module, NAMES_FOLLOWED).flatMap((first) =>
      names.map((second) => this.heap.importGlobal(first, second, "STACK_GLOBAL", at, true))
    );
    return this.heap.object({ type: "oneOf", values });
  }

  /** An attribute is reached by a name that is not known. */
  unknownAttribute(object: Handle, name: Handle, via: string, at: number): void {
    if (isNoText(this.heap, name)) return;
    const expression = `${render(this.heap, object)} . ${render(this.heap, name)}`;
    const listed = this.isListed(name);
    const foreign = this.isForeign(name);
    this.heap.facts.add({
      kind: "unresolved-call",
      via,
      attribute: true,
      expression,
      ...(listed && { listed }),
      ...(foreign && { foreign }),
    }, at);
  }

  /** Whether a value is what a listed function gave, or itself on a list. */
  private isListed(handle: Handle): boolean {
    const instance = this.heap.instanceOf(handle);
    // A scalar of an object type is whatever it was given (`array_scalar` in numpy's `multiarraymodule.c`).
    if (instance !== undefined) return instance.quiet && !/\.scalar$/.test(instance.key);
    return this.heap.globalOf(handle)?.quiet === true;
  }

  /** Whether a value is neither Python's nor on a list, or what such a function gave. */
  private isForeign(handle: Handle): boolean {
    const value = this.heap.valueOf(handle);
    const maker = this.heap.globalOf(value?.type === "call" ? value.callee : handle);
    if (maker === undefined || maker.quiet || maker.restorable) return false;
    const root = maker.key.slice(0, maker.key.indexOf("."));
    return maker.meanings.length === 0 && !isListedStandardModule(root) && !isPython2Only(root);
  }

  /** EXT1, EXT2 and EXT4. */
  extension(code: number, at: number): Handle {
    const known = this.extensions.get(code);
    if (known !== undefined) return this.heap.importGlobal(known.module, known.name, "EXT", at);
    this.heap.facts.add({ kind: "extension", code }, at);
    return UNKNOWN;
  }

  /** `copyreg.add_extension`. */
  register(code: number, module: string, name: string): void {
    this.extensions.set(code, { module, name });
  }
}
