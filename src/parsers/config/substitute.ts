/**
 * What MMEngine and MMCV put into the text of a configuration before they parse it: `{{$NAME:default}}`,
 * a variable of the environment, and `{{ fileBasename }}` and its kin, parts of the file's own path.
 * mmengine/config/config.py, `_substitute_env_variables`, `_substitute_predefined_vars`.
 *
 * @module
 */

/** Characters of a configuration that may hold such places. The largest real one has some 30,000. CWE-770. */
const CHARACTERS = 1 << 20;

const ENVIRONMENT = /\{\{["']?\s*\$(\w{1,256})\s*:\s*(\S{0,512}?)\s*["']?\}\}/gu;

/**
 * The text as it is parsed where no such variable of the environment is set.
 *
 * @param path of the file
 * @returns undefined where nothing is put in, or the text is too long for a configuration of these libraries
 */
export function substituted(text: string, path: string): string | undefined {
  if (!text.includes("{{") || text.length > CHARACTERS) return undefined;
  const base = path.slice(path.lastIndexOf("/") + 1);
  const dot = base.lastIndexOf(".");
  const variables = {
    fileDirname: path.slice(0, Math.max(0, path.length - base.length - 1)),
    fileBasename: base,
    fileBasenameNoExtension: dot > 0 ? base.slice(0, dot) : base,
    fileExtname: dot > 0 ? base.slice(dot) : "",
  };
  let made = text;
  for (const [name, value] of Object.entries(variables)) {
    made = made.replace(new RegExp(`\\{\\{\\s*${name}\\s*\\}\\}`, "gu"), () => value);
  }
  made = made.replace(ENVIRONMENT, (_all, _name: string, value: string) => value);
  return made === text ? undefined : made;
}
