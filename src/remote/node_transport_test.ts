import assert from "node:assert/strict";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { test } from "node:test";
import { SourceError } from "../core/errors.ts";
import { nodeTransport, type TransportOptions } from "./node_transport.ts";

/** Of the name model.test, signed by itself; for tests on this machine only. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBlDCCATmgAwIBAgIUYHiRpagqbD6alhOTiDYUonZKFTIwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKbW9kZWwudGVzdDAeFw0yNjExMjMxNDQ2MjRaFw0zNjExMjAx
NDQ2MjRaMBUxEzARBgNVBAMMCm1vZGVsLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARKDTMJHRz2IohE9/14d2S4EqhKRjHtkthaeLzBxgA6xEQeYWLu52Ap
rjuyHoa8lKBYQuUFV7jP1T9a2lJAE4pQo2cwZTAdBgNVHQ4EFgQU6+QLWQd/Ah0e
f/oLB2Q1ksjw0VswHwYDVR0jBBgwFoAU6+QLWQd/Ah0ef/oLB2Q1ksjw0VswFQYD
VR0RBA4wDIIKbW9kZWwudGVzdDAMBgNVHRMBAf8EAjAAMAoGCCqGSM49BAMCA0kA
MEYCIQDSFEmqdOBCqMbufIjEAomzYm7Zo2N9Ew48oyvF58EWMgIhAM0C4ziDQwZH
Qa61ESuBtRORzTTJIpEM805fmzuWdKC6
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgy7xMxW12Y77WEWCp
MfW6mYcKjxhG6fHZYGv/QVSegKihRANCAARKDTMJHRz2IohE9/14d2S4EqhKRjHt
kthaeLzBxgA6xEQeYWLu52AprjuyHoa8lKBYQuUFV7jP1T9a2lJAE4pQ
-----END PRIVATE KEY-----
`;

/** One key, and certificates of 127.0.0.1, of 127.0.0.9 and of the name localhost. */
const ADDRESS_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgiX2KcgjuFpoNCILn
G1QOwHlzFNoU5d+7XT3LqVAB8AyhRANCAAQJ+KbPqaCUgmxjFGH1avtKOpBCazzb
KBCGE5oCoq/Wg5SRLK3OtyAkfIZEasapNEBCm0DaEkY1HHtq5+rTvQd5
-----END PRIVATE KEY-----
`;
const ADDRESS_CERTIFICATES = {
  own: `-----BEGIN CERTIFICATE-----
MIIBjjCCATSgAwIBAgIUMAQrRazQ0+Z9exg5UeWYNHFBykgwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMB4XDTI2MTEzMDE4MzAxMVoXDTM2MTEyNzE4
MzAxMVowFDESMBAGA1UEAwwJMTI3LjAuMC4xMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAECfimz6mglIJsYxRh9Wr7SjqQQms82ygQhhOaAqKv1oOUkSytzrcgJHyG
RGrGqTRAQptA2hJGNRx7aufq070HeaNkMGIwHQYDVR0OBBYEFByOK4nyt51n7Id6
oK0i+i0owSsRMB8GA1UdIwQYMBaAFByOK4nyt51n7Id6oK0i+i0owSsRMA8GA1Ud
EwEB/wQFMAMBAf8wDwYDVR0RBAgwBocEfwAAATAKBggqhkjOPQQDAgNIADBFAiEA
+tCtqAGYh5REWWVc/XvvHzNo0lJyrmyD3Nces4XBGNQCIGDqXXRMmS0pZy74kBOt
sFiDlZrd+gE3zjis5XIOVXXk
-----END CERTIFICATE-----
`,
  other: `-----BEGIN CERTIFICATE-----
