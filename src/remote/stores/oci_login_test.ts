import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, request as ask } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { HttpClient, type HttpTransport } from "../../sources/http_client.ts";
import { readArtifact } from "./oci.ts";
import type { Login } from "./settings.ts";

const LAYER = "a".repeat(64);
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  layers: [{ digest: `sha256:${LAYER}`, size: 1, annotations: {} }],
});
const LOGIN: Login = { username: "user", password: "secret" };

/** What servers were asked, each by the name that it was asked under. */
interface Asked {
  readonly host: string;
  readonly authorization: string | undefined;
}

/** Asks a registry whose tokens are had elsewhere; all names are those of one server of this machine. */
async function asked(
  registry: string,
  realm: string,
  logins: Readonly<Record<string, Login>>,
): Promise<readonly Asked[]> {
  const all: Asked[] = [];
  const server = createServer(({ headers, url = "" }, response) => {
    const host = String(headers.host);
    const { authorization } = headers;
    all.push({ host, authorization });
    if (url.includes("/token")) {
      const isKnown = authorization === `Basic ${btoa("user:secret")}`;
      response.writeHead(isKnown ? 200 : 401).end(isKnown ? '{"token": "TOKEN"}' : "{}");
    } else if (authorization === "Bearer TOKEN") {
      const digest = createHash("sha256").update(MANIFEST).digest("hex");
      response.writeHead(200, { "docker-content-digest": `sha256:${digest}` }).end(MANIFEST);
    } else {
      response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}",service="s"` }).end();
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  // As if every name led to this machine over TLS.
  const transport: HttpTransport = async ({ url, headers }) => {
    const path = url.pathname + url.search;
    const answer = await new Promise<IncomingMessage>((done, fail) =>
      ask({ host: "127.0.0.1", port, path, headers: { ...headers, host: url.host } }, done)
        .on("error", fail).end()
    );
    return {
      status: answer.statusCode ?? 0,
      header: (name) => {
        const value = answer.headers[name];
        return Array.isArray(value) ? value.join(", ") : value;
      },
      body: answer,
    };
  };
  const client = new HttpClient({ transport, retryMilliseconds: 1 });
  try {
    const target = { type: "oci", registry, repository: "org/m", reference: "latest" } as const;
    await readArtifact(target, { loginFor: (host) => logins[host] }, client).catch(() => {});
    return all;
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}

/** Hosts that saw a login, or a token. */
const trusted = (all: readonly Asked[]): readonly string[] => [
  ...new Set(all.filter((it) => it.authorization !== undefined).map(({ host }) => host)),
];

test("a login goes to no host of another owner under a domain that many share", async () => {
  for (
    const [registry, realm] of [
      ["victim.azurecr.io", "attacker.azurecr.io"],
      ["victim.github.io", "attacker.github.io"],
      ["victim.co.uk", "attacker.co.uk"],
      ["registry.victim.blogspot.com", "attacker.blogspot.com"],
      ["victim.eu-west-1.amazonaws.com", "attacker.eu-west-1.amazonaws.com"],
      ["a.victim.example", "b.victim.example"],
      ["victim.example", "victim.example.attacker.example"],
      ["registry-1.docker.io.attacker.example", "auth.docker.io"],
      ["registry.gitlab.com", "registry.gitlab.com.attacker.example"],
      ["constructor", "prototype.example"],
    ] as const
  ) {
    const all = await asked(registry, `https://${realm}/token`, { [registry]: LOGIN });
    assert.deepEqual(trusted(all), [], `${registry} ${realm}`);
    assert.ok(all.some(({ host }) => host === realm), "the realm was asked without a login");
  }
});

test("a login goes to the registry's own host, to that of a known one, and where the same is stored", async () => {
  const own = await asked("r.example", "https://r.example/token", { "r.example": LOGIN });
  assert.deepEqual(trusted(own), ["r.example"]);
  const known = await asked("registry.gitlab.com", "https://gitlab.com/token", {
    "registry.gitlab.com": LOGIN,
  });
  assert.deepEqual(trusted(known), ["gitlab.com", "registry.gitlab.com"]);
  const port = await asked("registry.gitlab.com", "https://gitlab.com:8443/token", {
    "registry.gitlab.com": LOGIN,
  });
  assert.deepEqual(trusted(port), []);
  const docker = await asked("docker.io", "https://auth.docker.io/token", { "docker.io": LOGIN });
  assert.deepEqual(trusted(docker), ["auth.docker.io", "registry-1.docker.io"]);
  const both = { "r.example": LOGIN, "git.example": LOGIN };
  const stored = await asked("r.example", "https://git.example/token", both);
  assert.deepEqual(trusted(stored), ["git.example", "r.example"]);
  const other = { ...both, "git.example": { username: "user", password: "other" } };
  assert.deepEqual(trusted(await asked("r.example", "https://git.example/token", other)), []);
});
