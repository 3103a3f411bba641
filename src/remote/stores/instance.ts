/**
 * Credentials that are fetched: from the metadata service of a machine, from AWS for the identity of a Kubernetes
 * account, from Google for a user's refresh token.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
 * https://cloud.google.com/compute/docs/metadata/querying-metadata
 *
 * @module
 */

import { SourceError } from "../../core/errors.ts";
import { HttpClient, type HttpRequest, type HttpTransport } from "../../sources/http_client.ts";
import { answerOf, isRecord } from "./answers.ts";
import type { Lasting, S3Keys } from "./settings.ts";
import { percentEncoded } from "./sigv4.ts";
import { leavesOf } from "./xml.ts";

const EC2 = "http://169.254.169.254";
const ECS = "http://169.254.170.2";
const GCE = "http://metadata.google.internal";
const AZURE = "http://169.254.169.254";
/** Hosts over plain HTTP that a container's credentials may come from, besides loopback. AWS SDKs' own list. */
const CONTAINER_HOSTS = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];
/** Seconds that the token of a session with the service is valid. */
const SESSION_SECONDS = 300;
/** Milliseconds without an answer; the service is on the machine. */
const IDLE_MILLISECONDS = 5000;

/** Where the credentials of a machine or container of AWS are. */
interface InstancePlace {
  readonly service?: string | undefined;
  readonly container?: string | undefined;
  readonly relative?: string | undefined;
  readonly authorization?: string | undefined;
}

/**
 * Keys of the role that a machine or container of AWS has.
 *
 * @throws SourceError when there are none
 */
export async function instanceKeys(
  { service, container, relative, authorization }: InstancePlace,
  send: HttpTransport,
): Promise<Lasting<S3Keys>> {
  const name = "the credentials of this machine";
  if (container || relative) {
    const url = new URL(container || `${ECS}${relative}`);
    const isLocal = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname) ||
      CONTAINER_HOSTS.includes(url.hostname);
    if (url.protocol !== "https:" && !isLocal) {
      throw noCredentials(name, `AWS_CONTAINER_CREDENTIALS_FULL_URI names ${url.host}, over HTTP`);
    }
    const headers: Record<string, string> = authorization ? { authorization } : {};
    return keysOf(name, await textAt(name, { url, headers }, send));
  }
  const base = (service || EC2).replace(/\/$/, "");
  const token = await textAt(name, {
    url: new URL(`${base}/latest/api/token`),
    method: "PUT",
    headers: {
      "x-aws-ec2-metadata-token-ttl-seconds": String(SESSION_SECONDS),
      "content-length": "0",
    },
  }, send);
  const headers = { "x-aws-ec2-metadata-token": token.trim() };
  const path = `${base}/latest/meta-data/iam/security-credentials/`;
  const [role = ""] = (await textAt(name, { url: new URL(path), headers }, send)).trim()
    .split("\n");
  const url = new URL(`${path}${percentEncoded(role)}`);
  return keysOf(name, await textAt(name, { url, headers }, send));
}

/**
 * Keys for the identity of a Kubernetes service account.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
 *
 * @throws SourceError when there are none
 */
export async function webIdentityKeys(
  identity: {
    readonly token: string;
    readonly role: string;
    readonly session: string;
    readonly region: string;
  },
  send: HttpTransport,
): Promise<Lasting<S3Keys>> {
  const name = `the role ${identity.role}`;
  const body = new URLSearchParams({
    Action: "AssumeRoleWithWebIdentity",
    Version: "2011-06-15",
    RoleArn: identity.role,
    RoleSessionName: identity.session,
    WebIdentityToken: identity.token,
  }).toString();
  const url = new URL(`https://sts.${identity.region}.amazonaws.com/`);
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const text = await textAt(name, { url, method: "POST", headers, body }, send);
  const fields: Record<string, string> = {};
  try {
    for (const { path, value } of leavesOf(text)) {
      if (path.at(-2) === "Credentials") fields[path.at(-1) ?? ""] = value;
    }
  } catch {
    throw noCredentials(name, "the server does not answer with keys");
  }
  return keysFrom(name, {
    AccessKeyId: fields["AccessKeyId"],
    SecretAccessKey: fields["SecretAccessKey"],
    Token: fields["SessionToken"],
    Expiration: fields["Expiration"],
  });
}

/** A token for the account that a machine of Google or Azure has. @throws SourceError when there is none */
export async function instanceToken(
  cloud: "google" | "azure",
  host: string | undefined,
  send: HttpTransport,
): Promise<Lasting<string>> {
  const name = "the token of this machine";
  const base = host === undefined || host === ""
    ? (cloud === "google" ? GCE : AZURE)
    : host.includes("://")
    ? host
    : `http://${host}`;
  const request = cloud === "google"
    ? {
      url: new URL(`${base}/computeMetadata/v1/instance/service-accounts/default/token`),
      headers: { "metadata-flavor": "Google" },
    }
    : {
      url: new URL(
        `${base}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${
          percentEncoded("https://storage.azure.com/")
        }`,
      ),
      headers: { metadata: "true" },
    };
  return tokenFrom(name, await textAt(name, request, send));
}

/** A token for a user who logged in with gcloud. @throws SourceError when there is none */
export async function refreshedToken(
  user: {
    readonly client_id: string;
    readonly client_secret: string;
    readonly refresh_token: string;
  },
  send: HttpTransport,
): Promise<Lasting<string>> {
  const name = "the token of the user";
  const body = new URLSearchParams({ ...user, grant_type: "refresh_token" }).toString();
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const url = new URL("https://oauth2.googleapis.com/token");
  return tokenFrom(name, await textAt(name, { url, method: "POST", headers, body }, send));
}

/** The text of a successful answer; what it says otherwise is in no message. */
async function textAt(
  name: string,
  request: Omit<HttpRequest, "signal">,
  send: HttpTransport,
): Promise<string> {
  const client = new HttpClient({ transport: send, idleMilliseconds: IDLE_MILLISECONDS });
  const answer = await answerOf(name, request, client);
  if (answer.status === 200) return answer.text;
  throw noCredentials(name, `${request.url.host} answers ${answer.status}`);
}

function keysOf(name: string, text: string): Lasting<S3Keys> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw noCredentials(name, "the server does not answer in JSON");
  }
  return keysFrom(name, isRecord(value) ? value : {});
}

function keysFrom(name: string, fields: Readonly<Record<string, unknown>>): Lasting<S3Keys> {
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = fields;
  const isText = (it: unknown): it is string => typeof it === "string" && /^[\x21-\x7e]+$/.test(it);
  if (!isText(AccessKeyId) || !isText(SecretAccessKey)) {
    throw noCredentials(name, "the server does not answer with keys");
  }
  const expires = typeof Expiration === "string" ? Date.parse(Expiration) : NaN;
  return {
    value: {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      ...(isText(Token) && { sessionToken: Token }),
    },
    ...(!Number.isNaN(expires) && { expires }),
  };
}

function tokenFrom(name: string, text: string): Lasting<string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw noCredentials(name, "the server does not answer in JSON");
  }
  const { access_token: token, expires_in: seconds } = isRecord(value) ? value : {};
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) {
    throw noCredentials(name, "the server does not answer with a token");
  }
  // Azure writes the number as a text.
  const valid = Number(seconds);
  return { value: token, ...(valid > 0 && { expires: Date.now() + valid * 1000 }) };
}

function noCredentials(name: string, why: string): SourceError {
  return new SourceError(name, `Cannot get ${name}: ${why}`, {
    remedy: "Give the credentials in the environment.",
  });
}