MIIBjzCCATSgAwIBAgIUOhySr5C63XqOtkUJNS3jYmGtPigwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMB4XDTI2MTEzMDE4MzAxMVoXDTM2MTEyNzE4
MzAxMVowFDESMBAGA1UEAwwJMTI3LjAuMC4xMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAECfimz6mglIJsYxRh9Wr7SjqQQms82ygQhhOaAqKv1oOUkSytzrcgJHyG
RGrGqTRAQptA2hJGNRx7aufq070HeaNkMGIwHQYDVR0OBBYEFByOK4nyt51n7Id6
oK0i+i0owSsRMB8GA1UdIwQYMBaAFByOK4nyt51n7Id6oK0i+i0owSsRMA8GA1Ud
EwEB/wQFMAMBAf8wDwYDVR0RBAgwBocEfwAACTAKBggqhkjOPQQDAgNJADBGAiEA
9oSfrb2fopfMsf9W8IlLAVzdBYnwvvl9ba508zEg7UYCIQDPOFnn+aOhD2SovA8t
UD7mq8aWc92GqW68G2jhUkviTA==
-----END CERTIFICATE-----
`,
  name: `-----BEGIN CERTIFICATE-----
MIIBkjCCATmgAwIBAgIUT0kjWbuHOJFzjA8j9qh1l/mBJAowCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMB4XDTI2MTEzMDE4MzAxMVoXDTM2MTEyNzE4
MzAxMVowFDESMBAGA1UEAwwJMTI3LjAuMC4xMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAECfimz6mglIJsYxRh9Wr7SjqQQms82ygQhhOaAqKv1oOUkSytzrcgJHyG
RGrGqTRAQptA2hJGNRx7aufq070HeaNpMGcwHQYDVR0OBBYEFByOK4nyt51n7Id6
oK0i+i0owSsRMB8GA1UdIwQYMBaAFByOK4nyt51n7Id6oK0i+i0owSsRMA8GA1Ud
EwEB/wQFMAMBAf8wFAYDVR0RBA0wC4IJbG9jYWxob3N0MAoGCCqGSM49BAMCA0cA
MEQCIAO8ZTKd7dqfIcE2eUHvcPdUzhn4S+gRpcJw6HKqWbw2AiBsWiUvng2NR8WN
/d9zgABmhUNYYvXrEGXtDzvY59b9Mg==
-----END CERTIFICATE-----
`,
};

async function listening(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
}

/** Serves HTTPS as model.test and fetches from it. */
async function fetched(
  options: Partial<TransportOptions>,
  host = "model.test",
  { key, cert } = { key: KEY, cert: CERTIFICATE },
): Promise<string> {
  const server = createSecureServer({ key, cert }, (request, response) => {
    response.end(`${request.headers.host?.replace(/:.*/, "")} ${request.url}`);
  });
  const port = await listening(server);
  const transport = nodeTransport({
    allowPrivate: true,
    certificates: cert,
    resolve: () => Promise.resolve(["127.0.0.1"]),
    ...options,
  });
  try {
    const response = await transport.send({
      url: new URL(`https://${host}:${port}/a?b=1`),
      headers: {},
      signal: new AbortController().signal,
    });
    let text = "";
    for await (const chunk of response.body) text += new TextDecoder().decode(chunk);
    return text;
  } finally {
    transport.close();
    server.close();
  }
}

test("a certificate authority of one's own works, and is needed", async () => {
  assert.equal(await fetched({}), "model.test /a?b=1");
  await assert.rejects(() => fetched({ certificates: undefined }), /certificate is not valid/);
});

test("a certificate must be of the name that was asked for", async () => {
  await assert.rejects(() => fetched({}, "other.test"), (error: unknown) => {
    assert.ok(error instanceof SourceError);
    assert.match(error.message, /certificate is not valid/);
    return true;
  });
});

