/*
 * Finds variables that were not expanded: the most common mistake with addresses that a template, a shell or
 * Kubernetes fills in. None of these forms can be part of an address, an id or a name.
 */

const NAME = '[A-Za-z_][\\w.-]*';

/** The forms of such variables, each with the end of a sentence: what would have expanded it. */
const FORMS: readonly (readonly [form: RegExp, who: (name: string) => string])[] = [
  [/\$?\{\{.*?\}\}|\{\{.*$|<%.*?%>/s, () => 'the template that it is in was not rendered'],
  [
    new RegExp(`%\\((${NAME})\\)s|#\\{(${NAME})\\}|@(${NAME})@`),
    () => 'the template that it is in was not rendered',
  ],
  [
    new RegExp(`\\$\\((${NAME})\\)`),
    (name) => `Kubernetes alone does that, where ${name} stands above it in the same env`,
  ],
  [
    new RegExp(`\\$\\{(${NAME})[^}]*\\}|\\$(${NAME})`),
    (name) =>
      `a shell does that outside of single quotes, docker-compose and systemd's ExecStart do; Kubernetes wants $(${name}), and in a file for docker --env-file or EnvironmentFile nobody does it`,
  ],
  // No variable ends where another percent-encoded byte follows: %C3%28.
  [/%([A-Za-z_]\w{2,})%/, () => 'Windows alone does that'],
  [/%[A-Za-z](?![0-9A-Za-z])/, () => 'systemd alone does that, in a unit and not in an EnvironmentFile'],
  [/<[A-Za-z][\w .-]*>/, () => 'it is an example’s, for you to replace'],
];

/**
 * The end of a sentence that starts with where the text stands; undefined when the text holds no unexpanded
 * variable.
 */
export function unexpandedIn(text: string): string | undefined {
  if (!/[$%{<@#]/.test(text)) return undefined;
  for (const [form, who] of FORMS) {
    const [found, ...names]: readonly (string | undefined)[] = form.exec(text) ?? [];
    if (found === undefined) continue;
    const shown = found.length > 60 ? `${found.slice(0, 60)}…` : found;
    const name = names.find((one) => one !== undefined) ?? found;
    return `holds ${shown} itself, in whose place nobody put a value: ${who(name)}`;
  }
  return undefined;
}
