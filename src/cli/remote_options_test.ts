import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import { hubArgument, remoteOf } from "./remote_options.ts";
import { testIo } from "./testing/io.ts";

test("without anything to fetch there is no network", async () => {
  assert.equal(await remoteOf(["a.pt", "models/"], {}, testIo()), undefined);
  assert.equal(await remoteOf(["a.pt"], { offline: true }, testIo()), undefined);
});

test("what the options say reaches the network, and without them nothing is allowed", async () => {
  const urls = ["https://example.org/a.pt"];
  const plain = await remoteOf(urls, {}, testIo());
  assert.deepEqual(
    [plain?.allowPrivateNetwork, plain?.full, plain?.networkTimeout],
    [false, false, undefined],
  );
  const raw = { allowPrivateNetwork: true, remoteFull: true, networkTimeout: 5 };
  const asked = await remoteOf(urls, raw, testIo());
  assert.deepEqual(
    [asked?.allowPrivateNetwork, asked?.full, asked?.networkTimeout],
    [true, true, 5],
  );
});

test("offline, by option or environment, nothing is fetched, and the first address is named", async () => {
  const paths = ["a.pt", "hf://org/model", "https://example.org/a.pt"];
  const refused = (word: RegExp) => (error: unknown) =>
    error instanceof ConfigError && word.test(error.where) &&
    /hf:\/\/org\/model/u.test(error.message);
  await assert.rejects(remoteOf(paths, { offline: true }, testIo()), refused(/--offline/u));
  for (const value of ["1", "TRUE", "yes", "on"]) {
    const io = testIo({ env: { HF_HUB_OFFLINE: value } });
    await assert.rejects(remoteOf(paths, {}, io), refused(/HF_HUB_OFFLINE/u), value);
  }
  const io = testIo({ env: { HF_HUB_OFFLINE: "0" } });
  assert.notEqual(await remoteOf(paths, {}, io), undefined);
});

test("what cannot be fetched is refused before anything is scanned", async () => {
  const wrong = [
    [[], { url: ["model.pt"] }],
    [["https://user:secret@example.org/a.pt"], {}],
    [["hf://org/../model"], {}],
    [["hf://org/model"], { hf: ["https://example.org/a.pt"] }],
  ] as const;
  for (const [paths, raw] of wrong) {
    await assert.rejects(remoteOf(paths, raw, testIo()), (error: unknown) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.doesNotMatch(error.message, /secret/u);
      return true;
    });
  }
});

test("a repository is named with or without its scheme", () => {
  assert.equal(hubArgument("org/model"), "hf://org/model");
  assert.equal(hubArgument("hf://org/model"), "hf://org/model");
});
