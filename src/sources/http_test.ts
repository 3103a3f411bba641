import assert from "node:assert/strict";
import { test } from "node:test";
import { BYTES, readInSteps, withServer } from "../cli/testing/http.ts";
import { type Misbehaviour, sendFile } from "../cli/testing/server.ts";
import { SourceError } from "../core/errors.ts";

test("a file with ranges is read at any offset, and what was read is not fetched again", async () => {
  await withServer(async (server, open) => {
    server.serve("/model.pt", BYTES);
    const source = await open("/model.pt");
    assert.equal(source.size, BYTES.length);
    assert.equal(source.access, "random");
    assert.deepEqual(await source.read(500_000, 100), BYTES.slice(500_000, 500_100));
    assert.deepEqual(await source.read(65_500, 100), BYTES.slice(65_500, 65_600));
    assert.equal((await source.read(BYTES.length, 10)).length, 0);
    const before = server.requests.length;
    assert.deepEqual(await source.read(500_050, 100), BYTES.slice(500_050, 500_150));
    assert.equal(server.requests.length, before);
    assert.equal(source.bytesFetched, server.sent());
    await assert.rejects(() => source.read(-1, 2), SourceError);
  });
});

test("a sequential read takes ever longer ranges, then several at a time, and each byte once", async () => {
  await withServer(async (server, open) => {
    const size = 40 * 1024 * 1024;
    server.serve("/big.pkl", { size, slice: (a: number, b: number) => new Uint8Array(b - a) });
    const source = await open("/big.pkl");
    for (let at = 0; at < size; at += 100_000) await source.read(at, 100_000);
    assert.equal(source.bytesFetched, size);
    assert.ok(server.requests.length < 60, `${server.requests.length} requests`);
  });
});

