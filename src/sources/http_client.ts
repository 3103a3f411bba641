/**
 * Requests that follow redirects, try again and give up in time, over a transport that the program which runs
 * this hands in. Ranges and caching are `http.ts`.
 * https://www.rfc-editor.org/rfc/rfc9110
 *
 * @module
 */

import { SourceError } from "../core/errors.ts";

/** One request; always GET. */
export interface HttpRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Aborts the request at any stage. */
  readonly signal: AbortSignal;
}

/** The answer to one request, redirects not followed and nothing decoded. */
export interface HttpResponse {
  readonly status: number;
  /** A header by its name in lower case; several are joined by commas. */
  header(name: string): string | undefined;
  /** Read once at most. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Sends one request.
 *
 * @throws SourceError when it is refused or trying again cannot help; anything else may pass
 */
export type HttpTransport = (request: HttpRequest) => Promise<HttpResponse>;

/** How requests are made. */
export interface HttpClientOptions {
  readonly transport: HttpTransport;
  /** Ends all requests. */
  readonly signal?: AbortSignal;
  /** Milliseconds without a byte after which a connection counts as dead; 30 s unless given. */
  readonly idleMilliseconds?: number;
  /** Milliseconds before the second try; each further one waits twice as long. 500 unless given. */
  readonly retryMilliseconds?: number;
  /** The only origin that gets a token, and the token. */
  readonly token?: { readonly origin: string; readonly value: string } | undefined;
}

/** An answer that is no redirect and no passing failure. */
export interface HttpReply {
  /** Where the redirects ended. */
  readonly url: URL;
  readonly status: number;
  header(name: string): string | undefined;
  /** The body, with idle times watched. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Lets the connection go. May be called twice. */
  close(): void;
}

/** Requests sent in all on transient errors. The hub's own client, huggingface_hub, sends 6. CWE-400. */
const ATTEMPTS = 4;
/** Requests sent to a server that does not answer at all. CWE-400. */
const SILENT_ATTEMPTS = 2;
/** Redirects followed. huggingface_hub follows 20; the hub is known to use two. CWE-834. */
const REDIRECTS = 10;
/**
 * Milliseconds without a byte before a request is aborted. The user can ask for longer: `--network-timeout`.
 * CWE-400.
 */
const IDLE_MILLISECONDS = 30_000;
/** Milliseconds before the first retry. */
const RETRY_MILLISECONDS = 500;
/** Milliseconds of a Retry-After header that are waited; a longer one is an error. CWE-400. */
const LONGEST_WAIT_MILLISECONDS = 60_000;
const REDIRECT_STATUS = [301, 302, 303, 307, 308];
const PASSING_STATUS = [408, 425, 429, 500, 502, 503, 504];

/** Something that may be better the next time. */
export class PassingError extends Error {
  /** Tells the kinds of errors apart across realms. */
  override readonly name = "PassingError";
  /** Milliseconds that the server asked to wait. */
  readonly after: number | undefined;
  /** True when nothing came for too long. */
  readonly silent: boolean;

  /** A failure that is tried again. */
  constructor(message: string, options: { after?: number | undefined; silent?: boolean } = {}) {
    super(message);
    this.after = options.after;
    this.silent = options.silent ?? false;
  }
}

/** A URL without what may be secret in it: no credentials, query or fragment. */
export function shownUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** Makes requests; one for all files of a scan. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  #requests = 0;

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /** Requests sent so far, redirects and repeated ones counted. */
  get requests(): number {
    return this.#requests;
  }

  /** True when a token goes to this URL. */
  sendsToken(url: URL): boolean {
    return this.#options.token?.origin === url.origin;
  }

