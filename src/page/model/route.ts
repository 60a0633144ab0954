/* The place within the page, kept behind the `#` so that a cluster's page can be linked. */

/** The cluster of `#/product/name`; undefined for the page of all clusters. */
export function chosenIn(hash: string): string | undefined {
  const found = /^#\/([A-Za-z0-9._-]{1,64})\/([A-Za-z0-9._-]{1,64})$/.exec(hash);
  return found ? `${found[1]}/${found[2]}` : undefined;
}

export function linkTo(key?: string): string {
  return key === undefined ? '#/' : `#/${key}`;
}
