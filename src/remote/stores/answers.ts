/**
 * Answers of the programming interfaces of stores: short texts, read whole.
 *
 * @module
 */

import { SourceError } from "../../core/errors.ts";
import {
  type HttpClient,
  type HttpReply,
  type HttpRequest,
  PassingError,
} from "../../sources/http_client.ts";
import { codingsOf, readAtMost } from "../../sources/http_stream.ts";

/** Bytes of one answer. A thousand entries of a listing have one or two megabytes. CWE-770. */
const ANSWER_BYTES = 32 * 1024 * 1024;

/** An answer. */
export interface Answer {
  readonly status: number;
  readonly bytes: Uint8Array;
  readonly text: string;
  header(name: string): string | undefined;
  readonly reply: HttpReply;
}

/**
 * Reads an answer of any status that is no passing failure.
 *
 * @param name for messages
 * @throws SourceError when it cannot be had, is too long or comes encoded
 */
export async function answerOf(
  name: string,
  request: Omit<HttpRequest, "signal">,
  client: HttpClient,
): Promise<Answer> {
  return await client.exchange(name, request, async (reply) => {
    if (codingsOf(reply).length > 0) {
      reply.close();
      throw invalidAnswer(name, "encodes its answer though nothing asked for that");
    }
    const bytes = await readAtMost(reply, ANSWER_BYTES);
    if (bytes === undefined) {
      reply.close();
      throw invalidAnswer(name, `answers with more than ${ANSWER_BYTES} bytes`);
    }
    const announced = Number(reply.header("content-length") ?? bytes.length);
    if (bytes.length < announced) {
      throw new PassingError(`${bytes.length} of ${announced} bytes came`);
    }
    const text = new TextDecoder().decode(bytes);
    const { status } = reply;
    return { status, bytes, text, header: (it) => reply.header(it), reply };
  });
}

/** An answer as JSON. @throws SourceError when it is none */
export function jsonOf(name: string, { text }: Answer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidAnswer(name, "does not answer in JSON");
  }
}

/** A server that does not do what its interface says. */
export function invalidAnswer(name: string, problem: string): SourceError {
  return new SourceError(name, `Cannot list "${name}": the server ${problem}`, {
    remedy: "Check the address and the endpoint, or download the files and scan their folder.",
  });
}

/** A status of a store that is no success. */
export class StoreError extends SourceError {
  /** The status. */
  readonly status: number;
  /** What the store calls it, such as "AccessDenied". */
  readonly code: string | undefined;

  /** An error with its status. */
  constructor(
    name: string,
    message: string,
    { status, code, remedy }: { status: number; code: string | undefined; remedy: string },
  ) {
    super(name, message, { remedy });
    this.status = status;
    this.code = code;
  }
}

/** An answer that is no success, with the code that the store gives. */
export function storeError(name: string, answer: Answer, client: HttpClient): StoreError {
  const { status, text, reply } = answer;
  // XML of S3 and Azure, JSON of registries.
  const code = /<Code>([A-Za-z]{1,64})<\/Code>|"code"\s*:\s*"([A-Z_]{1,64})"/.exec(text);
  const said = code?.[1] ?? code?.[2] ?? reply.header("x-ms-error-code")?.slice(0, 64);
  const reason = status === 401 || status === 403
    ? "the server does not allow it"
    : status === 404
    ? "there is no such thing"
    : "the server does not answer with it";
  const message = `Cannot list "${name}" at ${reply.url.host}: ${reason} (HTTP ${status}${
    said === undefined ? "" : `, ${said}`
  })`;
  const remedy = client.remedyFor(reply.url) ?? "Check the address.";
  return new StoreError(name, message, { status, code: said, remedy });
}

/** True for an object of JSON. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A size as JSON or XML has it; undefined when it is none. */
export function sizeOf(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0
    ? number
    : undefined;
}
