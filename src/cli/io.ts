/**
 * The world around the command line, so that tests can put another in its place.
 *
 * @module
 */

import process from "node:process";
import type { ThreadSupply } from "../scan/schedule/threads.ts";
import { type Keep, revokePermissions } from "./permissions.ts";
import { isClosedPipe, writeFailure } from "./write_failure.ts";

/** Where text goes. */
export interface Output {
  /** True when a person sits behind it. */
  readonly isTTY: boolean;
  /** Columns of the terminal, where there is one. */
  readonly columns: number | undefined;
  /** True once nothing arrives: the reader has gone away (`| head`), or writing failed. */
  readonly closed: boolean;
  /** Why writing failed; undefined when it did not, or only its reader has gone away. */
  readonly failure: string | undefined;
  /** Settles when the text was handed over, or cannot be; never rejects. */
  write(text: string): Promise<void>;
}

/** All that the command line touches besides files. */
export interface Io {
  /** Opens standard input; called once at most, and only when it is to be scanned. */
  stdin(): AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Of the environment only what {@linkcode ENVIRONMENT} and {@linkcode NETWORK_ENVIRONMENT} name. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory; "." for a process. */
  readonly folder: string;
  /** Milliseconds since 1970. */
  now(): number;
  /** Threads that may scan besides this one; none unless given. */
  readonly threads?: ThreadSupply | undefined;
  /**
   * The browser page, for `serve`; absent where there is none.
   *
   * @throws ConfigError where it was not built
   */
  readonly page?: (() => string) | undefined;
  /** Gives up what the scan does not need, before the first byte of a model is read. */
  confine(keep: Keep): void;
  /** Calls back when the user presses Ctrl-C; returns how to stop listening. */
  onInterrupt(callback: () => void): () => void;
  /** Calls back when the process is asked to end by SIGTERM; returns how to stop listening. */
  onTerminate(callback: () => void): () => void;
}

/** The environment variables that are read; the executable may see no others. */
export const ENVIRONMENT = [
  "NO_COLOR",
  "FORCE_COLOR",
  "TERM",
  "COLUMNS",
  "HOME",
  "USERPROFILE",
  "XDG_CONFIG_HOME",
] as const;

/** What is read besides when something is to be fetched. */
export const NETWORK_ENVIRONMENT = [
  "HF_TOKEN",
  "HUGGING_FACE_HUB_TOKEN",
  "HF_TOKEN_PATH",
  "HF_HOME",
  "HF_HUB_DISABLE_IMPLICIT_TOKEN",
  "XDG_CACHE_HOME",
  "HF_ENDPOINT",
  "HF_HUB_OFFLINE",
  "HTTPS_PROXY",
  "https_proxy",
  "HTTP_PROXY",
  "http_proxy",
  "ALL_PROXY",
  "all_proxy",
  "NO_PROXY",
  "no_proxy",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_PROFILE",
  "AWS_DEFAULT_PROFILE",
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "AWS_ENDPOINT_URL",
  "AWS_ENDPOINT_URL_S3",
  "AWS_SHARED_CREDENTIALS_FILE",
  "AWS_CONFIG_FILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_ROLE_ARN",
  "AWS_ROLE_SESSION_NAME",
  "AWS_EC2_METADATA_SERVICE_ENDPOINT",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
  "GOOGLE_APPLICATION_CREDENTIALS",
  "GOOGLE_OAUTH_ACCESS_TOKEN",
  "CLOUDSDK_AUTH_ACCESS_TOKEN",
  "CLOUDSDK_CONFIG",
  "STORAGE_EMULATOR_HOST",
  "GCE_METADATA_HOST",
  "AZURE_STORAGE_ACCOUNT",
  "AZURE_STORAGE_ACCOUNT_NAME",
  "AZURE_STORAGE_KEY",
  "AZURE_STORAGE_ACCOUNT_KEY",
  "AZURE_STORAGE_SAS_TOKEN",
  "AZURE_STORAGE_CONNECTION_STRING",
  "AZURE_POD_IDENTITY_AUTHORITY_HOST",
  "DOCKER_CONFIG",
  "REGISTRY_AUTH_FILE",
] as const;

/** The exit code of a program that Ctrl-C ended: 128 and the number of SIGINT. */
const INTERRUPTED = 130;

/** The same for SIGTERM. */
const TERMINATED = 143;

/**
 * Milliseconds of processor time before threads are worth their start, which costs a third of that
 * for each. On a machine that has no time to spare, others would not get any either.
 */
const THREADS_AFTER_MILLISECONDS = 600;

/** Milliseconds after which they are, though the processor was idle: others can wait for a disk meanwhile. */
const THREADS_AFTER_WAITING_MILLISECONDS = 5000;

/**
 * The world of this process.
 *
 * @param worker the module that worker threads run; without it there are none
 * @param page reads the browser page
 */
export function processIo(worker?: URL, page?: () => string): Io {
  const env: Record<string, string | undefined> = {};
  for (const name of [...ENVIRONMENT, ...NETWORK_ENVIRONMENT]) env[name] = readVariable(name);
  return {
    stdin: () => process.stdin as AsyncIterable<Uint8Array>,
    stdout: streamOutput(process.stdout),
    stderr: streamOutput(process.stderr),
    env,
    folder: ".",
    page,
    now: () => Date.now(),
    threads: worker && {
      whenWorthwhile,
      load: async () => (await import("./threads.ts")).threadsAt(worker),
    },
    confine: revokePermissions,
    onInterrupt(callback) {
      let pressed = false;
      const listener = (): void => {
        // Who presses twice does not want to wait.
        if (pressed) process.exit(INTERRUPTED);
        pressed = true;
        callback();
      };
      process.on("SIGINT", listener);
      return () => process.off("SIGINT", listener);
    },
    onTerminate(callback) {
      let asked = false;
      const listener = (): void => {
        if (asked) process.exit(TERMINATED);
        asked = true;
        callback();
      };
      process.on("SIGTERM", listener);
      return () => process.off("SIGTERM", listener);
    },
  };
}

function whenWorthwhile(callback: () => void): () => void {
  const used = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const [before, began] = [used(), performance.now()];
  const checkLoad = (): void => {
    const missing = before + THREADS_AFTER_MILLISECONDS - used();
    const waited = performance.now() - began;
    if (missing <= 0 || waited >= THREADS_AFTER_WAITING_MILLISECONDS) callback();
    else timer = setTimeout(checkLoad, Math.max(missing, 20));
  };
  let timer = setTimeout(checkLoad, THREADS_AFTER_MILLISECONDS);
  return () => clearTimeout(timer);
}

/** A variable that may not be read counts as not set. */
function readVariable(name: string): string | undefined {
  try {
    return process.env[name];
  } catch {
    return undefined;
  }
}

/** What is used of a stream of `node:stream`. */
interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string, done: (error?: Error | null) => void): boolean;
  on(event: "error", listener: (error: Error) => void): unknown;
}

function streamOutput(stream: Stream): Output {
  let closed = false;
  let failure: string | undefined;
  const fail = (error: unknown): void => {
    if (!closed && !isClosedPipe(error)) failure = writeFailure(error);
    closed = true;
  };
  stream.on("error", fail);
  return {
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns;
    },
    get closed() {
      return closed;
    },
    get failure() {
      return failure;
    },
    write(text) {
      if (closed || text === "") return Promise.resolve();
      return new Promise((done) => {
        try {
          stream.write(text, (error) => {
            if (error) fail(error);
            done();
          });
        } catch (error) {
          // Deno throws what Node hands to the callback.
          fail(error);
          done();
        }
      });
    },
  };
}
