/**
 * What an address of an object store or of a registry names.
 *
 * @module
 */

import { ConfigError } from "../../core/errors.ts";

/** Objects of a bucket or container whose keys begin with a path, or the one with just that key. */
export interface BucketTarget {
  readonly type: "bucket";
  readonly scheme: "s3" | "gs" | "az";
  readonly bucket: string;
  /** A key, or the beginning of keys where it ends with "/"; empty for all objects. */
  readonly path: string;
}

/** An artifact of a registry. */
export interface OciTarget {
  readonly type: "oci";
  /** With a port where one is written. */
  readonly registry: string;
  readonly repository: string;
  /** A tag, or a digest. */
  readonly reference: string;
}

/** Names of buckets and containers, wider than each of the three allows. */
const BUCKET = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/i;
/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests */
const REPOSITORY =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const DIGEST = /^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/;
const REGISTRY = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;

/** True for a digest that can be compared with bytes. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/**
 * Understands an address.
 *
 * @param argument `s3://`, `gs://`, `az://` or `oci://`
 * @param named the same, as messages may show it
 * @returns undefined for any other scheme
 * @throws ConfigError when it names nothing
 */
export function storeTarget(
  argument: string,
  named: string,
): BucketTarget | OciTarget | undefined {
  const parts = /^(s3|gs|az|oci):\/\/([^/]*)(?:\/([^]*))?$/i.exec(argument);
  if (parts === null) return undefined;
  const [, scheme = "", host = "", path = ""] = parts;
  const kind = scheme.toLowerCase();
  if (kind === "oci") return ociTarget(host, path, named);
  if (!BUCKET.test(host)) {
    throw new ConfigError(named, `"${named}" names no bucket: write ${kind}://bucket/path`);
  }
  if (/[?#]/.test(path)) {
    throw new ConfigError(
      named,
      `"${named}" has something behind a ? or #, which ${kind}:// has not`,
    );
  }
  if (path !== "" && !path.isWellFormed()) {
    throw new ConfigError(named, `"${named}" is no Unicode`);
  }
  return { type: "bucket", scheme: kind as BucketTarget["scheme"], bucket: host, path };
}

function ociTarget(registry: string, path: string, named: string): OciTarget {
  const at = path.indexOf("@");
  const [name, digest] = at < 0 ? [path, undefined] : [path.slice(0, at), path.slice(at + 1)];
  const colon = name.lastIndexOf(":");
  const repository = colon < 0 ? name : name.slice(0, colon);
  const tag = colon < 0 ? undefined : name.slice(colon + 1);
  const isValid = REGISTRY.test(registry) && REPOSITORY.test(repository) &&
    (tag === undefined || TAG.test(tag)) && (digest === undefined || DIGEST.test(digest));
  if (!isValid) {
    throw new ConfigError(
      named,
      `"${named}" names no artifact: write oci://registry/repository[:tag][@sha256:digest]`,
    );
  }
  return { type: "oci", registry, repository, reference: digest ?? tag ?? "latest" };
}

/** How a target is written in reports. @param path a key, or a file of an artifact; empty for all of it */
export function storeName(target: BucketTarget | OciTarget, path: string): string {
  if (target.type === "bucket") return `${target.scheme}://${target.bucket}/${path}`;
  const { registry, repository, reference } = target;
  const version = isDigest(reference) ? `@${reference}` : `:${reference}`;
  return `oci://${registry}/${repository}${version}${path === "" ? "" : `/${path}`}`;
}
