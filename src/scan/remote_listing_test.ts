/**
 * What hubs list, and what becomes of each entry.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { scan } from "../../mod.ts";
import { COMMIT, startServer, type TestServer } from "../cli/testing/server.ts";

const HARMFUL = new TextEncoder().encode("cos\nsystem\n(S'echo hi'\ntR.");
const HARMLESS = Uint8Array.of(0x80, 2, 0x5d, 0x4b, 1, 0x61, 0x4b, 2, 0x61, 0x2e);
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** How a hub shows a repository. */
interface Shown {
  /** JSON of a page of the listing. */
  readonly pages: readonly string[];
  readonly info?: Readonly<Record<string, unknown>>;
  readonly link?: (url: string) => string;
  /** Where files are, by the path of the request. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Scans a repository that is shown so: verdicts by path, and all messages. */
async function scanned(shown: Shown): Promise<{ verdicts: string[]; messages: string }> {
  const server = await startServer();
  try {
    const tree = `/api/models/o/m/tree/${COMMIT}`;
    const info = { sha: COMMIT, ...shown.info };
    server.serve("/api/models/o/m/revision/main", encode(JSON.stringify(info)));
    server.serve(tree, encode(""), (request, response) => {
      const page = Number(new URL(request.url ?? "", server.url).searchParams.get("page") ?? 0);
      const more = page + 1 < shown.pages.length;
      const next = `${server.url}${tree}?recursive=true&page=${page + 1}`;
      const link = shown.link?.(next) ?? `<${next}>; rel="next"`;
      response.writeHead(200, { ...(more && { link }) });
      response.end(shown.pages[page]);
      return true;
    });
    for (const [path, bytes] of Object.entries(shown.files ?? {})) {
      serveFile(server, `/o/m/resolve/${COMMIT}/${path}`, bytes, shown.headers);
    }
    const report = await scan(new URL("hf://o/m"), {
      remote: { allowPrivateNetwork: true, endpoint: server.url, networkTimeout: 5 },
    });
    const errors = [...report.errors, ...report.files.flatMap((it) => it.errors)];
    return {
      verdicts: report.files.map(({ path, verdict }) =>
        `${path.replace("hf://o/m/", "")} ${verdict}`
      ),
      messages: errors.map(({ message }) => message).join("\n"),
    };
  } finally {
    await server.close();
  }
}

function serveFile(
  server: TestServer,
  path: string,
  bytes: Uint8Array,
  headers: Shown["headers"],
): void {
  server.serve(
    path,
    bytes,
    headers && ((_, response) => {
      response.writeHead(200, headers);
      response.end(bytes);
      return true;
    }),
  );
}

const entry = (more: Readonly<Record<string, unknown>>, path = "m.pkl") =>
  JSON.stringify([{ type: "file", path, size: HARMFUL.length, oid: "x", ...more }]);

test("a file is fetched whatever its listing says of its size and kind", async () => {
  const odd = [
    ...[{ size: null }, { size: "26" }, { size: -1 }, { size: 1.5 }, { size: 1e300 }, {
      size: [26],
    }],
    ...[{ size: undefined }, { lfs: null }, { lfs: [] }, { lfs: { size: null } }, {
      lfs: { size: "x" },
    }],
    ...[{ type: "symlink" }, { type: undefined }, { type: null }, { type: "FILE" }, {
      type: "directory ",
    }],
    { type: "submodule", size: 0.5 },
  ];
  for (const more of odd) {
    const { verdicts } = await scanned({ pages: [entry(more)], files: { "m.pkl": HARMFUL } });
    assert.deepEqual(verdicts, ["m.pkl dangerous"], JSON.stringify(more));
  }
  const folder = await scanned({ pages: [entry({ type: "directory" }, "d")], files: {} });
  assert.match(folder.messages, /no such path/);
});

test("paths are asked for as clients do, and those that cannot be are errors", async () => {
  const paths: readonly (readonly [path: string, asked: string])[] = [
    ["./m.pkl", "m.pkl"],
    ["a/./m.pkl", "a/m.pkl"],
    ["a//m.pkl", "a//m.pkl"],
    ["/m.pkl", "/m.pkl"],
    ["a b/ü?#%.pkl", "a b/ü?#%.pkl"],
  ];
  for (const [path, asked] of paths) {
    const { verdicts } = await scanned({ pages: [entry({}, path)], files: { [asked]: HARMFUL } });
    assert.deepEqual(verdicts, [`${path} dangerous`]);
  }
  const good = `{"type": "file", "path": "m.pkl", "size": ${HARMFUL.length}}`;
  const refused = [
    ...['{"type": "file", "path": "../m.pkl"}', '{"type": "file", "path": "a/../../m.pkl"}'],
    ...[
      '{"type": "file", "path": "a\\\\..\\\\m.pkl"}',
      '{"type": "file", "path": "\\ud800.json", "size": 3}',
    ],
    ...['{"type": "file", "path": ""}', '{"type": "file", "path": null}', '{"type": "directory"}'],
    ...["null", "[]", '"m.pkl"', "1", "{}"],
  ];
  for (const it of refused) {
    const { verdicts, messages } = await scanned({
      pages: [`[${it}, ${good}]`],
      files: { "m.pkl": HARMFUL },
    });
    assert.deepEqual(verdicts, ["m.pkl dangerous"], it);
    assert.match(messages, /its name is no Unicode|leads out of|names no file/, it);
  }
});

test("what is named among the siblings alone is scanned, too", async () => {
  const siblings = [{ rfilename: "m.pkl" }, { rfilename: "hidden.bin" }];
  const shown = await scanned({
    pages: [entry({})],
    info: { siblings },
    files: { "m.pkl": HARMFUL, "hidden.bin": HARMFUL },
  });
  assert.deepEqual(shown.verdicts, ["hidden.bin dangerous", "m.pkl dangerous"]);
  for (const odd of [{ rfilename: 1 }, null, {}, "x"]) {
    const { messages } = await scanned({
      pages: [entry({})],
      info: { siblings: [odd] },
      files: { "m.pkl": HARMFUL },
    });
    assert.match(messages, /names no file/, JSON.stringify(odd));
  }
  const { messages } = await scanned({ pages: [entry({})], info: { siblings: "m.pkl" } });
  assert.match(messages, /not understood/);
});

test("a file that is listed twice is expected to be neither", async () => {
  const { verdicts } = await scanned({
    pages: [entry({ size: 3 }), entry({})],
    files: { "m.pkl": HARMFUL },
  });
  assert.deepEqual(verdicts, ["m.pkl dangerous"]);
});

test("a listing goes on where its Link header says, in any form of that, or is an error", async () => {
  const pages = [entry({}, "a.pkl"), entry({}, "b.pkl")];
  const files = { "a.pkl": HARMLESS, "b.pkl": HARMFUL };
  const forms: readonly ((url: string) => string)[] = [
    (url) => `<${url}>;rel=next`,
    (url) => `<${url}>; title="a, b; rel=\\"prev\\""; REL="last next"`,
    (url) => `<${url}&x=1>; rel="prev", <${url}>; rel="next"`,
    (url) => `<${new URL(url).pathname}${new URL(url).search}>; rel=next`,
  ];
  for (const link of forms) {
    const { verdicts } = await scanned({
      pages: pages.map((it) => it.replace(`"size":${HARMFUL.length}`, '"size":null')),
      files,
      link,
    });
    assert.deepEqual(verdicts, ["a.pkl clean", "b.pkl dangerous"], link("http://h/"));
  }
  const broken: readonly ((url: string) => string)[] = [
    (url) => `${url}; rel=next`,
    (url) => `<${url}; rel=next`,
    (url) => `<${url}> rel=next`,
    (url) => `<${url}>; rel="next`,
    (url) => `<${url}>; rel=next, <${url}&y=1>; rel=next`,
    () => `<http://other.test/>; rel=next`,
  ];
  for (const link of broken) {
    const { verdicts, messages } = await scanned({ pages, files, link });
    assert.deepEqual(verdicts, [], link("http://h/"));
    assert.match(messages, /continues its list/, link("http://h/"));
  }
});

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("size, LFS id and commit of what comes are those of the listing, in whatever way it comes", async () => {
  const files = { "m.pkl": HARMLESS };
  const listed = entry({ size: HARMLESS.length });
  const large = (oid: string) => entry({ size: 130, lfs: { oid, size: HARMLESS.length } });
  const etag = (id: string) => ({ "x-linked-etag": `"${id}"` });
  const cases: readonly (readonly [page: string, headers: Record<string, string>, ok: boolean])[] =
    [
      [listed, {}, true],
      [entry({ size: 9 }), { "transfer-encoding": "chunked" }, false],
      [entry({ size: 11 }), { "transfer-encoding": "chunked" }, false],
      [entry({ size: 9 }), { connection: "close" }, false],
      [entry({ size: 11 }), { "content-length": "10" }, false],
      [listed, { "x-linked-size": "10" }, true],
      [listed, { "x-linked-size": "11" }, false],
      [listed, { "x-repo-commit": COMMIT }, true],
      [listed, { "x-repo-commit": COMMIT.replace("0", "f") }, false],
      [large(sha256(HARMLESS)), { "content-length": "10" }, true],
      [large(sha256(HARMLESS)), etag(sha256(HARMLESS)), true],
      [large(sha256(HARMLESS)), etag(sha256(HARMFUL)), false],
      [large(sha256(HARMFUL)), { "content-length": "10" }, false],
    ];
  for (const [page, headers, ok] of cases) {
    const { verdicts } = await scanned({ pages: [page], files, headers });
    assert.deepEqual(
      verdicts,
      [`m.pkl ${ok ? "clean" : "incomplete"}`],
      JSON.stringify([page, headers]),
    );
  }
});

test("one odd file does not lose the report of the others", async () => {
  const server = await startServer();
  try {
    server.repository("o/m", { "a.pkl": HARMFUL, "config.json": encode("{}"), "z.pkl": HARMLESS });
    server.serve(`/o/m/resolve/${COMMIT}/config.json`, encode("{}"), (_, response) => {
      response.writeHead(200);
      for (let n = 0; n < 64; n++) response.write(" ".repeat(32 * 1024));
      response.end();
      return true;
    });
    const { files, errors } = await scan(new URL("hf://o/m"), {
      remote: { allowPrivateNetwork: true, endpoint: server.url },
    });
    const verdicts = files.map(({ verdict }) => verdict);
    assert.deepEqual(verdicts, ["dangerous", "incomplete", "clean"]);
    assert.equal(errors.length, 0);
  } finally {
    await server.close();
  }
});
