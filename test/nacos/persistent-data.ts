import assert from 'node:assert/strict';
import type { NacosNode } from './node.js';

/** Writes a persistent instance of a service through Raft. */
export async function writeInstance(node: NacosNode, service: string): Promise<void> {
  const query = `serviceName=${service}&ip=10.9.8.7&port=80&ephemeral=false`;
  const response = await fetch(`${node.url}/nacos/v1/ns/instance?${query}`, { method: 'POST' });
  assert.equal(response.status, 200, await response.text());
}

/** Whether a node's own copy has the instance. */
export async function readInstance(node: NacosNode, service: string): Promise<boolean> {
  const response = await fetch(`${node.url}/nacos/v1/ns/instance/list?serviceName=${service}`);
  return response.ok && (await response.text()).includes('10.9.8.7');
}
