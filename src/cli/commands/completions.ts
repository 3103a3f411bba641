/**
 * `modelaudit completions SHELL`: a script that completes commands, options and their values.
 *
 * @module
 */

import type { Io } from "../io.ts";
import { type CommandModel, type OptionModel, type Shell, withPaths } from "./command_model.ts";

/** Writes the script to standard output. */
export async function runCompletions(shell: Shell, program: CommandModel, io: Io): Promise<number> {
  await io.stdout.write(SCRIPTS[shell](program));
  return 0;
}

const SCRIPTS: Readonly<Record<Shell, (program: CommandModel) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** Lines of a `case` that sets what can follow, shared by bash and zsh: their syntax is the same. */
function tables(program: CommandModel): { commands: string; values: string; known: string } {
  const all = withPaths(program);
  const commands = all.map(({ path, command }) =>
    `    ${quote(path)}) words=${
      quote([...command.commands.map((it) => it.name), ...command.choices].join(" "))
    } options=${quote(command.options.flatMap((it) => it.names).join(" "))} ;;`
  );
  const values = all.flatMap(({ path, command }) =>
    command.options.filter((it) => it.takesValue).map((it) =>
      `    ${it.names.map((name) => quote(`${path}:${name}`)).join("|")}) values=${
        quote(it.choices.join(" "))
      } takes=1 ;;`
    )
  );
  const known = all.filter(({ path }) => path !== "").map(({ path }) => quote(path)).join("|");
  return { commands: commands.join("\n"), values: values.join("\n"), known };
}

function bashScript(program: CommandModel): string {
  const { commands, values, known } = tables(program);
  return `# Completions of ${program.name} for bash. To use them: source <(${program.name} completions bash)
_${program.name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  local at='' next words='' options='' values='' takes='' index
  # "--format=x" arrives as three words.
  if [[ $current == = ]]; then
    current=''
  elif [[ $before == = ]]; then
    before=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((index = 1; index < COMP_CWORD; index++)); do
    next="\${at:+$at }\${COMP_WORDS[index]}"
    case $next in
    ${known}) at=$next ;;
    esac
  done
  case $at:$before in
${values}
  esac
  COMPREPLY=()
  if [[ -n $takes ]]; then
    COMPREPLY=($(compgen -W "$values" -- "$current"))
    [[ \${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2> /dev/null
    return
  fi
  # The file of "--output format=file".
  [[ \${COMP_WORDS[COMP_CWORD-1]} == = || \${COMP_WORDS[COMP_CWORD]} == = ]] && return
  case $at in
${commands}
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}
complete -o default -F _${program.name} ${program.name}
`;
}

function zshScript(program: CommandModel): string {
  const { commands, values, known } = tables(program);
  return `#compdef ${program.name}
# Completions of ${program.name} for zsh. To use them, write this to a file _${program.name} in a folder of
# $fpath, or: source <(${program.name} completions zsh)
_${program.name}() {
  local current=\${words[CURRENT]} before=\${words[CURRENT-1]} at='' next taken='' options='' values='' takes='' index
  local -a typed=("\${(@)words}")
  # "--format=x" is one word.
  if [[ $current == --*=* ]]; then
    before=\${current%%=*}
    current=\${current#*=}
    compset -P '*='
  fi
  for ((index = 2; index < CURRENT; index++)); do
    next="\${at:+$at }\${typed[index]}"
    case $next in
    ${known}) at=$next ;;
    esac
  done
  case $at:$before in
${values}
  esac
  if [[ -n $takes ]]; then
    if [[ $current == *=* ]]; then
      compset -P '*=' && _files
    elif [[ $values == *= ]]; then
      compadd -S '' -- \${=values}
    elif [[ -n $values ]]; then
      compadd -- \${=values}
    else
      _files
    fi
    return
  fi
  case $at in
${commands.replaceAll(" words=", " taken=")}
  esac
  if [[ $current == -* ]]; then
    compadd -- \${=options}
  else
    [[ -n $taken ]] && compadd -- \${=taken}
    _files
  fi
}
if [[ $funcstack[1] == _${program.name} ]]; then
  _${program.name} "$@"
elif (( $+functions[compdef] )); then
  compdef _${program.name} ${program.name}
fi
`;
}

function fishScript(program: CommandModel): string {
  const all = withPaths(program);
  const known = all.filter(({ path }) => path !== "").map(({ path }) => fishQuote(path)).join(" ");
  const lines = all.flatMap(({ path, command }) => {
    const when = `complete -c ${program.name} -n ${
      fishQuote(`__${program.name}_at ${fishQuote(path)}`)
    }`;
    return [
      ...command.commands.map((it) => `${when} -a ${it.name} -d ${fishQuote(it.description)}`),
      ...(command.choices.length === 0
        ? []
        : [`${when} -f -a ${fishQuote(command.choices.join(" "))}`]),
      ...command.options.map((it) => `${when} ${fishOption(it)} -d ${fishQuote(it.description)}`),
    ];
  });
  return `# Completions of ${program.name} for fish. To use them: ${program.name} completions fish | source
function __${program.name}_at
    set -l at ''
    set -l words (commandline -opc)
    for word in $words[2..]
        set -l next (string trim -- "$at $word")
        if contains -- $next ${known}
            set at $next
        end
    end
    test "$at" = "$argv[1]"
end
${lines.join("\n")}
`;
}

function fishOption(option: OptionModel): string {
  const optionNames = option.names.map((name) =>
    name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`
  ).join(" ");
  if (!option.takesValue) return optionNames;
  return option.choices.length === 0
    ? `${optionNames} -r`
    : `${optionNames} -x -a ${fishQuote(option.choices.join(" "))}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fishQuote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