  /**
   * Sends a request and passes the response to `use`; both are retried on transient errors.
   *
   * @param name of the source, for messages
   * @param use reads the response and throws PassingError for a transient error
   * @throws SourceError when it failed permanently
   */
  async get<T>(
    name: string,
    url: URL,
    headers: Readonly<Record<string, string>>,
    use: (reply: HttpReply) => Promise<T>,
  ): Promise<T> {
    const base = this.#options.retryMilliseconds ?? RETRY_MILLISECONDS;
    for (let attempt = 1;; attempt++) {
      let reply: HttpReply | undefined;
      try {
        reply = await this.#follow(name, url, headers);
        if (PASSING_STATUS.includes(reply.status)) throw passingStatus(reply);
        return await use(reply);
      } catch (error) {
        reply?.close();
        if (this.#options.signal?.aborted) throw stopped(name);
        if (!(error instanceof PassingError)) throw error;
        const last = error.silent ? SILENT_ATTEMPTS : ATTEMPTS;
        const wait = error.after ?? base * 2 ** (attempt - 1) * (1 + Math.random() / 4);
        if (attempt >= last || wait > LONGEST_WAIT_MILLISECONDS) {
          throw failedForGood(name, url, error, attempt, wait);
        }
        await this.#pause(name, wait);
      }
    }
  }

  async #pause(name: string, milliseconds: number): Promise<void> {
    const { signal } = this.#options;
    await new Promise<void>((done) => {
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        done();
      };
      const timer = setTimeout(end, milliseconds);
      signal?.addEventListener("abort", end, { once: true });
    });
    if (signal?.aborted) throw stopped(name);
  }

  /** The answer at the end of the redirects. */
  async #follow(
    name: string,
    url: URL,
    headers: Readonly<Record<string, string>>,
  ): Promise<HttpReply> {
    const visited = new Set<string>();
    let current = url;
    for (let hop = 0; hop <= REDIRECTS; hop++) {
      if (visited.has(current.href)) {
        throw refused(name, `its redirects lead in a circle, back to ${shownUrl(current)}`);
      }
      visited.add(current.href);
      const reply = await this.#send(name, current, headers);
      const location = REDIRECT_STATUS.includes(reply.status) && reply.header("location");
      if (!location) return reply;
      reply.close();
      current = redirected(name, current, location);
    }
    throw refused(name, `there are more than ${REDIRECTS} redirects`);
  }

  async #send(
    name: string,
    url: URL,
    headers: Readonly<Record<string, string>>,
  ): Promise<HttpReply> {
    const { token, signal, transport } = this.#options;
    if (signal?.aborted) throw stopped(name);
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    signal?.addEventListener("abort", abort, { once: true });
    const close = (): void => {
      signal?.removeEventListener("abort", abort);
      controller.abort();
    };
    const idle = this.#options.idleMilliseconds ?? IDLE_MILLISECONDS;
    const own = token?.origin === url.origin ? { authorization: `Bearer ${token.value}` } : {};
    this.#requests++;
    try {
      const response = await inTime(
        transport({
          url,
          // What is compressed on its way cannot be read by ranges.
          headers: { "accept-encoding": "identity", ...headers, ...own },
          signal: controller.signal,
        }),
        idle,
        controller.signal,
      );
      return {
        url,
        status: response.status,
        header: (it) => response.header(it),
        body: watched(response.body, idle, controller.signal, close),
        close,
      };
    } catch (error) {
      close();
      throw passing(error);
    }
  }
}

/** The body's chunks; silence and broken connections are failures that may pass. */
async function* watched(
  body: AsyncIterable<Uint8Array>,
  idle: number,
  signal: AbortSignal,
  close: () => void,
): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await inTime(iterator.next(), idle, signal);
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw passing(error);
  } finally {
    close();
  }
}

/** What a promise gives, if it does so in time and before the signal. */
function inTime<T>(promise: Promise<T>, milliseconds: number, signal: AbortSignal): Promise<T> {
  return new Promise((done, fail) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    };
    const stop = (): void => {
      end();
      fail(new PassingError("the connection was ended"));
    };
    const timer = setTimeout(() => {
      end();
      const seconds = milliseconds / 1000;
      fail(new PassingError(`nothing came for ${seconds} s`, { silent: true }));
    }, milliseconds);
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(done, fail).finally(end);
  });
}

function passing(error: unknown): Error {
  if (error instanceof SourceError || error instanceof PassingError) return error;
  return new PassingError(error instanceof Error ? error.message : String(error));
}

/** Where a redirect leads, if it may lead there. */
function redirected(name: string, from: URL, location: string): URL {
  let url: URL;
  try {
    url = new URL(location, from);
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

function refused(name: string, reason: string): SourceError {
  return new SourceError(name, `Cannot fetch "${name}": ${reason}`, {
    remedy: "Check the address; download the file in another way and scan it here.",
  });
}

function stopped(name: string): SourceError {
  return new SourceError(name, `Cannot fetch "${name}" to its end: the scan was stopped`, {
    remedy: "Scan again, with a longer --timeout if it ran out of time.",
  });
}

function passingStatus(reply: HttpReply): PassingError {
  return new PassingError(`the server answers ${reply.status}`, {
    after: retryAfter(reply.header("retry-after")),
  });
}

/** Milliseconds of a Retry-After header: seconds or a date. */
function retryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

function failedForGood(
  name: string,
  url: URL,
  error: PassingError,
  attempts: number,
  wait: number,
): SourceError {
  const tries = attempts === 1 ? "" : ` (tried ${attempts} times)`;
  const later = error.after !== undefined && wait > LONGEST_WAIT_MILLISECONDS
    ? ` and asks to come back in ${Math.ceil(wait / 1000)} s`
    : "";
  const message = `Cannot fetch "${name}" from ${url.host}: ${error.message}${later}${tries}`;
  return new SourceError(name, message, {
    cause: error,
    remedy: error.silent
      ? "Check the network, or raise --network-timeout."
      : "Scan again later, or download the file in another way.",
  });
}

/**
 * What a status that is no success means.
 *
 * @param withToken true when a token was sent
 */
export function statusError(name: string, reply: HttpReply, withToken: boolean): SourceError {
  const { status } = reply;
  const code = reply.header("x-error-code") ?? "";
  const [reason, remedy] = status === 401 || status === 403
    ? [
      /gated/i.test(code) ? "the repository is gated" : "the server does not allow it",
      withToken
        ? "The token in HF_TOKEN does not allow it: ask for access, or use another."
        : "Set HF_TOKEN if it is a private or gated repository; check the link else.",
    ]
    : status === 404 || status === 410
    ? ["there is no such file", "Check the address; a private repository needs HF_TOKEN."]
    : ["the server does not give the file", "Open the address in a browser to see what it says."];
  const text = `Cannot fetch "${name}" from ${reply.url.host}: ${reason} (HTTP ${status})`;
  return new SourceError(name, text, { remedy });
}
