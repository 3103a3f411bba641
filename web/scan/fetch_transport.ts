/**
 * Requests by `fetch`, for `src/remote/`: the browser follows redirects, undoes encodings and decides what a page
 * may read. https://fetch.spec.whatwg.org/
 *
 * @module
 */

import { SourceError } from "../../src/core/errors.ts";
import { shownUrl } from "../../src/core/shown_url.ts";
import type { HttpRequest, HttpResponse } from "../../src/sources/http_client.ts";

/** Headers that `fetch` takes from a page; the browser writes the others itself. */
const OWN_HEADERS = ["accept", "if-range", "range"];

/** How every request is made: it brings along nothing of the user's. */
const PLAIN = {
  cache: "no-store",
  credentials: "omit",
  redirect: "follow",
  referrerPolicy: "no-referrer",
} as const;

/** Takes the place of the transport of sockets in the page's build. */
export function nodeTransport(): {
  send(request: HttpRequest): Promise<HttpResponse>;
  close(): void;
} {
  return { send, close: () => {} };
}

/**
 * Sends one request.
 *
 * @throws SourceError where the server keeps pages of other sites from reading; TypeError where it cannot be reached
 */
export async function send(request: HttpRequest): Promise<HttpResponse> {
  const { url, headers, signal, method = "GET" } = request;
  if (method !== "GET") {
    throw new SourceError(
      shownUrl(url),
      `Cannot fetch "${shownUrl(url)}": it takes credentials, which this page has not`,
      { remedy: "Scan the address with the command line." },
    );
  }
  const own = Object.fromEntries(
    OWN_HEADERS.flatMap((name) => headers[name] === undefined ? [] : [[name, headers[name]]]),
  );
  let response: Response;
  try {
    response = await fetch(url, { ...PLAIN, headers: own, signal });
  } catch (error) {
    if (!signal.aborted && await isThere(url)) throw forbidden(url);
    throw error;
  }
  const final = new URL(response.url || url);
  if (url.protocol === "https:" && final.protocol !== "https:") {
    throw new SourceError(
      shownUrl(url),
      `Cannot fetch "${shownUrl(url)}": a redirect leads from HTTPS to plain HTTP`,
      { remedy: "Check the address; download the file in another way and drop it here." },
    );
  }
  const isRange = own["range"] !== undefined;
  const length = response.headers.get("content-length");
  return {
    status: response.status,
    url: final,
    header(name) {
      // Of what was decoded neither says anything; a request for a range asks for no encoding.
      if (name === "content-encoding" || (name === "content-length" && !isRange)) return undefined;
      return response.headers.get(name) ?? undefined;
    },
    body: isRange ? exact(url, response, length) : chunksOf(response),
  };
}

/** True for a server that answers, though the page may not see what. */
async function isThere(url: URL): Promise<boolean> {
  try {
    await fetch(url, { ...PLAIN, method: "HEAD", mode: "no-cors", redirect: "follow" });
    return true;
  } catch {
    return false;
  }
}

function forbidden(url: URL): SourceError {
  const name = shownUrl(url);
  return new SourceError(
    name,
    `Cannot fetch "${name}": ${url.host} does not let other sites' pages read its files (CORS)`,
    { remedy: "Download the file and drop it here, or scan the address with the command line." },
  );
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}

/**
 * The chunks of a body whose length was announced. One that is longer was encoded although nothing asked for that, and
 * the browser has undone it: offsets would mean something else.
 */
async function* exact(
  url: URL,
  response: Response,
  announced: string | null,
): AsyncGenerator<Uint8Array> {
  const most = announced === null ? Infinity : Number(announced);
  let length = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of chunksOf(response)) {
    length += chunk.length;
    if (length > most) {
      const name = shownUrl(url);
      throw new SourceError(
        name,
        `Cannot fetch "${name}": it comes encoded, which a page cannot see`,
        {
          remedy: "Download the file and drop it here, or scan the address with the command line.",
        },
      );
    }
    // Held back, so that the end of a body is reached before its last bytes are used.
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (held !== undefined) yield held;
}
