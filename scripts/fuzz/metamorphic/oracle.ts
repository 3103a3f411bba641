/**
 * The oracle in a process of its own: `metamorphic_oracle.py`, requested in batches.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { written } from "./layout.ts";
import type { ListedName } from "./listed.ts";
import type { Draft, Loader } from "./transformation.ts";

const SCRIPT = fileURLToPath(new URL("../metamorphic_oracle.py", import.meta.url));

/** A pickle that lies in a sample. */
interface Found {
  readonly where: string;
  readonly loader: Loader;
  readonly raws: readonly (readonly [at: number, length: number])[];
  readonly bytes: string;
}

/** Whether a draft does what its sample does. */
export interface Judgement {
  readonly same: boolean;
  readonly why?: string;
  readonly readers?: readonly string[];
  /** The file with its containers, in base64; without it the draft is the file. */
  readonly bytes?: string;
}

/** Any reply. */
interface Reply extends Judgement {
  readonly pickles?: readonly Found[];
  readonly events?: readonly unknown[];
  readonly error?: string | null;
}

/** A draft and the sample that it was made from. */
interface Question {
  readonly of: string;
  readonly draft: Draft;
}

/** What the oracle has installed. */
interface Ready {
  readonly ready: string;
  readonly loaders: Readonly<Record<string, string>>;
  readonly containers: readonly string[];
  /** Names of the allowlists that may be called or restored, where it was asked to have them. */
  readonly listed: readonly ListedName[];
}

/** A running oracle, restarted after a crash. */
export class Oracle {
  #child: ChildProcessWithoutNullStreams;
  #stopped = false;
  readonly #waiting: ((line: string) => void)[] = [];
  /** Requests that a new process has to have before any other. */
  readonly #kept: object[] = [];

  constructor() {
    this.#child = this.#begin();
  }

  #begin(): ChildProcessWithoutNullStreams {
    const python = process.env["PYTHON"] ?? "python3";
    const child = spawn(python, ["-I", "-X", "utf8", SCRIPT]);
    child.stderr.on("data", (chunk: Uint8Array) => process.stderr.write(chunk));
    child.stdin.on("error", () => {});
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => this.#waiting.shift()?.(line));
    child.on("exit", (code, signal) => {
      lines.close();
      if (this.#stopped) return;
      const lost = this.#waiting.splice(0);
      console.error(`oracle exited with ${code ?? signal}, ${lost.length} requests lost`);
      this.#child = this.#begin();
      void this.#line();
      for (const request of this.#kept) {
        this.#child.stdin.write(`${JSON.stringify(request)}\n`);
        void this.#line();
      }
      for (const waiting of lost) waiting(JSON.stringify({ same: false, why: "the oracle ended" }));
    });
    return child;
  }

  /** What is installed; first of all. */
  async ready(): Promise<Ready> {
    return JSON.parse(await this.#line());
  }

  /** The pickles of a sample up to a size. */
  async survey(name: string, bytes: Uint8Array, most: number): Promise<readonly Found[]> {
    const reply = await this.#ask({ survey: 1, name, bytes: base64(bytes), most });
    return reply.pickles ?? [];
  }

  /** Keeps what a draft does; gives the number of its calls and changes, and the error at the end. */
  async baseline(
    id: string,
    draft: Draft,
  ): Promise<{ readonly calls: number; readonly error?: string }> {
    const { loader } = draft;
    const request = { baseline: id, loader, bytes: base64(written(draft)) };
    this.#kept.push(request);
    const reply = await this.#ask(request);
    return { calls: reply.events?.length ?? 0, ...(reply.error ? { error: reply.error } : {}) };
  }

  /** Judges drafts, all at once. */
  async judge(questions: readonly Question[]): Promise<readonly Judgement[]> {
    return await Promise.all(questions.map(({ of, draft }) => {
      const { loader, containers } = draft;
      const inner = draft.containers.length > 0 ? innerName(draft) : draft.name;
      return this.#ask({ of, loader, containers, inner, bytes: base64(written(draft)) });
    }));
  }

  /** Ends the process. */
  stop(): void {
    this.#stopped = true;
    this.#child.kill("SIGKILL");
  }

  #line(): Promise<string> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #ask(request: object): Promise<Reply> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    return JSON.parse(await this.#line());
  }
}

/** The name in the innermost container. */
function innerName({ loader }: Draft): string {
  return loader === "joblib" ? "model.joblib" : "model.pkl";
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
