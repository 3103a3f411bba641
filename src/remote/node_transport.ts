/**
 * HTTP over the sockets of this machine. The address that a name resolves to is checked and is the one
 * connected to, so that no name can be made to mean another machine in between (CWE-918, CWE-367).
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as SecureAgent, request as httpsRequest } from "node:https";
import { connect as connectSocket, isIP, type Socket } from "node:net";
import { connect as connectSecure, rootCertificates } from "node:tls";
import { SourceError } from "../core/errors.ts";
import { isPublicAddress } from "./addresses.ts";
import type { HttpRequest, HttpResponse, HttpTransport } from "../sources/http_client.ts";

/** How connections are made. */
export interface TransportOptions {
  /** Also connect to private, loopback and link-local addresses. */
  readonly allowPrivate: boolean;
  /** The proxy for a URL; undefined for none. */
  readonly proxyFor?: (url: URL) => URL | undefined;
  /** Further certificate authorities, PEM. */
  readonly certificates?: string | undefined;
  /** All addresses of a name; the system's resolver unless given. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/** A transport that keeps connections; closed when the scan ends. */
interface NodeTransport {
  readonly send: HttpTransport;
  close(): void;
}

/** Addresses of one name that are tried. No host of models is known to need more. CWE-400. */
const ADDRESSES = 4;
/**
 * Connections to one address at a time: for each of sixteen files and what is read beside it, and eight that read
 * ahead. CWE-400.
 */
const CONNECTIONS = 40;

/** What a failing connection means, where trying again does not help. */
const CAUSES: Readonly<Record<string, readonly [reason: string, remedy: string]>> = {
  ENOTFOUND: ["its name is not known", "Check the address and whether this machine has network."],
  EAI_AGAIN: ["no name server answers", "Check whether this machine has network."],
  ECONNREFUSED: ["nothing answers at that port", "Check the address."],
  ENETUNREACH: ["the network cannot be reached", "Check whether this machine has network."],
  EPERM: [
    "this process may not use the network",
    "Start it with permission to do so (Deno: --allow-net), and ask the firewall.",
  ],
  EHOSTUNREACH: ["the host cannot be reached", "Check whether this machine has network."],
};

/** Codes after which another address of the same name may do. */
const TRY_NEXT = ["ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "ETIMEDOUT"];

/** Makes connections by the runtime's sockets. */
export function nodeTransport(options: TransportOptions): NodeTransport {
  const kept = { keepAlive: true, maxSockets: CONNECTIONS };
  const agents = { plain: new Agent(kept), secure: new SecureAgent(kept) };
  const ca = options.certificates === undefined
    ? undefined
    : [...rootCertificates, options.certificates];
  return {
    send: (request) => send(request, options, agents, ca),
    close() {
      agents.plain.destroy();
      agents.secure.destroy();
    },
  };
}

interface Agents {
  readonly plain: Agent;
  readonly secure: SecureAgent;
}

async function send(
  request: HttpRequest,
  options: TransportOptions,
  agents: Agents,
  ca: readonly string[] | undefined,
): Promise<HttpResponse> {
  const { url } = request;
  const proxy = options.proxyFor?.(url);
  try {
    if (proxy !== undefined) return await throughProxy(request, proxy, options, ca);
    const addresses = await addressesOf(url, options);
    let failure: unknown;
    for (const address of addresses.slice(0, ADDRESSES)) {
      try {
        return await direct(request, address, agents, ca);
      } catch (error) {
        failure = error;
        if (!TRY_NEXT.includes(codeOf(error))) break;
      }
    }
    throw failure;
  } catch (error) {
    throw explained(url, error, proxy);
  }
}

/** The addresses that a URL's host stands for, all of them allowed. */
async function addressesOf(url: URL, options: TransportOptions): Promise<readonly string[]> {
  const host = bareHost(url);
  const resolve = options.resolve ?? resolveName;
  const addresses = isIP(host) !== 0 ? [host] : await resolve(host);
  const inner = options.allowPrivate ? undefined : addresses.find((it) => !isPublicAddress(it));
  if (inner !== undefined) throw privateAddress(url, inner);
  if (addresses.length > 0) return addresses;
  throw Object.assign(new Error("no address"), { code: "ENOTFOUND" });
}

async function resolveName(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true });
  // IPv4 first: where IPv6 leads nowhere, waiting for it would take long.
  return found.sort((a, b) => a.family - b.family).map(({ address }) => address);
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

function privateAddress(url: URL, address: string): SourceError {
  const host = bareHost(url);
  const destination = host === address ? host : `${host} is ${address}, which`;
  return new SourceError(
    url.host,
    `Cannot connect to ${url.host}: ${destination} is no address of the public internet`,
    {
      remedy:
        "Pass --allow-private-network (a program: allowPrivateNetwork) if you mean a machine of your own network.",
      failure: { kind: "forbidden", passing: false },
    },
  );
}

function direct(
  request: HttpRequest,
  address: string,
  agents: Agents,
  ca: readonly string[] | undefined,
): Promise<HttpResponse> {
  const { url, headers } = request;
  const secure = url.protocol === "https:";
  const host = bareHost(url);
  const common = {
    method: request.method ?? "GET",
    host: address,
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host },
  };
  return exchange(request, () =>
    secure
      ? httpsRequest({
        ...common,
        agent: agents.secure,
        // The certificate must be of the name that was asked for.
        ...(isIP(host) === 0 && { servername: host }),
        ...(ca && { ca: [...ca] }),
      })
      : httpRequest({ ...common, agent: agents.plain }));
}

