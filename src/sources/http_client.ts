/**
 * Requests that follow redirects, try again and give up in time, over a transport that the program which runs
 * this hands in. Ranges and caching are `http.ts`.
 * https://www.rfc-editor.org/rfc/rfc9110
 *
 * @module
 */

import { SourceError } from "../core/errors.ts";
import { TOOL_VERSION } from "../core/version.ts";
import { Hosts } from "./http_hosts.ts";
import { redirected, refused } from "./http_redirect.ts";
import { shownUrl } from "../core/shown_url.ts";

/** One request. */
export interface HttpRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** GET unless given. Files are read by GET; the others exchange credentials for a token. */
  readonly method?: "GET" | "POST" | "PUT";
  /** Of a POST. */
  readonly body?: string;
  /** Aborts the request at any stage. */
  readonly signal: AbortSignal;
}

/** The answer to one request; redirects are not followed, unless `url` says so, and nothing is decoded. */
export interface HttpResponse {
  readonly status: number;
  /** Where it came from, for transports that follow redirects themselves, as a browser's does. */
  readonly url?: URL | undefined;
  /** A header by its name in lower case; several are joined by commas, those of Location by line feeds. */
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

/** Signs requests to one place, such as a bucket. */
export interface Authorizer {
  /** True for addresses that the credentials may go to; asked anew for each redirect. */
  goesTo(url: URL): boolean;
  /**
   * The headers to add to one request.
   *
   * @param headers what it has otherwise
   * @throws SourceError when the credentials cannot be had
   */
  headers(
    url: URL,
    headers: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, string>>>;
  /** What to do where the server refuses. */
  readonly remedy: string;
}

/** How requests are made. */
export interface HttpClientOptions {
  readonly transport: HttpTransport;
  /** Ends all requests. */
  readonly signal?: AbortSignal;
  /** Milliseconds without a byte after which a connection counts as dead; 30 s unless given. */
  readonly idleMilliseconds?: number;
  /** Milliseconds before the second try; each further one waits twice as long. 500 unless given. */
  readonly retryMilliseconds?: number;
  /** What gets a token, and the token. */
  readonly token?: { readonly value: string; readonly goesTo: (url: URL) => boolean } | undefined;
  /** Milliseconds left for everything; undefined without a limit. */
  readonly remaining?: (() => number | undefined) | undefined;
  /** Milliseconds that a server may ask to wait before that is an error; as long as there is time unless given. */
  readonly longestWait?: number | undefined;
}

/** An answer that is no redirect and no passing failure. */
export interface HttpReply {
  /** Where the redirects ended. */
  readonly url: URL;
  readonly status: number;
  header(name: string): string | undefined;
  /** A header of the first answer that has it, redirects among them. */
  headerOnTheWay(name: string): string | undefined;
  /** The body, with idle times and its pace watched. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Lets the connection go. May be called twice. */
  close(): void;
}

/** Requests sent in all on transient errors. The hub's own client, huggingface_hub, sends 6. CWE-400. */
const ATTEMPTS = 4;
/** Requests at a time, of all files, that read ahead. With one for each file there are connections for all. */
const SPARE_REQUESTS = 8;
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
/**
 * Milliseconds of a Retry-After header that are waited where there is no limit of time; a longer one is an error.
 * The hub counts requests in windows of five minutes. CWE-400.
 */
const LONGEST_WAIT_MILLISECONDS = 305_000;
/** Times that a server may ask to come back later, within the limit of time. CWE-400. */
const WAITS = 100;
/** Bytes of a redirect's body that are read so that its connection can be used again. CWE-400. */
const REDIRECT_BODY_BYTES = 64 * 1024;
/**
 * Bytes a second below which a server is too slow, once it was waited for `PATIENCE_MILLISECONDS`. No slower one is
 * known to be in use. CWE-400.
 */
const SLOWEST_BYTES_A_SECOND = 1024;
const PATIENCE_MILLISECONDS = 120_000;
const USER_AGENT = `modelaudit/${TOOL_VERSION}`;
const REDIRECT_STATUS = [301, 302, 303, 307, 308];
const PASSING_STATUS = [408, 425, 429, 500, 502, 503, 504];
/** What those say that stand before a host that is down. */
const DOWN_STATUS = [500, 502, 503, 504];

/** Something that may be better the next time. */
export class PassingError extends Error {
  /** Tells the kinds of errors apart across realms. */
  override readonly name: string = "PassingError";
  /** Milliseconds that the server asked to wait. */
  readonly after: number | undefined;
  /** True when nothing came for too long. */
  readonly silent: boolean;
  /** True when nothing was asked, since the host counts as down. */
  readonly down: boolean;
  /** The status of an answer that says so; undefined where none came. */
  readonly status: number | undefined;

