import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { scan, type ScanInput } from "../../mod.ts";

const HARMFUL = new TextEncoder().encode("cos\nsystem\n(S'echo hi'\ntR.");

/** "PATH VERDICT" of each file. */
async function verdicts(...inputs: readonly ScanInput[]): Promise<string[]> {
  const { files, errors } = await scan(inputs, { hash: true });
  assert.deepEqual(errors, []);
  return files.map(({ path, verdict }) => `${path} ${verdict}`);
}

function chunked(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const byte of HARMFUL) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
}

async function* iterated(): AsyncGenerator<Uint8Array> {
  for (const byte of HARMFUL) yield await Promise.resolve(Uint8Array.of(byte));
}

/** The answer of a server at an address. */
function answer(url: string, body: BodyInit | null, init?: ResponseInit): Response {
  return Object.defineProperty(new Response(body, init), "url", { value: url });
}

test("bytes are scanned in whichever of the language's containers they come", async () => {
  const padded = new Uint8Array(HARMFUL.length + 2);
  padded.set(HARMFUL, 1);
  assert.deepEqual(
    await verdicts(
      HARMFUL.slice().buffer,
      new DataView(padded.buffer, 1, HARMFUL.length),
      new Blob([HARMFUL]),
      new File([HARMFUL], "named.pkl"),
    ),
    ["input-1", "input-2", "input-3", "named.pkl"].map((name) => `${name} dangerous`),
  );
});

test("streams of the web, of Node and async iterables are scanned as they arrive", async () => {
  assert.deepEqual(
    await verdicts(chunked(), iterated(), Readable.from([HARMFUL.slice(0, 5), HARMFUL.slice(5)]), {
      name: "upload.pkl",
      stream: chunked,
    }),
    ["input-1", "input-2", "input-3", "upload.pkl"].map((name) => `${name} dangerous`),
  );
});

test("a stream has the hash of its bytes", async () => {
  const [streamed, whole] = (await scan([chunked(), HARMFUL], { hash: true })).files;
  assert.equal(streamed?.sha256?.value, whole?.sha256?.value);
  assert.equal(whole?.sha256?.value.length, 64);
});

test("a response is scanned by the name in its address", async () => {
  assert.deepEqual(
    await verdicts(
      answer("https://example.org/a/my%20model.pkl?download=1", chunked()),
      new Response(HARMFUL),
    ),
    ["my model.pkl dangerous", "input-1 dangerous"],
  );
});

test("a response that is no success, or was read, is an error and no verdict", async () => {
  const read = new Response(HARMFUL);
  await read.arrayBuffer();
  const { files, errors } = await scan([
    answer("https://example.org/model.pkl", "not found", { status: 404 }),
    Response.error(),
    read,
  ]);
  assert.deepEqual(files, []);
  assert.deepEqual(errors.map(({ location, message }) => `${location.path}: ${message}`), [
    "model.pkl: Cannot scan the response: status 404",
    "input-1: Cannot scan the response: a page may not read the answer (CORS)",
    "input-2: Cannot scan the response: its body was read",
  ]);
});

test("a stream that breaks off, gives text or has another reader leaves its file incomplete", async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(HARMFUL.slice(0, 4));
    throw new Error("connection reset");
  }
  const locked = chunked();
  locked.getReader();
  const text = Readable.from(["cos\nsystem\n"]);
  const { files } = await scan([broken(), text as unknown as ScanInput, locked]);
  assert.deepEqual(files.map(({ verdict }) => verdict), ["incomplete", "incomplete", "incomplete"]);
  const messages = files.map(({ errors }) => errors.map(({ message }) => message).join());
  assert.match(messages[0] ?? "", /connection reset/);
  assert.match(messages[1] ?? "", /chunks of type string, not bytes/);
  assert.match(messages[2] ?? "", /lock/i);
});

test("a stream that is no longer wanted is cancelled", async () => {
  const stop = new AbortController();
  let [cancelled, pulls] = [false, 0];
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(HARMFUL.slice(0, 4));
      // The first is asked for before anybody reads.
      if (++pulls === 1) return;
      stop.abort();
      return new Promise(() => {});
    },
    cancel() {
      cancelled = true;
    },
  });
  const { files } = await scan(endless, { signal: stop.signal });
  assert.equal(files[0]?.verdict, "incomplete");
  await new Promise((done) => setTimeout(done, 0));
  assert.equal(cancelled, true);
});

test("what cannot be scanned is refused with what to give instead", async () => {
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [null, /Cannot scan a null\. Give a path,/],
    [7, /Cannot scan a number/],
    [{}, /Cannot scan an object\. /],
    [Promise.resolve(HARMFUL), /it is a promise, which is to be awaited first/],
    [new SharedArrayBuffer(8), /its memory is shared/],
    [new Uint8Array(new SharedArrayBuffer(8)), /its memory is shared/],
    [["a.pkl", undefined], /Cannot scan an undefined/],
  ];
  for (const [input, message] of refused) {
    await assert.rejects(scan(input as ScanInput), { name: "TypeError", message });
  }
});
