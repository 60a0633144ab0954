/**
 * Finds a text that is not a secret: the placeholder of this project's own examples, which is public, in any
 * spelling, or a variable that was not expanded. Returns the end of a sentence that starts with the setting's
 * name; undefined for any other text.
 */
export function placeholderIn(text: string): string | undefined {
  if (isUnexpanded(text)) return UNEXPANDED;
  if (!/change[-_. ]?me/i.test(text)) return undefined;
  return 'holds the placeholder of an example, change-me, which is public; replace it with a secret, such as one made with: openssl rand -hex 32';
}

/** The problem of an unexpanded secret, without repeating its text. */
export const UNEXPANDED =
  'holds a variable or a template in place of the secret, because nothing expanded it: a file for docker --env-file or EnvironmentFile expands nothing, a shell nothing in single quotes';

/**
 * Whether a secret, or the value in `name:value`, consists of one variable or template; real secrets may
 * contain such characters.
 */
export function isUnexpanded(text: string): boolean {
  return /(?:^|:)(?:\$\([\w.-]+\)|\$\{[\w.-]+\}|\{\{.*\}\}|<[\w .-]+>)$/.test(text);
}