/** HTTPS in a tunnel, plain HTTP as proxies take it. The proxy resolves the name. */
async function throughProxy(
  request: HttpRequest,
  proxy: URL,
  options: TransportOptions,
  ca: readonly string[] | undefined,
): Promise<HttpResponse> {
  const { url, headers } = request;
  const host = bareHost(url);
  const inner = isIP(host) !== 0 ? !isPublicAddress(host) : /(?:^|\.)localhost\.?$/i.test(host);
  if (inner && !options.allowPrivate) throw privateAddress(url, host);
  const path = `${url.pathname}${url.search}`;
  const to = { host: bareHost(proxy), port: Number(proxy.port || 80) };
  const login = proxyLogin(proxy);
  if (url.protocol === "http:") {
    return await exchange(request, () =>
      httpRequest({
        ...to,
        method: request.method ?? "GET",
        path: `${url.origin}${path}`,
        headers: { ...headers, ...login, host: url.host },
        agent: false,
      }));
  }
  const socket = await tunnel(to, `${url.hostname}:${url.port || 443}`, login, request.signal);
  const secured = await new Promise<Socket>((done, fail) => {
    const tls = connectSecure({
      socket,
      // The certificate must be of the name or the address that was asked for.
      host,
      ...(isIP(host) === 0 && { servername: host }),
      ...(ca && { ca: [...ca] }),
    });
    tls.once("secureConnect", () => done(tls));
    tls.once("error", fail);
  });
  return await exchange(request, () =>
    httpRequest({
      createConnection: () => secured,
      method: request.method ?? "GET",
      host,
      path,
      headers: { ...headers, host: url.host, connection: "close" },
    }));
}

function proxyLogin(proxy: URL): Record<string, string> {
  if (proxy.username === "") return {};
  const text = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const binary = Array.from(new TextEncoder().encode(text), (it) => String.fromCharCode(it));
  return { "proxy-authorization": `Basic ${btoa(binary.join(""))}` };
}

/** A connection to `target` by way of a proxy. https://www.rfc-editor.org/rfc/rfc9110#name-connect */
function tunnel(
  to: { readonly host: string; readonly port: number },
  target: string,
  login: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = connectSocket(to);
    const end = (error: Error): void => {
      socket.destroy();
      fail(error);
    };
    signal.addEventListener("abort", () => socket.destroy(), { once: true });
    socket.once("error", fail);
    let answer = "";
    const listen = (chunk: Uint8Array): void => {
      answer += String.fromCharCode(...chunk);
      if (answer.length > 16_384) return end(new Error("the proxy answers too much"));
      if (!answer.includes("\r\n\r\n")) return;
      socket.off("data", listen);
      socket.pause();
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
      if (status?.startsWith("2")) done(socket);
      else end(Object.assign(new Error(`the proxy answers ${status}`), { code: "EPROXY" }));
    };
    socket.on("data", listen);
    socket.once("close", () => fail(new Error("the proxy closed the connection")));
    socket.once("connect", () => {
      const more = Object.entries(login).map(([name, value]) => `${name}: ${value}\r\n`).join("");
      socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${more}\r\n`);
    });
  });
}

/** Sends, and gives the answer once its headers are there. */
function exchange(request: HttpRequest, make: () => ClientRequest): Promise<HttpResponse> {
  return new Promise((done, fail) => {
    const sent = make();
    const abort = (): void => {
      sent.destroy();
      fail(new Error("the request was ended"));
    };
    sent.on("error", fail);
    sent.once("response", (answer) => {
      // Errors of the body are set to who reads it.
      answer.on("error", () => {});
      done({
        status: answer.statusCode ?? 0,
        header: (name) => headerOf(answer, name),
        body: chunksOf(answer),
      });
    });
    if (request.signal.aborted) return abort();
    request.signal.addEventListener("abort", abort, { once: true });
    sent.end(request.body);
  });
}

/** Of several the runtime keeps the first alone of some headers; clients differ on which counts. */
function headerOf({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  const values = rawHeaders.filter((_, at) =>
    at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name
  );
  return values.length === 0 ? undefined : values.join(name === "location" ? "\n" : ", ");
}

/** The chunks, each in memory of its own: a Buffer's slices would be views. */
async function* chunksOf(answer: IncomingMessage): AsyncGenerator<Uint8Array> {
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    yield new Uint8Array(chunk);
  }
}

function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  // Deno says so of what it does not permit; its resolver of names says EPERM, as firewalls do.
  return "name" in error && error.name === "NotCapable" ? "EPERM" : "";
}

/** An error of the system as a person understands it, where another try does not help. */
function explained(url: URL, error: unknown, proxy: URL | undefined): unknown {
  if (error instanceof SourceError) return error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const by = proxy === undefined ? "" : ` by the proxy ${proxy.host}`;
  const fail = (reason: string, remedy: string): SourceError =>
    new SourceError(url.host, `Cannot connect to ${url.host}${by}: ${reason}`, {
      cause: error,
      remedy,
      failure: { kind: "unavailable", passing: code in CAUSES && code !== "EPERM" },
    });
  if (code === "EPROXY") return fail(message, "Check HTTPS_PROXY and NO_PROXY.");
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|certificate/i.test(`${code} ${message}`)) {
    const remedy = "Name the file of a certificate authority of your own in NODE_EXTRA_CA_CERTS.";
    return fail(`its certificate is not valid (${message})`, remedy);
  }
  const known = Object.hasOwn(CAUSES, code) ? CAUSES[code] : undefined;
  return known === undefined ? error : fail(...known);
}
