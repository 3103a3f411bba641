/**
 * What the build and the server put into the page, and the workers that it starts.
 *
 * @module
 */

/// <reference lib="dom" />

import type { WorkerPort } from "./scan/pool.ts";

/** A block of data in the page; written by the build, and by `modelaudit serve`. */
interface Setup {
  /** Where the worker's module is; absent where it lies in the page. */
  readonly worker?: string;
  /** Where the service worker is; absent where there is none. */
  readonly serviceWorker?: string;
  /** Checkpoints to try. */
  readonly examples: Readonly<Record<"harmless" | "harmful", Example>>;
  /** A mirror of the hub; the hub itself unless given. */
  readonly hub?: string;
  /** Files that the server gives; absent on other servers. */
  readonly served?: readonly ServedFile[];
}

/** A file in the page. */
interface Example {
  readonly name: string;
  readonly base64: string;
}

/** A file that `modelaudit serve` was given. */
export interface ServedFile {
  /** What reports put before its name: empty, or the folder that was named, with a slash. */
  readonly prefix: string;
  readonly name: string;
  readonly size: number;
  /** Below the page's address. */
  readonly url: string;
}

/** The data that the page was given. */
export function readSetup(): Setup {
  return JSON.parse(document.querySelector("#setup")?.textContent ?? "{}") as Setup;
}

/** The bytes of a text in base64. */
export function bytesOfBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (it) => it.charCodeAt(0));
}

/** What makes addresses that scripts may be loaded from. https://www.w3.org/TR/trusted-types/ */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
}

const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };

/** The one place where the page may start scripts: the addresses below are its own. */
const policy = trustedTypes?.createPolicy("modelaudit", { createScriptURL: (url) => url });

function scriptUrl(url: string): string {
  return policy?.createScriptURL(url) ?? url;
}

/** Starts workers. */
export class Workers {
  readonly #setup: Setup;
  #url: Promise<string> | undefined;
  #spare: Worker | undefined;

  /** @param setup says where the worker's module is */
  constructor(setup: Setup) {
    this.#setup = setup;
  }

  /** Loads the worker's module, so that a scan begins at once. */
  async prepare(): Promise<void> {
    const url = await this.#address();
    if (this.#spare !== undefined) return;
    const spare = this.#start(url);
    // One that does not start is not kept: the next one reports why.
    spare.addEventListener("error", () => {
      if (this.#spare === spare) this.#spare = undefined;
    });
    this.#spare = spare;
  }

  /** Ends the worker that waits for the next scan: it is under the policies of the time of its start. */
  discardSpare(): void {
    this.#spare?.terminate();
    this.#spare = undefined;
  }

  /** How further workers are started. */
  async starter(): Promise<() => WorkerPort> {
    const url = await this.#address();
    return () => {
      const worker = this.#spare ?? this.#start(url);
      this.#spare = undefined;
      return worker as unknown as WorkerPort;
    };
  }

  #start(url: string): Worker {
    const type = this.#setup.worker === undefined ? "classic" : "module";
    return new Worker(scriptUrl(url), { type, name: "modelaudit" });
  }

  /**
   * The address of a script that is the page's own, whose worker is under the page's Content-Security-Policy: one from
   * an address of the server would be under the server's.
   */
  #address(): Promise<string> {
    return this.#url ??= scriptOf(this.#setup).then((script) => URL.createObjectURL(script));
  }
}

async function scriptOf({ worker }: Setup): Promise<Blob> {
  const type = "text/javascript";
  if (worker !== undefined) {
    return new Blob([`import ${JSON.stringify(new URL(worker, document.baseURI).href)};`], {
      type,
    });
  }
  const packed = bytesOfBase64(document.querySelector("#worker")?.textContent?.trim() ?? "");
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Blob([await new Response(stream).arrayBuffer()], { type });
}

/** Lets the page work without its server after this visit. */
export function registerServiceWorker({ serviceWorker }: Setup): void {
  if (serviceWorker === undefined || !("serviceWorker" in navigator)) return;
  // Where it is refused, the page works as before, with its server.
  navigator.serviceWorker.register(scriptUrl(serviceWorker)).catch(() => {});
}
