/**
 * Texts that repeat themselves, packed into printable ASCII: runs that stood before are named by length and
 * distance (LZ77). Allowlists take less than half their size so, and unpack in a fraction of a millisecond.
 *
 * @module
 */

/** Digits of lengths and distances: what is printable, and needs no escape in a template literal. */
const DIGITS = [...Array(94).keys()].map((at) => String.fromCharCode(33 + at))
  .filter((each) => !"\\`$".includes(each)).join("");
const BASE = DIGITS.length;

/** What stands before a run whose distance takes two digits, and three. */
const MARKS = ["%", "&"] as const;

/** What a text begins with that is left as it is, since it has a mark, or a letter that is not ASCII. */
const AS_IT_IS = "=";

/** The shortest run that is named: it takes five characters at most. */
const SHORTEST = 6;
const LONGEST = SHORTEST + BASE - 1;
const FARTHEST = BASE ** 3 - 1;

/** Earlier places that are compared for the longest run. */
const COMPARED = 64;

/** A text in the form of packed ones, not made shorter: it takes no time to unpack. */
export function keptText(text: string): string {
  return AS_IT_IS + text;
}

/** Packs a text. */
export function packText(text: string): string {
  // deno-lint-ignore no-control-regex
  if (/^=|[%&]|[^\x00-\x7f]/.test(text)) return keptText(text);
  const places = new Map<string, number[]>();
  const packed: string[] = [];
  for (let at = 0; at < text.length;) {
    const run = longestRun(text, at, places.get(text.slice(at, at + SHORTEST)) ?? []);
    const length = run?.length ?? 1;
    packed.push(run === undefined ? text.charAt(at) : nameOf(run.length, at - run.from));
    for (const end = at + length; at < end; at++) {
      const key = text.slice(at, at + SHORTEST);
      const others = places.get(key);
      if (others === undefined) places.set(key, [at]);
      else others.push(at);
    }
  }
  return packed.join("");
}

/** The longest run at a place that stood before. */
function longestRun(
  text: string,
  at: number,
  places: readonly number[],
): { readonly from: number; readonly length: number } | undefined {
  let found: { from: number; length: number } | undefined;
  for (const from of places.slice(-COMPARED).reverse()) {
    if (at - from > FARTHEST) break;
    let length = 0;
    const most = Math.min(LONGEST, text.length - at);
    while (length < most && text[from + length] === text[at + length]) length++;
    if (length >= SHORTEST && length > (found?.length ?? 0)) found = { from, length };
  }
  return found;
}

function nameOf(length: number, distance: number): string {
  const near = distance < BASE ** 2;
  let digits = "";
  for (let count = near ? 2 : 3; count > 0; count--) {
    digits = DIGITS.charAt(distance % BASE) + digits;
    distance = Math.floor(distance / BASE);
  }
  return MARKS[near ? 0 : 1] + DIGITS.charAt(length - SHORTEST) + digits;
}

/** Values of digits by character code. */
const VALUES = new Uint8Array(128);
for (let at = 0; at < BASE; at++) VALUES[DIGITS.charCodeAt(at)] = at;

/** Unpacks what `packText` packed. */
export function unpackText(packed: string): string {
  if (packed.startsWith(AS_IT_IS)) return packed.slice(1);
  let bytes = new Uint8Array(packed.length * 4 + LONGEST);
  let size = 0;
  const value = (at: number): number => VALUES[packed.charCodeAt(at)] ?? 0;
  for (let at = 0; at < packed.length; at++) {
    if (size + LONGEST > bytes.length) {
      const larger = new Uint8Array(bytes.length * 2 + LONGEST);
      larger.set(bytes);
      bytes = larger;
    }
    const code = packed.charCodeAt(at);
    if (code !== 37 && code !== 38) {
      bytes[size++] = code;
      continue;
    }
    const length = SHORTEST + value(at + 1);
    let distance = value(at + 2) * BASE + value(at + 3);
    at += 3;
    if (code === 38) distance = distance * BASE + value(++at);
    // A run may reach into itself, which copies of a piece at once would miss.
    for (const end = size + length; size < end; size++) bytes[size] = bytes[size - distance] ?? 0;
  }
  return new TextDecoder().decode(bytes.subarray(0, size));
}
