/**
 * Credentials of object stores and registries from where their own programs have them: the environment, profiles,
 * logins. Metadata services of machines are asked only with `--instance-credentials`.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { ConfigError } from "../core/errors.ts";
import { isRecord } from "../remote/stores/answers.ts";
import { endpointUrl } from "../remote/stores/endpoint.ts";
import {
  instanceKeys,
  instanceToken,
  refreshedToken,
  webIdentityKeys,
} from "../remote/stores/instance.ts";
import {
  type AzureSettings,
  type GcsSettings,
  kept,
  type Login,
  type OciSettings,
  type S3Settings,
  type StoreSettings,
} from "../remote/stores/settings.ts";
import type { HttpTransport } from "../sources/http_client.ts";
import type { Io } from "./io.ts";

/** How credentials are fetched that no setting has. */
interface CredentialSources {
  /** Also ask the metadata service of the machine. */
  readonly instance: boolean;
  /** Requests to addresses of the public internet. */
  readonly send: () => Promise<HttpTransport>;
  /** Requests to the metadata service, which has an address of its own network. */
  readonly sendInside: () => Promise<HttpTransport>;
}

/**
 * Settings for the schemes that arguments have; nothing is sent.
 *
 * @param addresses arguments that are fetched
 * @throws ConfigError for what cannot be read, or is not what it should be
 */
export function storesOf(
  addresses: readonly string[],
  env: Io["env"],
  sources: CredentialSources,
): StoreSettings {
  const has = (scheme: string): boolean =>
    addresses.some((it) => it.toLowerCase().startsWith(`${scheme}://`));
  return {
    ...(has("s3") && { s3: s3Settings(env, sources) }),
    ...(has("gs") && { gcs: gcsSettings(env, sources) }),
    ...(has("az") && { azure: azureSettings(env, sources) }),
    ...(has("oci") && { oci: ociSettings(env) }),
  };
}

// --- S3 -------------------------------------------------------------------------------

/** https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-envvars.html */
function s3Settings(env: Io["env"], sources: CredentialSources): S3Settings {
  const home = env["HOME"] || env["USERPROFILE"] || "";
  const profile = env["AWS_PROFILE"] || env["AWS_DEFAULT_PROFILE"];
  const name = profile || "default";
  const secrets = sectionOf(env["AWS_SHARED_CREDENTIALS_FILE"] || `${home}/.aws/credentials`, [
    name,
  ]);
  const config = sectionOf(env["AWS_CONFIG_FILE"] || `${home}/.aws/config`, [
    `profile ${name}`,
    ...(name === "default" ? ["default"] : []),
  ]);
  if (profile !== undefined && secrets === undefined && config === undefined) {
    throw new ConfigError("AWS_PROFILE", `There is no profile "${profile}", as AWS_PROFILE names`);
  }
  const setting = (key: string): string | undefined => secrets?.get(key) || config?.get(key);
  const endpoint = env["AWS_ENDPOINT_URL_S3"] || env["AWS_ENDPOINT_URL"] ||
    setting("endpoint_url");
  const region = env["AWS_REGION"] || env["AWS_DEFAULT_REGION"] || setting("region");
  const keys = s3Keys(env, setting, profile, sources, region);
  return {
    ...(endpoint && { endpoint: endpointUrl(endpoint, "AWS_ENDPOINT_URL") }),
    ...(region && { region }),
    ...(keys && { keys }),
  };
}

