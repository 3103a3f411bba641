/**
 * How object stores and registries are reached, and as whom. Nothing here reads an environment.
 *
 * @module
 */

/** Something that is valid for a time, fetched anew when that ends. */
export interface Lasting<T> {
  /** What is valid. */
  readonly value: T;
  /** Milliseconds since 1970; undefined where it does not end. */
  readonly expires?: number | undefined;
}

/** Keys of AWS or of a store that is compatible with S3. */
export interface S3Keys {
  /** `AWS_ACCESS_KEY_ID` */
  readonly accessKeyId: string;
  /** `AWS_SECRET_ACCESS_KEY` */
  readonly secretAccessKey: string;
  /** Of temporary keys. */
  readonly sessionToken?: string | undefined;
}

/** S3 and what is compatible with it. */
export interface S3Settings {
  /** Of a store that is not AWS; buckets are then the first part of the path. */
  readonly endpoint?: string | URL | undefined;
  /** "us-east-1" unless given; that of a bucket of AWS is found out. */
  readonly region?: string | undefined;
  /** Requests are not signed without. A function is called when the keys before have expired. */
  readonly keys?: S3Keys | (() => Promise<Lasting<S3Keys>>) | undefined;
}

/** A key of a service account of Google, as its JSON file has it. */
export interface ServiceAccount {
  /** Its name, `client_email`. */
  readonly clientEmail: string;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** `private_key_id` */
  readonly keyId?: string | undefined;
}

/** Google Cloud Storage. */
export interface GcsSettings {
  /** `https://storage.googleapis.com` unless given. */
  readonly endpoint?: string | URL | undefined;
  /** Requests are anonymous without a token and an account. A function is called when the token before has expired. */
  readonly token?: string | (() => Promise<Lasting<string>>) | undefined;
  /** Signs its own tokens. */
  readonly account?: ServiceAccount | undefined;
}

/** Azure Blob Storage. Of key, token and shared access signature the first that there is counts. */
export interface AzureSettings {
  /** Name of the storage account; an endpoint says where it is otherwise. */
  readonly account?: string | undefined;
  /** `https://ACCOUNT.blob.core.windows.net` unless given. */
  readonly endpoint?: string | URL | undefined;
  /** Base64. */
  readonly key?: string | undefined;
  /** Of Microsoft Entra. A function is called when the token before has expired. */
  readonly token?: string | (() => Promise<Lasting<string>>) | undefined;
  /** A shared access signature, as a query. */
  readonly sas?: string | undefined;
}

/** A login at a registry. */
export interface Login {
  /** The name. */
  readonly username: string;
  /** The password, or an access token. */
  readonly password: string;
}

/** OCI registries. */
export interface OciSettings {
  /** The login for a host, with its port where one is written; undefined for none. */
  readonly loginFor?: ((registry: string) => Login | undefined) | undefined;
}

/** Object stores and registries; requests are anonymous where nothing is given. */
export interface StoreSettings {
  /** For `s3:`. */
  readonly s3?: S3Settings | undefined;
  /** For `gs:`. */
  readonly gcs?: GcsSettings | undefined;
  /** For `az:`. */
  readonly azure?: AzureSettings | undefined;
  /** For `oci:`. */
  readonly oci?: OciSettings | undefined;
}

/** Milliseconds before its end from which something that expires is not used any more, and part of its time. */
const MARGIN_MILLISECONDS = 60_000;
const MARGIN_PART = 1 / 4;

/**
 * Keeps what a function gives until shortly before it expires. A failure is not kept.
 *
 * @param get called once at a time
 */
export function kept<T>(get: () => Promise<Lasting<T>>): () => Promise<Lasting<T>> {
  let last: Promise<Lasting<T>> | undefined;
  let expires = Infinity;
  return async () => {
    if (last === undefined || Date.now() > expires) {
      const next = get();
      last = next;
      expires = Infinity;
      const from = Date.now();
      next.then((it) => {
        const end = it.expires ?? Infinity;
        expires = end - Math.min(MARGIN_MILLISECONDS, (end - from) * MARGIN_PART);
      }, () => last = undefined);
    }
    return await last;
  };
}

/** The same without its end. */
export function lasting<T>(get: () => Promise<Lasting<T>>): () => Promise<T> {
  const all = kept(get);
  return async () => (await all()).value;
}