/** A way to misbehave, and what reading all of it must come to: the bytes or a message. */
const WAYS: readonly (readonly [string, Misbehaviour, RegExp | "bytes" | "start"])[] = [
  ["has no ranges", (_, response) => {
    response.writeHead(200, { "content-length": BYTES.length });
    response.end(BYTES);
    return true;
  }, "bytes"],
  ["has no ranges and tells no length", (_, response) => {
    response.writeHead(200);
    response.write(BYTES.slice(0, 1000));
    response.end(BYTES.slice(1000));
    return true;
  }, "bytes"],
  ["has it compressed", (_, response) => {
    response.writeHead(200, { "content-encoding": "gzip" });
    response.end(BYTES);
    return true;
  }, "bytes"],
  ["answers 500 twice", (_, response, seen) => {
    if (seen >= 2) return false;
    response.writeHead(500);
    response.end();
    return true;
  }, "bytes"],
  ["asks to wait a little", (_, response, seen) => {
    if (seen >= 1) return false;
    response.writeHead(429, { "retry-after": "0" });
    response.end();
    return true;
  }, "bytes"],
  ["asks to wait an hour", (_, response) => {
    response.writeHead(429, { "retry-after": "3600" });
    response.end();
    return true;
  }, /asks to come back in 3600 s/],
  ["always answers 503", (_, response) => {
    response.writeHead(503);
    response.end();
    return true;
  }, /answers 503 \(tried 4 times\)/],
  ["breaks the connection twice", (_, response, seen) => {
    if (seen !== 1 && seen !== 2) return false;
    response.destroy();
    return true;
  }, "bytes"],
  ["breaks off inside a range", (request, response, seen) => {
    if (seen !== 1) return false;
    const [, start = 0, end = 0] = /(\d+)-(\d+)/.exec(request.headers.range ?? "")?.map(Number) ??
      [];
    response.writeHead(206, {
      etag: `"${BYTES.length}"`,
      "content-range": `bytes ${start}-${end}/${BYTES.length}`,
      "content-length": end - start + 1,
    });
    response.write(BYTES.slice(start, start + 10));
    setTimeout(() => response.destroy(), 10);
    return true;
  }, "bytes"],
  ["changes between two ranges", (request, response, seen) => {
    if (seen === 0) return false;
    sendFile(request, response, { size: BYTES.length - 1, slice: (a, b) => BYTES.slice(a, b) });
    return true;
  }, /it changed/],
  ["has only Last-Modified, which changes between two ranges", (request, response, seen) => {
    const [, start = 0, end = 0] = /(\d+)-(\d+)/.exec(request.headers.range ?? "")?.map(Number) ??
      [];
    response.writeHead(206, {
      "last-modified": new Date(1_700_000_000_000 + seen * 1000).toUTCString(),
      "content-range": `bytes ${start}-${Math.min(end, BYTES.length - 1)}/${BYTES.length}`,
    });
    response.end(BYTES.slice(start, end + 1));
    return true;
  }, /it changed/],
  ["has neither ETag nor Last-Modified", (request, response) => {
    const [, start = 0, end = 0] = /(\d+)-(\d+)/.exec(request.headers.range ?? "")?.map(Number) ??
      [];
    response.writeHead(206, {
      "content-range": `bytes ${start}-${Math.min(end, BYTES.length - 1)}/${BYTES.length}`,
    });
    response.end(BYTES.slice(start, end + 1));
    return true;
  }, "bytes"],
  ["gives less of a range than was asked for", (request, response, seen) => {
    if (seen === 0) return false;
    const start = Number(/(\d+)-/.exec(request.headers.range ?? "")?.[1]);
    const end = Math.min(start + 99_999, BYTES.length - 1);
    response.writeHead(206, {
      etag: `"${BYTES.length}"`,
      "content-range": `bytes ${start}-${end}/${BYTES.length}`,
    });
    response.end(BYTES.slice(start, end + 1));
    return true;
  }, "bytes"],
  ["has no ranges after all", (_, response, seen) => {
    if (seen === 0) return false;
    response.writeHead(200, { etag: `"${BYTES.length}"`, "content-length": BYTES.length });
    response.end(BYTES);
    return true;
  }, /with the whole file, though it had ranges before/],
  ["announces more than it sends", (_, response) => {
    response.writeHead(200, { "content-length": 9 * 1024 * 1024 });
    response.write(BYTES);
    setTimeout(() => response.destroy(), 20);
    return true;
  }, /to its end/],
  ["sends its bytes in drops", (_, response) => {
    response.writeHead(200, { "content-length": 40 });
    let at = 0;
    const timer = setInterval(() => {
      response.write(BYTES.slice(at, at + 10));
      at += 10;
      if (at >= 40) clearInterval(timer);
    }, 40);
    return true;
  }, "start"],
  ["asks to wait until a date that has passed", (_, response, seen) => {
    if (seen >= 1) return false;
    response.writeHead(503, { "retry-after": new Date(0).toUTCString() });
    response.end();
    return true;
  }, "bytes"],
  ["asks to wait until a date in an hour", (_, response) => {
    response.writeHead(503, { "retry-after": new Date(Date.now() + 3_600_000).toUTCString() });
    response.end();
    return true;
  }, /asks to come back in 3\d\d\d s/],
  ["sends another range than was asked for", (_, response, seen) => {
    if (seen === 0) return false;
    response.writeHead(206, {
      etag: `"${BYTES.length}"`,
      "content-range": `bytes 0-9/${BYTES.length}`,
    });
    response.end(BYTES.slice(0, 10));
    return true;
  }, /with something else/],
  ["sends more than the range that it names", (_, response, seen) => {
    if (seen === 0) return false;
    response.writeHead(206, {
      etag: `"${BYTES.length}"`,
      "content-range": `bytes 65536-65545/${BYTES.length}`,
    });
    response.end(BYTES.slice(0, 1000));
    return true;
  }, /more than the 10 bytes/],
  ["announces a file larger than it is", (request, response, seen) => {
    const range = /(\d+)-(\d+)/.exec(request.headers.range ?? "")?.map(Number) ?? [];
    if (seen > 0) {
      response.writeHead(416, { "content-range": `bytes */${BYTES.length}` });
      response.end();
      return true;
    }
    response.writeHead(206, { "content-range": `bytes 0-${range[2]}/${BYTES.length * 1000}` });
    response.end(BYTES.slice(0, (range[2] ?? 0) + 1));
    return true;
  }, /shorter than it was/],
  ["does not know the file", (_, response) => {
    response.writeHead(404);
    response.end();
    return true;
  }, /there is no such file \(HTTP 404\)/],
  ["forbids it", (_, response) => {
    response.writeHead(403);
    response.end();
    return true;
  }, /does not allow it \(HTTP 403\)/],
  ["never answers", () => true, /nothing came for 0.1 s/],
  ["stops in the middle", (_, response) => {
    response.writeHead(200);
    response.write(BYTES.slice(0, 70_000));
    return true;
  }, /nothing came for 0.1 s/],
];

for (const [what, misbehave, expected] of WAYS) {
  test(`a server that ${what}: the bytes or a clear message`, async () => {
    await withServer(async (server, open) => {
      server.serve("/f", BYTES, misbehave);
      // Only a server that goes silent is waited for; a short wait would fail others on a busy machine.
      const silent = String(expected).includes("nothing came");
      const options = silent ? { idleMilliseconds: 100 } : {};
      const read = async () => await readInSteps(await open("/f", options));
      if (expected === "bytes") assert.ok(Buffer.from(BYTES).equals(await read()), what);
      else if (expected === "start") assert.deepEqual(await read(), BYTES.slice(0, 40));
      else {
        await assert.rejects(read, (error: unknown) => {
          assert.ok(error instanceof SourceError, String(error));
          assert.match(error.message, expected);
          assert.notEqual(error.remedy, "");
          return true;
        });
      }
    });
  });
}

test("an empty file is empty", async () => {
  await withServer(async (server, open) => {
    server.serve("/empty", new Uint8Array(0));
    assert.equal((await open("/empty")).size, 0);
  });
});