function s3Keys(
  env: Io["env"],
  setting: (key: string) => string | undefined,
  profile: string | undefined,
  sources: CredentialSources,
  region: string | undefined,
): S3Settings["keys"] {
  const ofEnvironment = {
    accessKeyId: env["AWS_ACCESS_KEY_ID"],
    secretAccessKey: env["AWS_SECRET_ACCESS_KEY"],
    sessionToken: env["AWS_SESSION_TOKEN"],
  };
  const ofProfile = {
    accessKeyId: setting("aws_access_key_id"),
    secretAccessKey: setting("aws_secret_access_key"),
    sessionToken: setting("aws_session_token"),
  };
  // A profile that is named goes before keys of the environment, as in AWS's own programs.
  const order = profile === undefined ? [ofEnvironment, ofProfile] : [ofProfile, ofEnvironment];
  for (const { accessKeyId, secretAccessKey, sessionToken } of order) {
    if (!accessKeyId && !secretAccessKey) continue;
    for (const it of [accessKeyId, secretAccessKey, sessionToken || "x"]) {
      if (!it || !/^[\x21-\x7e]+$/.test(it)) {
        throw new ConfigError(
          "AWS_ACCESS_KEY_ID",
          "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or those of the profile, are no pair of keys",
        );
      }
    }
    return {
      accessKeyId: accessKeyId ?? "",
      secretAccessKey: secretAccessKey ?? "",
      ...(sessionToken && { sessionToken }),
    };
  }
  const [file, role] = [env["AWS_WEB_IDENTITY_TOKEN_FILE"], env["AWS_ROLE_ARN"]];
  if (file && role) {
    const session = env["AWS_ROLE_SESSION_NAME"] || "modelaudit";
    return kept(async () =>
      await webIdentityKeys(
        { token: textOf(file, "the token").trim(), role, session, region: region ?? "us-east-1" },
        await sources.send(),
      )
    );
  }
  if (!sources.instance) return undefined;
  return kept(async () =>
    await instanceKeys({
      service: env["AWS_EC2_METADATA_SERVICE_ENDPOINT"],
      container: env["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
      relative: env["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"],
      authorization: env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]
        ? textOf(env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"], "the token").trim()
        : env["AWS_CONTAINER_AUTHORIZATION_TOKEN"],
    }, await sources.sendInside())
  );
}

/** The first section of these names in an INI file; undefined where there is none. */
function sectionOf(
  path: string,
  names: readonly string[],
): ReadonlyMap<string, string> | undefined {
  const text = textIfThere(path);
  if (text === undefined) return undefined;
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  for (const line of text.split(/\r?\n/u)) {
    const head = /^\s*\[\s*([^\]]+?)\s*\]/u.exec(line)?.[1];
    if (head !== undefined) {
      section = sections.get(head) ?? new Map<string, string>();
      sections.set(head, section);
      continue;
    }
    // What is indented belongs to a setting of its own, such as `s3 =`.
    const [, key, value] = /^([^\s#;=][^=]*?)\s*=\s*(.*?)\s*$/u.exec(line) ?? [];
    if (key !== undefined && value !== undefined) section?.set(key.toLowerCase(), value);
  }
  return names.map((it) => sections.get(it)).find((it) => it !== undefined);
}

// --- Google ---------------------------------------------------------------------------

/** https://cloud.google.com/docs/authentication/application-default-credentials */
function gcsSettings(env: Io["env"], sources: CredentialSources): GcsSettings {
  const emulator = env["STORAGE_EMULATOR_HOST"];
  const endpoint = emulator && {
    endpoint: endpointUrl(
      emulator.includes("://") ? emulator : `http://${emulator}`,
      "STORAGE_EMULATOR_HOST",
    ),
  };
  const token = env["GOOGLE_OAUTH_ACCESS_TOKEN"] || env["CLOUDSDK_AUTH_ACCESS_TOKEN"];
  if (token) return { ...endpoint, token: headerText(token.trim(), "GOOGLE_OAUTH_ACCESS_TOKEN") };
  const named = env["GOOGLE_APPLICATION_CREDENTIALS"];
  const home = env["HOME"] || "";
  const usual = `${
    env["CLOUDSDK_CONFIG"] || `${home}/.config/gcloud`
  }/application_default_credentials.json`;
  const path = named || usual;
  const text = named ? textOf(named, "the credentials") : textIfThere(usual);
  if (text === undefined) {
    if (!sources.instance) return { ...endpoint };
    const host = env["GCE_METADATA_HOST"];
    return {
      ...endpoint,
      token: kept(async () => await instanceToken("google", host, await sources.sendInside())),
    };
  }
  const file = recordOf(path, text);
  const field = (name: string): string => {
    const value = file[name];
    if (typeof value === "string" && value !== "") return value;
    throw new ConfigError(path, `The credentials in ${path} have no ${name}`);
  };
  if (file["type"] === "service_account") {
    const keyId = file["private_key_id"];
    return {
      ...endpoint,
      account: {
        clientEmail: field("client_email"),
        privateKey: field("private_key"),
        ...(typeof keyId === "string" && { keyId }),
      },
    };
  }
  if (file["type"] === "authorized_user") {
    const user = {
      client_id: field("client_id"),
      client_secret: field("client_secret"),
      refresh_token: field("refresh_token"),
    };
    return {
      ...endpoint,
      token: kept(async () => await refreshedToken(user, await sources.send())),
    };
  }
  throw new ConfigError(
    path,
    `The credentials in ${path} are neither those of a service account nor of a user`,
  );
}

// --- Azure ----------------------------------------------------------------------------

/** https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string */
function azureSettings(env: Io["env"], sources: CredentialSources): AzureSettings {
  const text = env["AZURE_STORAGE_CONNECTION_STRING"] ?? "";
  const parts = new Map(
    text.split(";").filter((it) => it.includes("=")).map((it) => {
      const at = it.indexOf("=");
      return [it.slice(0, at).trim().toLowerCase(), it.slice(at + 1).trim()] as const;
    }),
  );
  const account = env["AZURE_STORAGE_ACCOUNT"] || env["AZURE_STORAGE_ACCOUNT_NAME"] ||
    parts.get("accountname");
  const suffix = parts.get("endpointsuffix");
  const endpoint = parts.get("blobendpoint") ??
    (suffix && account && `https://${account}.blob.${suffix}`);
  const key = env["AZURE_STORAGE_KEY"] || env["AZURE_STORAGE_ACCOUNT_KEY"] ||
    parts.get("accountkey");
  const sas = env["AZURE_STORAGE_SAS_TOKEN"] || parts.get("sharedaccesssignature");
  const authority = env["AZURE_POD_IDENTITY_AUTHORITY_HOST"];
  return {
    ...(account && { account }),
    ...(endpoint && {
      endpoint: endpointUrl(endpoint, "the BlobEndpoint of AZURE_STORAGE_CONNECTION_STRING"),
    }),
    ...(key && { key }),
    ...(sas && { sas: headerText(sas, "AZURE_STORAGE_SAS_TOKEN") }),
    ...(!key && !sas && sources.instance && {
      token: kept(async () => await instanceToken("azure", authority, await sources.sendInside())),
    }),
  };
}

// --- registries -----------------------------------------------------------------------

/** https://docs.docker.com/reference/cli/docker/login/, and Podman's file of the same form. */
function ociSettings(env: Io["env"]): OciSettings {
  const home = env["HOME"] || env["USERPROFILE"] || "";
  const files = [
    env["REGISTRY_AUTH_FILE"],
    `${env["DOCKER_CONFIG"] || `${home}/.docker`}/config.json`,
  ];
  const logins = new Map<string, Login>();
  for (const path of files) {
    const text = path && textIfThere(path);
    if (!path || !text) continue;
    const auths = recordOf(path, text)["auths"];
    for (const [host, entry] of Object.entries(isRecord(auths) ? auths : {})) {
      const login = loginOf(entry);
      const name = host.replace(/^https?:\/\//u, "").replace(/\/.*$/u, "").toLowerCase();
      // Docker's own registry is under the address of its first version.
      const registry = name === "index.docker.io" ? "docker.io" : name;
      if (login !== undefined && !logins.has(registry)) logins.set(registry, login);
    }
  }
  return {
    loginFor: (registry) => {
      const name = registry.toLowerCase();
      return logins.get(name === "registry-1.docker.io" ? "docker.io" : name);
    },
  };
}

function loginOf(entry: unknown): Login | undefined {
  const { auth, username, password } = isRecord(entry) ? entry : {};
  if (typeof username === "string" && typeof password === "string") return { username, password };
  if (typeof auth !== "string" || auth === "") return undefined;
  const text = Buffer.from(auth, "base64").toString("utf8");
  const at = text.indexOf(":");
  return at < 0 ? undefined : { username: text.slice(0, at), password: text.slice(at + 1) };
}

// --- files ----------------------------------------------------------------------------

function headerText(text: string, setting: string): string {
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw new ConfigError(setting, `${setting} has characters in it that it cannot have`);
}

function recordOf(path: string, text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch {
    // Its text may be secret and is in no message.
  }
  throw new ConfigError(path, `${path} is no JSON object`);
}

/** @throws ConfigError where it cannot be read */
function textOf(path: string, what: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(path, `Cannot read ${what} in ${path}: ${reason}`, { cause });
  }
}

function textIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(path, `Cannot read ${path}: ${reason}`, { cause });
  }
}
