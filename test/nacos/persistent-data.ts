import type { NacosNode } from './node.js';
import { patiently } from './patience.js';

/** Writes a persistent instance of a service through Raft, as soon as there is a leader. */
export async function writeInstance(node: NacosNode, service: string): Promise<void> {
  const query = `serviceName=${service}&ip=10.9.8.7&port=80&ephemeral=false`;
  let last = '';
  const write = async (): Promise<boolean> => {
    const response = await node.ask(`${node.traits.paths.instance}?${query}`, { method: 'POST' });
    last = await response.text();
    return response.ok;
  };
  await patiently('the instance is written', write, 1_000).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}; ${node.port} says ${last}`);
  });
}

/** Whether a node's own copy has the instance. */
export async function readInstance(node: NacosNode, service: string): Promise<boolean> {
  const response = await node.ask(`${node.traits.paths.instances}?serviceName=${service}`);
  return response.ok && (await response.text()).includes('10.9.8.7');
}
