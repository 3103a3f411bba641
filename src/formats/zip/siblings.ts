/**
 * What the members of a zip archive are to one another: what their names say of them, how large those
 * beside a pickle are, and which of them it reads as storages.
 *
 * @module
 */

import { kerasHints } from "../../bundles/keras_members.ts";
import { pythonHints } from "../../bundles/python_sources.ts";
import { sb3Hints } from "../../bundles/sb3_members.ts";
import { skopsHints } from "../../bundles/skops_members.ts";
import { torchHints } from "../../bundles/torch_members.ts";
import type { Listing, Siblings } from "../../core/types.ts";

/** Pickles of PyTorch whose storages lie in a folder of their own name. */
const ARCHIVE = /^(?<base>(?:.*\/)?(?:data|constants))\.pkl$/u;
/** How pickles name that folder. */
const STORAGES = /^data\//u;

/** The members of one archive, by name; the first of equal names counts. */
export class SiblingIndex {
  readonly #hints: ReadonlyMap<string, string>;
  readonly #sizes = new Map<string, number | undefined>();
  readonly #claims = new Map<string, number>();

  /**
   * What the members are to one another.
   *
   * @param archive name of the archive itself
   * @param listing as it was shown to the bundles
   */
  constructor(archive: string, listing: Listing) {
    const { members } = listing;
    const memberNames = members.map(({ name }) => name);
    this.#hints = new Map([
      ...pythonHints(archive, listing),
      ...torchHints(memberNames),
      ...kerasHints(archive, memberNames),
      ...skopsHints(archive, memberNames),
      ...sb3Hints(memberNames),
    ]);
    for (const { name, size } of members) {
      if (!this.#sizes.has(name)) this.#sizes.set(name, size);
    }
  }

  /** What a member is by its name. */
  hint(name: string): string | undefined {
    return this.#hints.get(name);
  }

  /** The members beside a pickle of PyTorch; undefined for any other member. */
  siblings(name: string): Siblings | undefined {
    const base = ARCHIVE.exec(name)?.groups?.["base"];
    if (base === undefined) return undefined;
    const folder = base.slice(0, base.lastIndexOf("/") + 1);
    const full = (path: string): string =>
      STORAGES.test(path) ? `${base}/${path.replace(STORAGES, "")}` : folder + path;
    return {
      size: (path) => this.#sizes.get(full(path)),
      claim: (path, bytes) => {
        const before = this.#claims.get(full(path)) ?? bytes;
        // Who says two things of one storage has not said what it is.
        this.#claims.set(full(path), before === bytes ? bytes : NaN);
      },
    };
  }

  /** Bytes of numbers that the pickles take a member for; undefined when none names it. */
  claims(name: string): number | undefined {
    return this.#claims.get(name);
  }
}
