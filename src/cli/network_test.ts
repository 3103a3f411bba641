import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import { endpointOf, networkOf, proxiesOf } from "./network.ts";

const proxy = (env: Readonly<Record<string, string>>, url: string) =>
  proxiesOf(env)(new URL(url))?.href;

test("a proxy is that of the scheme, in either case of letters, with or without http://", () => {
  const env = { HTTPS_PROXY: "proxy:3128", http_proxy: "http://other:80" };
  assert.equal(proxy(env, "https://a/"), "http://proxy:3128/");
  assert.equal(proxy(env, "http://a/"), "http://other/");
  assert.equal(proxy({}, "https://a/"), undefined);
});

test("NO_PROXY excepts hosts, their subdomains and ports, as curl reads it", () => {
  const env = (NO_PROXY: string) => ({ HTTPS_PROXY: "p:1", NO_PROXY });
  for (const list of ["example.org", ".example.org", "*.example.org", "x, example.org", "*"]) {
    assert.equal(proxy(env(list), "https://a.example.org/"), undefined, list);
  }
  assert.equal(proxy(env("example.org:8443"), "https://example.org:8443/"), undefined);
  assert.equal(proxy(env("::1"), "https://[::1]/"), undefined);
  for (const list of ["ample.org", "other", "", "example.org.evil"]) {
    assert.equal(proxy(env(list), "https://example.org/"), "http://p:1/", list);
  }
});

test("a proxy that is no http:// URL is refused with the variable's name", () => {
  for (const HTTPS_PROXY of ["socks5://p:1", "https://p:1", "http://", "a b"]) {
    assert.throws(
      () => proxiesOf({ HTTPS_PROXY }),
      (error) => error instanceof ConfigError && error.where === "HTTPS_PROXY",
      HTTPS_PROXY,
    );
  }
});

test("the hub is where HF_ENDPOINT says, and nowhere without encryption", () => {
  assert.equal(endpointOf({}).href, "https://huggingface.co/");
  assert.equal(endpointOf({ HF_ENDPOINT: " https://mirror.example/ " }).hostname, "mirror.example");
  assert.throws(() => endpointOf({ HF_ENDPOINT: "not a url" }), ConfigError);
});

test("certificates are read from the named file, and a missing one is an error", () => {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-network-"));
  try {
    const file = join(folder, "ca.pem");
    writeFileSync(file, "PEM");
    assert.equal(networkOf({ SSL_CERT_FILE: file }).certificates, "PEM");
    assert.equal(networkOf({}).certificates, undefined);
    assert.throws(
      () => networkOf({ NODE_EXTRA_CA_CERTS: join(folder, "none") }),
      /Cannot read the certificates/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a token that could end a header is refused", () => {
  assert.equal(networkOf({ HF_TOKEN: " hf_abc " }).token, "hf_abc");
  assert.throws(() => networkOf({ HF_TOKEN: "a\r\nX: y" }), ConfigError);
});
