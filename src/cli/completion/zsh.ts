import type { CommandSpec, OptionSpec, ProgramSpec, ValueSpec } from './spec.js';

/** Writes a script for zsh, to be sourced after `compinit` or put on the fpath as `_nacos-address-server`. */
export function zshScript({ name, commands, options }: ProgramSpec): string {
  const described = commands.map((command) => quoted(`${command.name}:${command.summary}`));
  const rest = commands.map((command) => `        ${command.name}) _arguments -S ${specsOf(command)} ;;`);
  return `#compdef ${name}
# Completion of ${name} for zsh: source <(${name} completion zsh)
_${name}() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands=(
    ${described.join('\n    ')}
  )
  _arguments -C ${options.map(optionSpec).join(' ')} '1: :->command' '*:: :->rest'
  case $state in
    command) _describe -t commands command commands ;;
    rest)
      case $line[1] in
${rest.join('\n')}
      esac
      ;;
  esac
}
if [ "$funcstack[1]" = _${name} ]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function specsOf({ options, args }: CommandSpec): string {
  // zsh does not insert an option that is the only match while an argument without known values is also
  // possible.
  const known = args.filter(({ choices, isFile }) => choices.length > 0 || isFile);
  const positional = known.map((value) => quoted(`:${message(value)}:${action(value)}`));
  return [...options.map(optionSpec), ...positional].join(' ');
}

function optionSpec({ long, description, value }: OptionSpec): string {
  const said = `[${description.replaceAll(/[[\]\\]/g, '\\$&')}]`;
  if (value === undefined) return quoted(`${long}${said}`);
  return quoted(`${long}=${said}:${message(value)}:${action(value)}`);
}

function message({ name }: ValueSpec): string {
  return name.replaceAll(/[:\\]/g, '\\$&');
}

function action({ choices, isFile }: ValueSpec): string {
  if (choices.length > 0) return `(${choices.join(' ')})`;
  return isFile ? '_files' : ' ';
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
