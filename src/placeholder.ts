/**
 * What this project's own examples have in the place of a secret, in its spellings: everybody knows it. The end of a sentence
 * that starts with the setting's name; undefined for any other text.
 */
export function placeholderIn(text: string): string | undefined {
  if (!/change[-_. ]?me/i.test(text)) return undefined;
  return 'holds the placeholder of an example, change-me, which everybody knows; put a secret in its place, such as one of: openssl rand -hex 32';
}
