/**
 * Where a redirect leads. Clients agree on what is written as RFC 3986 has it, and on raw UTF-8; of all else each
 * makes another address, so that what one saves is not what another does: that is refused.
 *
 * Seen with curl 7.88, wget 1.21, Python's urllib, requests 2.34 and httpx 0.28: of `\b` some ask for `/\b`, some for
 * `/%5Cb`, browsers for `/b`; `http:b` and `http:/b` are paths to some and hosts to others; `///b` too; of two
 * Location headers some take the first, some both as one.
 *
 * @module
 */

import { SourceError } from "../core/errors.ts";
import { shownUrl } from "../core/shown_url.ts";

/**
 * Where a redirect leads, if it may lead there.
 *
 * @param name of the source, for messages
 * @param location the header as it came, one character a byte; several are joined by line feeds
 * @throws SourceError when it may not, or when clients disagree on where that is
 */
export function redirected(name: string, from: URL, location: string): URL {
  const text = location.replace(/^[ \t]+|[ \t]+$/gu, "");
  // deno-lint-ignore no-control-regex -- clients differ on them
  if (/[\\\x00-\x1f\x7f]/u.test(text)) {
    throw refused(name, "clients read its redirect in different ways");
  }
  if (/^[a-z][a-z\d+.-]*:(?!\/\/[^/])/iu.test(text) && /^https?:/iu.test(text)) {
    throw refused(
      name,
      "a redirect names a protocol and no host, which clients read in different ways",
    );
  }
  if (text.startsWith("///")) {
    throw refused(name, "clients read its redirect in different ways");
  }
  let url: URL;
  try {
    url = new URL(utf8(text), from);
  } catch {
    throw refused(name, "a redirect leads to what is no URL");
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw refused(name, `a redirect leads to ${url.protocol}, which is not HTTP`);
  }
  if (from.protocol === "https:" && url.protocol === "http:") {
    throw refused(name, `a redirect leads from HTTPS to plain HTTP (${shownUrl(url)})`);
  }
  if (url.username !== "" || url.password !== "") {
    throw refused(name, "a redirect has a password in its URL");
  }
  url.hash = "";
  return url;
}

/** A header's bytes as the UTF-8 that they are. @throws TypeError when they are none */
function utf8(text: string): string {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  if (codes.every((code) => code < 0x80) || codes.some((code) => code > 0xff)) return text;
  const bytes = Uint8Array.from(codes);
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

/** A redirect, or an address, that is not followed. */
export function refused(name: string, reason: string): SourceError {
  return new SourceError(name, `Cannot fetch "${name}": ${reason}`, {
    remedy: "Check the address; download the file in another way and scan it here.",
    failure: { kind: "unsupported", passing: false },
  });
}
