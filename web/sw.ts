/**
 * The service worker: keeps the page for later visits without its server. Every file has its hash in its name but for
 * the page itself, which is fetched anew where there is a network. https://www.w3.org/TR/service-workers/
 *
 * @module
 */

/// <reference lib="dom" />

/** What is used of a service worker's global; its types and a page's cannot be had together. */
interface Scope {
  addEventListener(type: "install" | "activate", listener: (event: Extendable) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
  readonly clients: { claim(): Promise<void> };
  readonly location: Location;
}

interface Extendable {
  waitUntil(work: Promise<unknown>): void;
}

interface FetchEvent extends Extendable {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

/** Names of the page's files, put in by the build, and the version that they make up. */
declare const FILES: readonly string[];
declare const VERSION: string;

const scope = globalThis as unknown as Scope;
const CACHE = `modelaudit-${VERSION}`;
const ROOT = new URL("./", scope.location.href);

async function keep(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll(["./", ...FILES].map((name) => new Request(new URL(name, ROOT))));
}

async function forgetOthers(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("modelaudit-") && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await scope.clients.claim();
}

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const isPage = request.mode === "navigate";
  if (isPage) {
    try {
      const fresh = await fetch(request);
      if (fresh.ok) return fresh;
    } catch {
      // Without a network the kept page is the page.
    }
  }
  const kept = await cache.match(isPage ? ROOT.href : request, { ignoreSearch: isPage });
  return kept ?? await fetch(request);
}

scope.addEventListener("install", (event) => event.waitUntil(keep()));
scope.addEventListener("activate", (event) => event.waitUntil(forgetOthers()));
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== ROOT.origin) return;
  if (!url.pathname.startsWith(ROOT.pathname)) return;
  event.respondWith(answer(request));
});
