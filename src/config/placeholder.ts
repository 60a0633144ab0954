/**
 * What this project's own examples have in the place of a secret, in its spellings: everybody knows it. Nor is a variable in
 * whose place nobody put its value a secret. The end of a sentence that starts with the setting's name; undefined for any other
 * text.
 */
export function placeholderIn(text: string): string | undefined {
  if (isUnexpanded(text)) return UNEXPANDED;
  if (!/change[-_. ]?me/i.test(text)) return undefined;
  return 'holds the placeholder of an example, change-me, which is public; replace it with a secret, such as one made with: openssl rand -hex 32';
}

/** Of a secret, which is not repeated. */
export const UNEXPANDED =
  'holds a variable or a template in place of the secret, because nothing expanded it: a file for docker --env-file or EnvironmentFile expands nothing, a shell nothing in single quotes';

/** Whether a secret, or the value of a `name:value`, is a variable or a template as a whole; secrets may hold such characters. */
export function isUnexpanded(text: string): boolean {
  return /(?:^|:)(?:\$\([\w.-]+\)|\$\{[\w.-]+\}|\{\{.*\}\}|<[\w .-]+>)$/.test(text);
}
