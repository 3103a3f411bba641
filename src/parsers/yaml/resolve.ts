/**
 * What a scalar of YAML 1.1 means: the implicit resolvers of PyYAML, and its constructors for the tags
 * of the core types. https://yaml.org/type/
 *
 * @module
 */

const PREFIX = "tag:yaml.org,2002:";
const TRUE = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/u;
const FALSE = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/u;
const NULL = /^(?:~|null|Null|NULL|)$/u;
const INTEGER =
  /^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/u;
const FLOAT =
  /^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/u;

/**
 * The value of a scalar.
 *
 * @param plain true without quotes, so that implicit resolvers apply
 * @param tag in full, where one is written
 */
export function scalarValue(
  text: string,
  plain: boolean,
  tag: string | undefined,
): string | number | boolean | null {
  const type = tag?.startsWith(PREFIX) === true ? tag.slice(PREFIX.length) : undefined;
  if (type === "str" || (tag !== undefined && type === undefined && tag !== "!")) return text;
  if (type === "null" || type === "python/none") return null;
  if (type === "bool" || type === "python/bool") return !FALSE.test(text);
  if (type === "int" || type === "float" || type === "python/int" || type === "python/float") {
    return numberOf(text) ?? text;
  }
  if (type !== undefined || !plain) return text;
  if (NULL.test(text)) return null;
  if (TRUE.test(text)) return true;
  if (FALSE.test(text)) return false;
  return numberOf(text) ?? text;
}

function numberOf(text: string): number | undefined {
  if (!INTEGER.test(text) && !FLOAT.test(text)) return undefined;
  const bare = text.replaceAll("_", "").replace(/^[-+]/u, "");
  const sign = text.startsWith("-") ? -1 : 1;
  if (/^\.inf$/iu.test(bare)) return sign * Infinity;
  if (/^\.nan$/iu.test(bare)) return NaN;
  if (bare.includes(":")) {
    return sign * bare.split(":").reduce((sum, digits) => sum * 60 + Number(digits), 0);
  }
  if (/^0b/u.test(bare)) return sign * parseInt(bare.slice(2), 2);
  if (/^0x/u.test(bare)) return sign * parseInt(bare.slice(2), 16);
  if (/^0[0-7]+$/u.test(bare)) return sign * parseInt(bare, 8);
  return sign * Number(bare);
}
