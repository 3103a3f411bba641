/**
 * Which network addresses a scan may connect to when it was asked for something on the internet.
 * https://www.iana.org/assignments/iana-ipv4-special-registry
 * https://www.iana.org/assignments/iana-ipv6-special-registry
 *
 * @module
 */

/** Blocks of IPv4 that are not of the public internet: first address and bits that count. */
const IPV4_BLOCKS: readonly (readonly [address: string, bits: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];

/**
 * True for an address of the public internet. IPv6 forms that carry an IPv4 address (mapped,
 * compatible, NAT64, 6to4) are as public as that.
 *
 * @param address IPv4 in dotted form or IPv6, with or without brackets; anything else is not public
 */
export function isPublicAddress(address: string): boolean {
  const v4 = parseIpv4(address);
  if (v4 !== undefined) return isPublicIpv4(v4);
  const groups = parseIpv6(address);
  if (groups === undefined) return false;
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const zeros = a === 0 && b === 0 && c === 0 && d === 0 && e === 0;
  const nat64 = a === 0x64 && b === 0xff9b && c === 0 && d === 0 && e === 0 && f === 0;
  if ((zeros && (f === 0xffff || f === 0)) || nat64) return isPublicIpv4(g * 0x10000 + h);
  if (a === 0x2002) return isPublicIpv4(b * 0x10000 + c);
  // Teredo, benchmarking, ORCHID and documentation lie in what is otherwise global unicast.
  if (a === 0x2001 && (b < 0x200 || b === 0xdb8)) return false;
  if (a === 0x3fff && b < 0x1000) return false;
  return a >= 0x2000 && a < 0x4000;
}

function isPublicIpv4(address: number): boolean {
  return !IPV4_BLOCKS.some(([first, bits]) => {
    const size = 2 ** (32 - bits);
    return Math.floor(address / size) === Math.floor((parseIpv4(first) ?? 0) / size);
  });
}

/** The 32 bits of a dotted address. Other spellings (decimal, octal) are the business of `URL`. */
function parseIpv4(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((it) => it > 255)) return undefined;
  return parts.reduce((all, it) => all * 256 + it, 0);
}

/** The eight groups of an IPv6 address, by way of the form that `URL` gives it. */
function parseIpv6(text: string): number[] | undefined {
  const bare = text.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  if (!bare.includes(":")) return undefined;
  let canonical: string;
  try {
    canonical = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  } catch {
    return undefined;
  }
  const [front = "", back] = canonical.split("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((it) => parseInt(it, 16));
  if (back === undefined) return groups(front);
  const [first, last] = [groups(front), groups(back)];
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
}
