/**
 * Tokens of registries. A server asks for a token and names where it is to be had; the login goes there only over the
 * registry's own protocol or HTTPS, and to the registry's own server of tokens.
 * https://distribution.github.io/distribution/spec/auth/token/
 *
 * @module
 */

import { SourceError } from "../../core/errors.ts";
import { shownUrl } from "../../core/shown_url.ts";
import type { Authorizer, HttpClient } from "../../sources/http_client.ts";
import { answerOf, isRecord, jsonOf } from "./answers.ts";
import { isBelow } from "./endpoint.ts";
import { type Lasting, lasting, type Login, type OciSettings } from "./settings.ts";
import { percentEncoded } from "./sigv4.ts";

/** What a registry asked for. */
interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** A repository of a registry. */
interface OciPlace {
  /** For messages. */
  readonly name: string;
  /** Address of the repository's interface. */
  readonly base: URL;
  readonly repository: string;
  readonly login: Login | undefined;
  /** The login for another host. */
  readonly loginFor: OciSettings["loginFor"];
  readonly client: HttpClient;
}

const REMEDY =
  "Log in with docker login or oras login: the login is taken from DOCKER_CONFIG, or REGISTRY_AUTH_FILE.";
/** Seconds for which a token is valid whose server does not say so. Same page. */
const TOKEN_SECONDS = 60;
/** Characters of a token; tokens of the largest registries have some 3,000. CWE-770. */
const TOKEN_CHARACTERS = 64 * 1024;

/** Signs requests to a repository, once the registry has asked for that. */
export function ociAuthorizer(
  place: OciPlace,
): Authorizer & { challenged(header: string | undefined): Promise<boolean> } {
  const { base, login, client } = place;
  let authorization: (() => Promise<string>) | undefined;
  /** Where the login goes; a redirect from there leads to another address, which it does not go to. */
  const servers = new Set<string>();
  if (login !== undefined) {
    client.authorize({
      remedy: REMEDY,
      goesTo: (url) => servers.has(url.href),
      headers: () => Promise.resolve({ authorization: basic(login) }),
    });
  }
  return {
    remedy: REMEDY,
    goesTo: (url) => isBelow(url, base),
    headers: async () =>
      authorization === undefined ? {} : { authorization: await authorization() },
    /** Prepares for the next request. @returns false where trying again is of no use */
    async challenged(header) {
      const challenge = readChallenge(header ?? "");
      if (challenge?.scheme === "bearer" && authorization === undefined) {
        const token = lasting(() => tokenOf(place, challenge, servers));
        authorization = async () => `Bearer ${await token()}`;
        return true;
      }
      if (challenge?.scheme === "basic" && login !== undefined && authorization === undefined) {
        authorization = () => Promise.resolve(basic(login));
        return true;
      }
      return await Promise.resolve(false);
    },
  };
}

function basic({ username, password }: Login): string {
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return `Basic ${btoa(Array.from(bytes, (it) => String.fromCharCode(it)).join(""))}`;
}

/** The first challenge of a header; of one that has others the Bearer, if there is one. */
function readChallenge(header: string): Challenge | undefined {
  const found = /(?:^|,)\s*(bearer)\s+/i.exec(header) ?? /(?:^|,)\s*(basic)(?:\s+|$)/i.exec(header);
  if (found === null) return undefined;
  const parameters = new Map<string, string>();
  const rest = header.slice(found.index + found[0].length);
  const parameter = /\s*([a-z]+)=(?:"([^"]*)"|([^\s",]+))\s*(?:,|$)/iuy;
  for (let it = parameter.exec(rest); it !== null; it = parameter.exec(rest)) {
    const [, name = "", quoted, word] = it;
    if (!parameters.has(name.toLowerCase())) {
      parameters.set(name.toLowerCase(), quoted ?? word ?? "");
    }
  }
  return { scheme: (found[1] ?? "").toLowerCase(), parameters };
}

/** @throws SourceError when there is no token to be had */
async function tokenOf(
  place: OciPlace,
  { parameters }: Challenge,
  servers: Set<string>,
): Promise<Lasting<string>> {
  const { name, base, repository, login, client } = place;
  let realm: URL;
  try {
    realm = new URL(parameters.get("realm") ?? "");
  } catch {
    throw noToken(name, "does not say where its tokens are to be had");
  }
  const isSafe = realm.protocol === "https:" ||
    (realm.protocol === "http:" && base.protocol === "http:");
  if (!isSafe || realm.username !== "" || realm.password !== "") {
    throw noToken(name, `names an address for tokens that is not used: ${shownUrl(realm)}`);
  }
  const isOwn = login !== undefined && isTokenServer(realm, place);
  const service = parameters.get("service");
  const query = [
    // What is asked for is reading, whatever the registry proposes.
    `scope=${percentEncoded(`repository:${repository}:pull`)}`,
    ...(service === undefined ? [] : [`service=${percentEncoded(service)}`]),
  ];
  realm.search = [...(realm.search === "" ? [] : [realm.search.slice(1)]), ...query].join("&");
  realm.hash = "";
  if (isOwn) servers.add(realm.href);
  const answer = await answerOf(name, { url: realm, headers: {} }, client);
  const value = answer.status === 200 ? jsonOf(name, answer) : undefined;
  const { token, access_token: other, expires_in: seconds } = isRecord(value) ? value : {};
  const found = typeof token === "string" ? token : other;
  const isToken = typeof found === "string" && found.length <= TOKEN_CHARACTERS &&
    /^[\x21-\x7e]+$/.test(found);
  if (!isToken) {
    const withheld = login !== undefined && !isOwn
      ? `; the login for ${base.host} was not sent to ${realm.host}: log in there, too, if it is the registry's own`
      : "";
    throw noToken(name, `gives no token (HTTP ${answer.status} from ${realm.host})${withheld}`);
  }
  const valid = typeof seconds === "number" && seconds > 0 ? seconds : TOKEN_SECONDS;
  return { value: found, expires: Date.now() + valid * 1000 };
}

/**
 * Servers of tokens that stand for registries of other hosts. A domain in common says nothing: everybody can have a
 * name under github.io, azurecr.io or co.uk. https://docs.docker.com/reference/api/registry/auth/,
 * https://docs.gitlab.com/user/packages/container_registry/authenticate_with_container_registry/,
 * https://docs.digitalocean.com/products/container-registry/
 */
const TOKEN_SERVERS: Readonly<Record<string, string>> = {
  "registry-1.docker.io": "auth.docker.io",
  "registry.gitlab.com": "gitlab.com",
  "registry.digitalocean.com": "api.digitalocean.com",
};

/**
 * True for a server of tokens that may get the registry's login: the registry's own host, that of a known registry,
 * and one for which the user has stored the same login.
 */
function isTokenServer(realm: URL, { base, login, loginFor }: OciPlace): boolean {
  if (realm.hostname === base.hostname) return true;
  const isKnown = Object.hasOwn(TOKEN_SERVERS, base.hostname) &&
    TOKEN_SERVERS[base.hostname] === realm.hostname;
  if (isKnown) return base.port === "" && realm.port === "";
  const own = loginFor?.(realm.host);
  return own !== undefined && own.username === login?.username && own.password === login.password;
}

function noToken(name: string, problem: string): SourceError {
  return new SourceError(name, `Cannot list "${name}": the registry ${problem}`, {
    remedy: REMEDY,
  });
}
