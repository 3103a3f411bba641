/**
 * What comes over HTTP, and what clients save of it. The table was recorded with curl 7.88, curl --compressed, wget 1.21,
 * Python's urllib, requests 2.34 and huggingface_hub 2.4 (httpx 0.28).
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { scan } from "../../mod.ts";
import { startServer } from "../cli/testing/server.ts";

const HARMFUL = new TextEncoder().encode("cos\nsystem\n(S'echo hi'\ntR.");
const HARMLESS = Uint8Array.of(0x80, 2, 0x5d, 0x4b, 1, 0x61, 0x4b, 2, 0x61, 0x2e);
const PACKED = gzipSync(HARMFUL);

/** A body with its Content-Encoding, and the worst verdict of what clients save. */
const FORMS: readonly (readonly [encoding: string, body: Uint8Array, verdict: string])[] = [
  // All clients save the body.
  ["", HARMFUL, "dangerous"],
  ["", HARMLESS, "clean"],
  ["identity", HARMFUL, "dangerous"],
  ["identity", HARMLESS, "clean"],
  ["utf-8", HARMFUL, "dangerous"],
  ["utf-8", HARMLESS, "clean"],
  ["aws-chunked", HARMFUL, "dangerous"],
  ["aws-chunked", HARMLESS, "clean"],
  ["none, binary", HARMLESS, "clean"],
  // requests, httpx and curl --compressed save what is in it, the others the body.
  ["gzip", PACKED, "dangerous"],
  ["GZIP", PACKED, "dangerous"],
  ["x-gzip", PACKED, "dangerous"],
  ["deflate", deflateSync(HARMFUL), "dangerous"],
  ["deflate", deflateRawSync(HARMFUL), "dangerous"],
  ["zstd", zstdCompressSync(HARMFUL), "dangerous"],
  ["gzip, gzip", gzipSync(PACKED), "dangerous"],
  ["deflate, gzip", gzipSync(deflateSync(HARMFUL)), "dangerous"],
  ["aws-chunked, gzip", PACKED, "dangerous"],
  ["gzip, identity", PACKED, "dangerous"],
  ["gzip", gzipSync(HARMLESS), "clean"],
  ["deflate", deflateRawSync(HARMLESS), "incomplete"],
  // An uploader's, of bytes that are not encoded: curl, wget and urllib save these, the others save nothing.
  ["gzip", HARMFUL, "dangerous"],
  ["deflate", HARMFUL, "dangerous"],
  ["zstd", HARMFUL, "dangerous"],
  ["br", HARMFUL, "dangerous"],
  ["compress", HARMFUL, "dangerous"],
  ["gzip", HARMLESS, "incomplete"],
  ["br", HARMLESS, "incomplete"],
  // requests and httpx save what came out before the cut, and what comes before other bytes.
  ["gzip", PACKED.subarray(0, -9), "dangerous"],
  ["gzip", Buffer.concat([PACKED, HARMLESS]), "dangerous"],
  ["gzip", Buffer.concat([gzipSync(HARMLESS), HARMFUL]), "incomplete"],
];

test("of a body with a content encoding both forms are scanned, and the worse counts", async () => {
  for (const ranges of [true, false]) {
    const server = await startServer();
    try {
      for (const [index, [encoding, body]] of FORMS.entries()) {
        server.serve(`/${index}.pkl`, body, (request, response) => {
          const range = ranges && request.headers.range !== undefined;
          response.writeHead(range ? 206 : 200, {
            ...(encoding !== "" && { "content-encoding": encoding }),
            ...(range && { "content-range": `bytes 0-${body.length - 1}/${body.length}` }),
          });
          response.end(body);
          return true;
        });
      }
      const urls = FORMS.map((_, index) => new URL(`/${index}.pkl`, server.url));
      const { files } = await scan(urls, { remote: { allowPrivateNetwork: true } });
      assert.deepEqual(
        files.map(({ verdict }, index) => `${index} ${FORMS[index]?.[0]} ${verdict}`),
        FORMS.map(([encoding, , verdict], index) => `${index} ${encoding} ${verdict}`),
      );
    } finally {
      await server.close();
    }
  }
});