  /** A failure that is tried again. */
  constructor(
    message: string,
    options: {
      after?: number | undefined;
      silent?: boolean;
      down?: boolean;
      status?: number;
    } = {},
  ) {
    super(message);
    this.after = options.after;
    this.silent = options.silent ?? false;
    this.down = options.down ?? false;
    this.status = options.status;
  }
}

/** A body of which some came and not all. */
export class CutOff extends PassingError {
  /** Tells the kinds of errors apart across realms. */
  override readonly name = "CutOff";
}

/** Makes requests; one for all files of a scan. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #hosts = new Hosts();
  readonly #authorizers: Authorizer[] = [];
  #spare = SPARE_REQUESTS;
  #requests = 0;
  #retries = 0;
  #failures = 0;

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /** Requests sent so far, redirects and repeated ones counted. */
  get requests(): number {
    return this.#requests;
  }

  /** How often something was asked for again. */
  get retries(): number {
    return this.#retries;
  }

  /** What could not be had, however often it was asked for. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * Makes a request that nothing waits for yet, if there is room for it beside those that something waits for: else
   * these would wait for a connection, and count as silent.
   */
  spare<T>(request: () => Promise<T>): Promise<T> | undefined {
    if (this.#spare === 0) return undefined;
    this.#spare--;
    return request().finally(() => this.#spare++);
  }

  /** True when a token goes to this URL. */
  sendsToken(url: URL): boolean {
    return this.#options.token?.goesTo(url) ?? false;
  }

  /** Signs requests from now on. Where two go to an address, the first counts. */
  authorize(authorizer: Authorizer): void {
    this.#authorizers.push(authorizer);
  }

  /** What to do where the server of this URL refuses; undefined where nothing here signs requests to it. */
  remedyFor(url: URL): string | undefined {
    return this.#authorizers.find((it) => it.goesTo(url))?.remedy;
  }

  /**
   * Sends a request and passes the response to `use`; both are retried on transient errors.
   *
   * @param name of the source, for messages
   * @param use reads the response and throws PassingError for a transient error
   * @throws SourceError when it failed permanently
   */
  get<T>(
    name: string,
    url: URL,
    headers: Readonly<Record<string, string>>,
    use: (reply: HttpReply) => Promise<T>,
  ): Promise<T> {
    return this.exchange(name, { url, headers }, use);
  }

  /** The same for a request of any method; one that is no GET is not redirected. */
  async exchange<T>(
    name: string,
    request: Omit<HttpRequest, "signal">,
    use: (reply: HttpReply) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#attempts(name, request, use);
    } catch (error) {
      // Bodies that break off are read on in another way.
      if (!(error instanceof SourceError && error.cause instanceof CutOff)) this.#failures++;
      throw error;
    }
  }

  async #attempts<T>(
    name: string,
    request: Omit<HttpRequest, "signal">,
    use: (reply: HttpReply) => Promise<T>,
  ): Promise<T> {
    const { url } = request;
    const base = this.#options.retryMilliseconds ?? RETRY_MILLISECONDS;
    let waits = 0;
    for (let attempt = 1;; attempt++) {
      let reply: HttpReply | undefined;
      try {
        reply = await this.#follow(name, request);
        if (PASSING_STATUS.includes(reply.status)) {
          throw passingStatus(reply, this.#hosts.isFailing(reply.url));
        }
        return await use(reply);
      } catch (error) {
        reply?.close();
        if (this.#options.signal?.aborted) throw stopped(name);
        if (!(error instanceof PassingError)) throw error;
        const wait = error.after ?? base * 2 ** (attempt - 1) * (1 + Math.random() / 4);
        const most = this.#options.remaining?.() ?? LONGEST_WAIT_MILLISECONDS;
        const tooLong = wait > Math.min(most, this.#options.longestWait ?? Infinity);
        const isAsked = error.after !== undefined && this.#options.longestWait === undefined &&
          this.#options.remaining?.() !== undefined;
        // Within a limit of time, waiting as the server asks is no attempt.
        if (isAsked && !tooLong && waits < WAITS) waits++;
        else if (tooLong || error.down || this.#attemptsOf(error) <= attempt - waits) {
          throw failedForGood(name, url, error, attempt, tooLong);
        }
        await this.#pause(name, wait);
        this.#retries++;
      }
    }
  }

  #attemptsOf(error: PassingError): number {
    return error.silent ? SILENT_ATTEMPTS : ATTEMPTS;
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
  async #follow(name: string, request: Omit<HttpRequest, "signal">): Promise<HttpReply> {
    const visited = new Set<string>();
    const before: HttpReply[] = [];
    let current = request.url;
    for (let hop = 0; hop <= REDIRECTS; hop++) {
      if (visited.has(current.href)) {
        throw refused(name, `its redirects lead in a circle, back to ${shownUrl(current)}`);
      }
      visited.add(current.href);
      const reply = await this.#send(name, { ...request, url: current });
      const location = REDIRECT_STATUS.includes(reply.status) && reply.header("location");
      if (location && (request.method ?? "GET") !== "GET") {
        reply.close();
        throw refused(name, "a request that is no GET is redirected");
      }
      if (!location) {
        return {
          ...reply,
          headerOnTheWay: (it) => firstHeader([...before, reply], it),
        };
      }
      // Read to its end, a connection can be used for the next request; this waits for nothing.
      void drained(reply);
      current = redirected(name, current, location);
      before.push(reply);
    }
    throw refused(name, `there are more than ${REDIRECTS} redirects`);
  }

  async #send(name: string, request: Omit<HttpRequest, "signal">): Promise<HttpReply> {
    const { url } = request;
    const { token, signal, transport } = this.#options;
    if (signal?.aborted) throw stopped(name);
    if (this.#hosts.isDown(url)) {
      throw new PassingError(`${url.host} did not answer before`, { down: true });
    }
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    signal?.addEventListener("abort", abort, { once: true });
    const close = (): void => {
      signal?.removeEventListener("abort", abort);
      controller.abort();
    };
    const idle = this.#options.idleMilliseconds ?? IDLE_MILLISECONDS;
    // What is compressed on its way cannot be read by ranges.
    const usual = { "accept-encoding": "identity", "user-agent": USER_AGENT, ...request.headers };
    const own = token?.goesTo(url)
      ? { authorization: `Bearer ${token.value}` }
      : await this.#authorizers.find((it) => it.goesTo(url))?.headers(url, usual) ?? {};
    if (signal?.aborted) throw stopped(name);
    this.#requests++;
    try {
      const response = await inTime(
        transport({ ...request, headers: { ...usual, ...own }, signal: controller.signal }),
        idle,
        controller.signal,
      );
      if (DOWN_STATUS.includes(response.status)) this.#hosts.failed(url);
      else this.#hosts.answered(url);
      return {
        url: response.url ?? url,
        status: response.status,
        header: (it) => response.header(it),
        headerOnTheWay: (it) => response.header(it),
        body: watched(response.body, idle, controller.signal, close),
        close,
      };
    } catch (error) {
      close();
      if (!signal?.aborted) this.#hosts.failed(url);
      throw passing(error, this.#hosts.isFailing(url));
    }
  }
}

function firstHeader(replies: readonly HttpReply[], name: string): string | undefined {
  return replies.map((it) => it.header(name)).find((it) => it !== undefined);
}

/** Reads what is left of a short body; ends the connection of a long one. */
async function drained(reply: HttpReply): Promise<void> {
  let length = 0;
  try {
    for await (const chunk of reply.body) {
      length += chunk.length;
      if (length > REDIRECT_BODY_BYTES) break;
    }
  } catch {
    // Nobody wants it.
  }
}

/** The body's chunks; silence, drops and broken connections are failures that may pass. */
async function* watched(
  body: AsyncIterable<Uint8Array>,
  idle: number,
  signal: AbortSignal,
  close: () => void,
): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  let waited = 0;
  let length = 0;
  try {
    for (;;) {
      const began = performance.now();
      const { done, value } = await inTime(iterator.next(), idle, signal);
      if (done) return;
      waited += performance.now() - began;
      length += value.length;
      if ((waited - PATIENCE_MILLISECONDS) / 1000 * SLOWEST_BYTES_A_SECOND > length) {
        throw new PassingError("its bytes come too slowly", { silent: true });
      }
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

function passing(error: unknown, down = false): Error {
  if (error instanceof SourceError) return error;
  const silent = error instanceof PassingError && error.silent;
  if (error instanceof PassingError && !down) return error;
  return new PassingError(error instanceof Error ? error.message : String(error), { silent, down });
}

function stopped(name: string): SourceError {
  return new SourceError(name, `Cannot fetch "${name}" to its end: the scan was stopped`, {
    remedy: "Scan again, with a longer --timeout if it ran out of time.",
  });
}

function passingStatus(reply: HttpReply, down: boolean): PassingError {
  return new PassingError(`the server answers ${reply.status}`, {
    after: retryAfter(reply.header("retry-after")),
    down,
    status: reply.status,
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
  tooLong: boolean,
): SourceError {
  const tries = attempts === 1 ? "" : ` (tried ${attempts} times)`;
  const later = error.after !== undefined && tooLong
    ? ` and asks to come back in ${Math.ceil(error.after / 1000)} s`
    : "";
  const message = `Cannot fetch "${name}" from ${url.host}: ${error.message}${later}${tries}`;
  const { status, after } = error;
  return new SourceError(name, message, {
    cause: error,
    failure: {
      kind: status === 429 ? "rate-limited" : "unavailable",
      passing: true,
      ...(after !== undefined && { after }),
    },
    remedy: error.silent
      ? "Check the network, or raise --network-timeout."
      : "Scan again later, or download the file in another way.",
  });
}

/**
 * What a status that is no success means.
 *
 * @param client knows what was sent
 */
export function statusError(
  name: string,
  reply: HttpReply,
  client: Pick<HttpClient, "remedyFor" | "sendsToken">,
): SourceError {
  const { status } = reply;
  const ofStore = client.remedyFor(reply.url);
  const withToken = client.sendsToken(reply.url);
  const code = reply.header("x-error-code") ?? "";
  const [reason, remedy] = status === 401 || status === 403
    ? [
      /gated/i.test(code) ? "the repository is gated" : "the server does not allow it",
      ofStore !== undefined
        ? ofStore
        : withToken
        ? "The token in HF_TOKEN does not allow it: ask for access, or use another."
        : "Set HF_TOKEN if it is a private or gated repository; check the link else.",
    ]
    : status === 404 || status === 410
    ? [
      "there is no such file",
      ofStore ?? "Check the address; a private repository needs HF_TOKEN.",
    ]
    : ["the server does not give the file", "Open the address in a browser to see what it says."];
  const text = `Cannot fetch "${name}" from ${reply.url.host}: ${reason} (HTTP ${status})`;
  const kind = [401, 403].includes(status)
    ? "forbidden"
    : [404, 410].includes(status)
    ? "not-found"
    : "unsupported";
  return new SourceError(name, text, { remedy, failure: { kind, passing: false } });
}
