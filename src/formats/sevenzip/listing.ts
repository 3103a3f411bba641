/**
 * Parses the output of `7zz l -slt`: an archive's errors and its members.
 *
 * 7-Zip writes control characters in names as underscores, so a name cannot forge a line. A comment
 * can, but only invent members that are then found missing, which is reported.
 *
 * @module
 */

import type { Member } from "../../core/types.ts";
import type { SevenZipRunner } from "../../codecs/sevenzip.ts";

/** A member as the archive's directory has it. */
export interface SevenZipMember {
  readonly name: string;
  readonly kind: Member["kind"];
  /** Bytes when expanded, as stated. */
  readonly size: number | undefined;
  readonly encrypted: boolean;
  /** Memory that decoding needs, from the method: dictionaries, PPMd's models. */
  readonly memory: number;
  /** The block that holds it; those of one block are decoded one after the other. */
  readonly block: string;
  /** Names of the methods. */
  readonly method: string;
  readonly linkTarget: string | undefined;
}

/** An archive's directory. */
export interface SevenZipListing {
  readonly members: readonly SevenZipMember[];
  /** Messages of 7-Zip on standard error. */
  readonly diagnostics: readonly string[];
  /** Where the archive ends, when there is more behind it. */
  readonly end: number | undefined;
  /** True when there are more members than the limit. */
  readonly full: boolean;
  /** 7-Zip's exit code. */
  readonly code: number;
}

/** Thrown, and caught here, when there are too many members. */
class Full extends Error {}

/**
 * Lists an archive.
 *
 * @param type of the archive as `-t` has it
 * @param limit members at most
 * @throws FormatError when 7-Zip breaks down over it
 */
export async function listArchive(
  runner: SevenZipRunner,
  type: string,
  limit: number,
): Promise<SevenZipListing> {
  const reader = new ListingReader(limit);
  let code = 0;
  let full = false;
  try {
    code = await runner.run(["l", "-slt", `-t${type}`], { line: (text) => reader.line(text) });
  } catch (error) {
    if (!(error instanceof Full)) throw error;
    full = true;
  }
  reader.end();
  return { ...reader.listing(), full, code };
}

/** What stands between the archive's own properties and the members. */
const RULE = /^-{10}$/u;
const PROPERTY = /^([A-Z][A-Za-z ]*) =(?: (.*))?$/u;
/** Complaints that are no headings and no properties. */
const DIAGNOSTIC =
  /\b(?:error|end of archive|unavailable|unsupported|after the end|cannot|can't)\b/iu;

class ListingReader {
  readonly #limit: number;
  readonly #members: SevenZipMember[] = [];
  readonly #diagnostics = new Set<string>();
  #inMembers = false;
  #blank = true;
  #fields: Map<string, string> | undefined;
  #physical: number | undefined;
  #tail = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  line(text: string): void {
    const line = text.replace(/\r$/u, "");
    if (!this.#inMembers) this.#archiveLine(line);
    else if (line === "") this.#blank = true;
    else this.#memberLine(line);
  }

  #archiveLine(line: string): void {
    if (RULE.test(line)) {
      this.#inMembers = true;
      return;
    }
    const [, key, value = ""] = PROPERTY.exec(line) ?? [];
    if (key === "Physical Size") this.#physical = integerOf(value);
    else if (key === "Tail Size") this.#tail = true;
    else if (key === undefined && DIAGNOSTIC.test(line)) this.#complain(line);
  }

  #memberLine(line: string): void {
    const [, key, value = ""] = PROPERTY.exec(line) ?? [];
    if (key === "Path" && this.#blank) {
      this.end();
      if (this.#members.length >= this.#limit) throw new Full();
      this.#fields = new Map();
    }
    if (key !== undefined && this.#fields !== undefined) {
      if (!this.#fields.has(key)) this.#fields.set(key, value);
    } else if (key === undefined && DIAGNOSTIC.test(line)) {
      this.#complain(line);
    }
    this.#blank = false;
  }

  #complain(line: string): void {
    const text = line.trim();
    // "Errors: 1" and the like count what was said.
    if (!/^(?:ERRORS|Errors|WARNINGS)\b/u.test(text) && this.#diagnostics.size < 16) {
      this.#diagnostics.add(text.replaceAll("/archive", "the archive"));
    }
  }

  /** The member that was being read is complete. */
  end(): void {
    if (this.#fields !== undefined) this.#members.push(memberOf(this.#fields));
    this.#fields = undefined;
  }

  listing(): Pick<SevenZipListing, "members" | "diagnostics" | "end"> {
    const all = [...this.#diagnostics];
    // That it cannot be opened says less than why.
    const reasons = all.filter((text) => !/^(?:Open )?ERROR:/u.test(text));
    return {
      members: this.#members,
      diagnostics: reasons.length > 0 ? reasons : all,
      end: this.#tail ? this.#physical : undefined,
    };
  }
}

function memberOf(fields: ReadonlyMap<string, string>): SevenZipMember {
  const method = fields.get("Method") ?? "";
  const linkTarget = fields.get("Symbolic Link") || fields.get("Hard Link") || undefined;
  return {
    name: fields.get("Path") ?? "",
    kind: kindOf(fields, linkTarget),
    size: integerOf(fields.get("Size") ?? ""),
    encrypted: fields.get("Encrypted") === "+",
    memory: memoryOf(method),
    block: fields.get("Block") ?? "",
    method,
    linkTarget,
  };
}

/** From attributes such as `A -rw-r--r--`, `D drwxr-xr-x`, `AL lrwxrwxrwx`: Windows', then Unix's. */
function kindOf(
  fields: ReadonlyMap<string, string>,
  linkTarget: string | undefined,
): Member["kind"] {
  if (fields.get("Hard Link")) return "hardlink";
  const [windows = "", unix = ""] = (fields.get("Attributes") ?? "").split(" ");
  if (linkTarget !== undefined || unix.startsWith("l") || windows.includes("L")) return "link";
  if (/^[bcps]/u.test(unix)) return "other";
  if (fields.get("Folder") === "+" || windows.startsWith("D") || unix.startsWith("d")) {
    return "folder";
  }
  return "file";
}

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
};

/** `LZMA2:24` is 2^24 bytes, `LZMA:1536m` and RAR's `v6:m3:1536M` mebibytes, `PPMD:o6:mem24` 2^24. */
function memoryOf(method: string): number {
  let memory = 0;
  for (
    const [, digits = "", unit = ""] of method.matchAll(/(?:LZMA2?:|:mem|m\d:)(\d+)([bkmg]?)/giu)
  ) {
    const number = Number(digits);
    memory += unit === "" ? 2 ** number : number * (UNITS[unit.toLowerCase()] ?? 1);
  }
  return memory;
}

function integerOf(text: string): number | undefined {
  return /^\d{1,20}$/u.test(text) ? Number(text) : undefined;
}