/** A proxy that knows model.test. */
async function withProxy(
  body: (proxyFor: () => URL, asked: string[]) => Promise<void>,
  answer = "HTTP/1.1 200 OK\r\n\r\n",
): Promise<void> {
  const asked: string[] = [];
  const open: Socket[] = [];
  const server = createServer((socket) => {
    open.push(socket);
    socket.on("error", () => {});
    socket.once("data", (chunk) => {
      const head = chunk.toString();
      asked.push(head);
      socket.write(answer);
      if (!answer.includes(" 200 ")) return;
      const port = Number(/^CONNECT [\w.]+:(\d+) /.exec(head)?.[1]);
      const inner = connect(port, "127.0.0.1");
      open.push(inner);
      inner.on("error", () => {});
      socket.pipe(inner);
      inner.pipe(socket);
    });
  });
  const port = await listening(server);
  try {
    await body(() => new URL(`http://me:secret@127.0.0.1:${port}`), asked);
  } finally {
    for (const socket of open) socket.destroy();
    server.close();
  }
}

test("HTTPS goes through a proxy's tunnel, certificates checked inside", async () => {
  await withProxy(async (proxyFor, asked) => {
    assert.equal(await fetched({ proxyFor }), "model.test /a?b=1");
    assert.match(asked[0] ?? "", /^CONNECT model\.test:\d+ HTTP\/1\.1\r\n/);
    assert.match(asked[0] ?? "", /proxy-authorization: Basic bWU6c2VjcmV0/i);
    await assert.rejects(() => fetched({ proxyFor, certificates: undefined }), /not valid/);
  });
});

test("the certificate of an address must be of that address, through a proxy, too", async () => {
  await withProxy(async (proxyFor) => {
    for (const options of [{}, { proxyFor }]) {
      const from = (cert: string) => fetched(options, "127.0.0.1", { key: ADDRESS_KEY, cert });
      assert.equal(await from(ADDRESS_CERTIFICATES.own), "127.0.0.1 /a?b=1");
      await assert.rejects(() => from(ADDRESS_CERTIFICATES.other), /not valid/);
      await assert.rejects(() => from(ADDRESS_CERTIFICATES.name), /not valid/);
    }
  });
});

test("a proxy that refuses is named", async () => {
  await withProxy(async (proxyFor) => {
    await assert.rejects(() => fetched({ proxyFor }), /by the proxy 127.*answers 407/);
  }, "HTTP/1.1 407 No\r\n\r\n");
});

test("a name that this machine resolves to itself is refused", async () => {
  const transport = nodeTransport({ allowPrivate: false });
  for (const host of ["localhost", "LOCALHOST"]) {
    const url = new URL(`https://${host}/`);
    const { signal } = new AbortController();
    await assert.rejects(
      () => transport.send({ url, headers: {}, signal }),
      /no address of the public internet/,
    );
  }
  transport.close();
});

test("a process that may not use the network says so instead of trying again", async () => {
  for (const denied of [{ code: "EPERM" }, { name: "NotCapable" }]) {
    const transport = nodeTransport({
      allowPrivate: false,
      resolve: () => Promise.reject(Object.assign(new Error("no"), denied)),
    });
    const { signal } = new AbortController();
    await assert.rejects(
      () => transport.send({ url: new URL("https://model.test/"), headers: {}, signal }),
      (error: unknown) =>
        error instanceof SourceError && /may not use the network/.test(error.message) &&
        /--allow-net/.test(error.remedy),
    );
    transport.close();
  }
});

test("a machine without network is distinguished from an address that does not exist", async () => {
  const errors: readonly (readonly [string, RegExp])[] = [
    ["EAI_AGAIN", /no name server answers/],
    ["ENOTFOUND", /its name is not known/],
  ];
  for (const [code, expected] of errors) {
    const transport = nodeTransport({
      allowPrivate: false,
      resolve: () => Promise.reject(Object.assign(new Error(code), { code })),
    });
    const { signal } = new AbortController();
    await assert.rejects(
      () => transport.send({ url: new URL("https://model.test/"), headers: {}, signal }),
      (error: unknown) =>
        error instanceof SourceError && expected.test(error.message) &&
        /whether this machine has network/.test(error.remedy),
    );
    transport.close();
  }
});
