import type { Command } from 'commander';
import { parseDuration } from '../config/duration.js';
import { EXIT } from '../exit-status.js';
import type { LeaveAnswerView } from '../http/api/schemas.js';
import { readAddress } from '../registry/address.js';
import { ClientError } from './client-error.js';
import type { Answer, Client } from './client.js';
import { clusterPath } from './cluster-name.js';
import { clientCommand, clientOf, complain, run } from './command.js';
import { print } from './output.js';

/** The longest `--wait` that the server takes. */
const MAX_WAIT_MS = 60_000;

interface Options {
  readonly json?: true;
  readonly wait: string;
  readonly force?: true;
}

/** The command `leave`: takes a member off its list and waits until the others have taken that up. */
export function leaveCommand(): Command {
  return clientCommand('leave', 'take a member off its list')
    .argument('<address>', 'HOST:PORT as it is listed; 8848 without a port, IPv6 in brackets')
    .argument('[cluster]', 'its cluster, as product/cluster', 'nacos/serverlist')
    .option(
      '--wait <time>',
      'how long to wait until every other live member has the list without it and could tell Raft; 0s to 60s',
      '15s',
    )
    .option(
      '--force',
      'take it off even if the server refuses because of the harm: the address may stay a Raft voter for ever',
    )
    .action((address: string, cluster: string, options: Options, command: Command) =>
      run(async () => {
        const path = `${clusterPath(cluster)}/members/${encodeURIComponent(readMember(address))}`;
        const wait = readWait(options.wait);
        const client = clientOf(command);
        const query = `?wait=${options.wait}${options.force ? '&force=true' : ''}`;
        if (wait > 0 && process.stderr.isTTY)
          complain(`waiting for the other members, up to ${options.wait}`);
        const answer = await askToLeave(client, path + query, wait);
        if (answer.status === 202) process.exitCode = EXIT.later;
        await print(
          options.json ? JSON.stringify(answer.body, undefined, 2) : describe(answer, cluster, options.wait),
        );
      }),
    );
}

async function askToLeave(client: Client, path: string, wait: number): Promise<Answer<LeaveAnswerView>> {
  try {
    return await client.ask<LeaveAnswerView>('DELETE', path, wait);
  } catch (error) {
    if (!(error instanceof ClientError) || error.status !== 409) throw error;
    // The server's sentence names its own parameter.
    throw new ClientError(error.message.replace('force=true', '--force'), error.status);
  }
}

/** What happened, and what to do next. */
function describe({ status, body }: Answer<LeaveAnswerView>, cluster: string, wait: string): string {
  const { address, revision, pendingMembers, voterIn = [] } = body;
  const left = `${address} is off ${cluster}, which has revision ${revision} now.`;
  const stop = 'If its node still runs, stop it: it joins again when it goes on polling.';
  const isDone = pendingMembers.length === 0 && voterIn.length === 0;
  if (isDone) return `${left}\nEvery other live member has taken that up. ${stop}`;
  const lacking = [
    ...pendingMembers,
    ...(voterIn.length > 0 ? [`Raft, in which it is still a voter of ${voterIn.join(', ')}`] : []),
  ].join(', ');
  if (status === 202) {
    return `${left}\nAfter ${wait} these had not taken that up yet: ${lacking}\nLet its node run if it still does, and run this command again: it goes on waiting.`;
  }
  return `${left}\nThese have not taken that up yet: ${lacking}\nLet its node run for another 15 s if it still does. Then stop it: it joins again when it goes on polling.`;
}

function readMember(text: string): string {
  const address = readAddress(text);
  if (address.ok) return address.value;
  throw new ClientError(`the address ${JSON.stringify(text)} ${address.problem}`);
}

function readWait(text: string): number {
  const wait = parseDuration(text);
  if (wait !== undefined && wait <= MAX_WAIT_MS) return wait;
  throw new ClientError(
    `--wait=${JSON.stringify(text)} is not a duration up to ${MAX_WAIT_MS / 1_000}s, such as 15s`,
  );
}
