import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

test("blocks of addresses in NO_PROXY, ALL_PROXY, and which name counts", () => {
  const env = (no_proxy: string) => ({ ALL_PROXY: "p:1", no_proxy });
  for (
    const [list, url] of [
      ["10.0.0.0/8", "https://10.1.2.3/"],
      ["10.1.2.3", "http://10.1.2.3:8080/"],
      ["x,192.168.1.128/25", "https://192.168.1.200:8443/"],
      ["0.0.0.0/0", "https://1.2.3.4/"],
      ["fd00::/8", "https://[fd12::1]/"],
      ["[::1]", "https://[::1]/"],
      ["[::1]:8443", "https://[::1]:8443/"],
      ["example.org:443", "https://example.org/"],
      ["example.org", "https://example.org./"],
      ["example.org.", "https://a.example.org/"],
    ] as const
  ) {
    assert.equal(proxy(env(list), url), undefined, list);
  }
  for (
    const [list, url] of [
      ["10.0.0.0/8", "https://11.1.2.3/"],
      ["192.168.1.128/25", "https://192.168.1.100/"],
      ["10.0.0.0/8", "https://10.example.org/"],
      ["10.0.0.0/33", "https://10.1.2.3/"],
      ["10.0.0.0/x", "https://10.1.2.3/"],
      ["0.0.0/0", "https://10.1.2.3/"],
      ["0.0.0.3", "https://10.0.0.0.3.test/"],
      ["2.3", "https://10.1.2.3/"],
      ["fd00::/8", "https://[fe12::1]/"],
      ["example.org:8443", "https://example.org/"],
    ] as const
  ) {
    assert.equal(proxy(env(list), url), "http://p:1/", list);
  }
  assert.equal(proxy({ ALL_PROXY: "a:1", HTTPS_PROXY: "b:1" }, "https://x/"), "http://b:1/");
  assert.equal(proxy({ HTTPS_PROXY: "a:1", https_proxy: "b:1" }, "https://x/"), "http://b:1/");
  assert.equal(proxy({ all_proxy: "a:1", HTTPS_PROXY: "b:1" }, "http://x/"), "http://a:1/");
  const both = { ALL_PROXY: "a:1", NO_PROXY: "x", no_proxy: "y" };
  assert.equal(proxy(both, "https://x/"), "http://a:1/");
  assert.equal(proxy(both, "https://y/"), undefined);
  assert.throws(
    () => proxiesOf({ ALL_PROXY: "socks5://u:SECRET@p:1" }),
    (error) =>
      error instanceof ConfigError && error.where === "ALL_PROXY" && !/SECRET/u.test(error.message),
  );
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

test("the token is that of the environment, else that of the hub's own client", () => {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-token-"));
  try {
    mkdirSync(join(folder, ".cache", "huggingface"), { recursive: true });
    writeFileSync(join(folder, ".cache", "huggingface", "token"), "hf_home\n");
    writeFileSync(join(folder, "token"), " hf_other\r\n");
    const token = (env: Readonly<Record<string, string>>) => networkOf(env).token;
    assert.equal(token({ HOME: folder }), "hf_home");
    assert.equal(token({ HOME: folder, HF_TOKEN: "hf_named" }), "hf_named");
    assert.equal(token({ HOME: folder, HUGGING_FACE_HUB_TOKEN: "hf_old" }), "hf_old");
    assert.equal(token({ HOME: folder, HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" }), "");
    assert.equal(token({ HF_HOME: folder }), "hf_other");
    assert.equal(token({ HOME: folder, HF_TOKEN_PATH: "~/token" }), "hf_other");
    assert.equal(token({ XDG_CACHE_HOME: join(folder, ".cache") }), "hf_home");
    assert.equal(token({ HF_HOME: join(folder, "none") }), "");
    assert.equal(token({ HF_HOME: join(folder, "token") }), "");
    assert.throws(() => networkOf({ HF_TOKEN_PATH: folder }), ConfigError);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a token that could end a header is refused", () => {
  assert.equal(networkOf({ HF_TOKEN: " hf_abc " }).token, "hf_abc");
  assert.throws(() => networkOf({ HF_TOKEN: "a\r\nX: y" }), ConfigError);
});
