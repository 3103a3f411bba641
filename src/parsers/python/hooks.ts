/**
 * Functions and methods that other programs call by their names once they imported a module: pip, distutils and
 * setuptools, hatchling, PDM, pytest, Jupyter.
 *
 * @module
 */

/** Functions and methods that pip calls of a backend: PEP 517 and PEP 660. */
const BACKEND =
  /^(?:\w+\.)?(?:get_requires_for_|prepare_metadata_for_)?build_(?:wheel|sdist|editable)$/u;
/** Functions of a script of PDM's backend: https://backend.pdm-project.org/hooks/ */
const PDM = /^pdm_build_(?:hook_enabled|clean|initialize|update_files|finalize)$/u;
/** Methods of hatchling's plugins: https://hatch.pypa.io/latest/plugins/about/ */
const HATCH =
  /^\w+\.(?:__init__|initialize|finalize|clean|update|dependencies|get_known_classifiers)$/u;
/** Functions that pytest calls: https://docs.pytest.org/en/stable/reference/reference.html#hooks */
const TESTS =
  /^pytest_(?:configure|sessionstart|addoption|load_initial_conftests|plugin_registered|collection\w*|collect_\w+|ignore_collect|generate_tests|unconfigure|sessionfinish)$/u;
/** Functions of an extension that Jupyter's server calls. */
const JUPYTER =
  /^_?(?:load_jupyter_server_extension|jupyter_server_extension_(?:points|paths)|load_jupyter_server)$/u;
/** Methods of a command of distutils that a build or an installation calls. */
const COMMAND = /^(?:__init__|initialize_options|finalize_options|run)$/u;
/** Commands that every build or installation runs. */
const COMMANDS =
  /^(?:build(?:_py|_ext|_clib|_scripts)?|egg_info|dist_info|install(?:_lib|_data|_scripts|_headers|_egg_info)?|develop|editable_wheel|sdist|bdist_wheel|bdist_egg)$/u;

/**
 * True for what building a project calls.
 *
 * @param path \`f\`, or \`Class.method\`
 * @param text the module's source
 */
export function isBuildHook(path: string, text: string): boolean {
  return BACKEND.test(path) || PDM.test(path) || (HATCH.test(path) && /\bhatchling\b/u.test(text));
}

/** True for a function that pytest calls of its plugins. */
export function isTestHook(path: string): boolean {
  return TESTS.test(path);
}

/** True for a function that Jupyter's server calls of its extensions. */
export function isServerHook(path: string): boolean {
  return JUPYTER.test(path);
}

/** True for a method that distutils calls of a command. */
export function isCommandMethod(name: string): boolean {
  return COMMAND.test(name);
}

/** True for a command that every build or installation runs. */
export function isBuildCommand(name: string): boolean {
  return COMMANDS.test(name);
}
