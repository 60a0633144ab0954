import { ClientError } from './client-error.js';

/** Reads `product/cluster` and returns the cluster's path in the API. Throws {@link ClientError}. */
export function clusterPath(cluster: string): string {
  return `/api/v1/clusters/${partsOf(cluster).map(encodeURIComponent).join('/')}`;
}

/** Reads `product/cluster` and returns the official API's parameters. Throws {@link ClientError}. */
export function clusterFields(cluster: string): { product: string; cluster: string } {
  const [product = '', name = ''] = partsOf(cluster);
  return { product, cluster: name };
}

/** The name of a cluster, `product/cluster`. */
export function nameOf({ product, cluster }: { readonly product: string; readonly cluster: string }): string {
  return `${product}/${cluster}`;
}

function partsOf(cluster: string): string[] {
  const parts = cluster.split('/');
  // `.` and `..` would lead to other paths.
  if (parts.length !== 2 || parts.some((part) => /^\.*$/.test(part))) {
    throw new ClientError(
      `the cluster ${JSON.stringify(cluster)} is not of the form product/cluster, such as nacos/serverlist`,
    );
  }
  return parts;
}
