import type { CommandSpec, ProgramSpec, ValueSpec } from './spec.js';

/** Writes a script for bash 3.2 or later; it needs nothing but bash. */
export function bashScript({ name, commands, options }: ProgramSpec): string {
  const named = commands.map((command) => command.name);
  const all: readonly CommandSpec[] = [{ name: '', summary: '', options, args: [] }, ...commands];
  return `# Completion of ${name} for bash: source <(${name} completion bash)
_nacos_address_server() {
  local IFS=$'\\n' cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= i words= files=
  # bash takes --option=value apart.
  if [ "$cur" = = ]; then
    cur=
  elif [ "$prev" = = ]; then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      --) prev=; cur=\${COMP_WORDS[COMP_CWORD]}; files=yes; break ;;
      ${named.join('|')}) [ -n "$command" ] || command=\${COMP_WORDS[i]} ;;
    esac
  done
  if [ -z "$files" ]; then
    case $command:$prev in
${all.flatMap(valuesIn).join('\n')}
      *)
        case $command:$cur in
${all.map(({ name: of, options: own }) => `          ${of}:-*) words=${listed(flagsOf(own))} ;;`).join('\n')}
          :*) words=${listed(named)} ;;
${commands.flatMap(argumentsOf).join('\n')}
        esac
        ;;
    esac
  fi
  COMPREPLY=()
  if [ -n "$files" ]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$cur"))
  elif [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}
complete -F _nacos_address_server ${name}
`;
}

/** The completions after those options of a command that take a value. */
function valuesIn({ name, options }: CommandSpec): string[] {
  const byAnswer = new Map<string, string[]>();
  for (const { long, value } of options) {
    if (value === undefined) continue;
    const answer = answerOf(value);
    byAnswer.set(answer, [...(byAnswer.get(answer) ?? []), `${name}:${long}`]);
  }
  return [...byAnswer].map(([answer, patterns]) => `      ${patterns.join(' | ')}) ${answer} ;;`);
}

function argumentsOf({ name, args }: CommandSpec): string[] {
  const known = args.find(({ choices, isFile }) => choices.length > 0 || isFile);
  return known === undefined ? [] : [`          ${name}:*) ${answerOf(known)} ;;`];
}

function answerOf({ choices, isFile }: ValueSpec): string {
  return isFile ? 'files=yes' : `words=${listed(choices)}`;
}

function flagsOf(options: CommandSpec['options']): string[] {
  return options.flatMap(({ long, short }) => [long, ...(short === undefined ? [] : [short])]);
}

/** One word a line, as `compgen -W` takes them with this IFS. */
function listed(words: readonly string[]): string {
  return words.length === 0 ? `''` : `$'${words.join('\\n')}'`;
}
