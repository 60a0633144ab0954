import type { Logger } from 'pino';
import { EXIT } from '../exit-status.js';
import { Agent, AGENT_TIMES } from './agent.js';
import { Child } from './child.js';
import { ConfFile } from './conf-file.js';
import { HEALTH_TIMES, NacosHealth } from './health.js';
import { LastList } from './last-list.js';
import { within, withinTime } from './limit.js';
import { RegistryClient } from './registry-client.js';
import type { AgentSettings } from './read-settings.js';
import { StatusServer } from './status-server.js';

/** Signals meant for the child alone, such as SIGQUIT, at which a JVM prints its threads. */
const PASSED_ON = ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const;

/**
 * Two signals within this time count as one: a terminal sends Ctrl-C to all processes, and npm sends its own
 * too.
 */
const REPEAT_WINDOW_MS = 500;

export interface AgentRun {
  readonly settings: AgentSettings;
  readonly servers: readonly URL[];
  readonly token: () => string | undefined;
  /** The command to start when the gate opens, with its arguments. */
  readonly command: readonly string[];
  readonly log: Logger;
}

/** Runs an agent until a signal stops it, or its command ends. Resolves with the exit status. */
export async function runAgent({ settings, servers, token, command, log }: AgentRun): Promise<number> {
  const { self, cluster, expect, id } = settings;
  const client = new RegistryClient({ servers, cluster, self, expect, id, token });
  const conf = new ConfFile(settings['cluster-conf'], cluster, log);
  const lastList = new LastList(settings['last-list'], cluster, self);
  const times = { ...HEALTH_TIMES, start: settings['start-timeout'] };
  const health: NacosHealth = new NacosHealth(settings.nacos ?? self, times, () => agent.healthChanged());
  const readyFile = settings['ready-file'];
  const holdBack = settings['hold-back'];
  const agent = new Agent({ client, conf, lastList, health, log, times: AGENT_TIMES, holdBack, readyFile });
  const status = settings.listen && new StatusServer(agent, client);
  const port = settings.listen && (await status?.listen(settings.listen.host, settings.listen.port));
  log.info(
    {
      self,
      cluster,
      servers: servers.map(({ href }) => href.slice(0, -1)),
      clusterConf: settings['cluster-conf'],
      listen: port,
    },
    'the agent starts',
  );
  try {
    const signals = new Signals();
    try {
      await agent.start();
      return command.length === 0
        ? await beside(agent, health, signals, log)
        : await around({ agent, client, health, settings, command, signals, log });
    } finally {
      signals.ignore();
      health.stop();
      await agent.stop();
    }
  } finally {
    await status?.close();
  }
}

/**
 * Runs beside a Nacos that another program starts and stops: the agent's own end implies nothing about Nacos.
 */
async function beside(agent: Agent, health: NacosHealth, signals: Signals, log: Logger): Promise<number> {
  // Nacos cannot start before the gate opens, and a closed gate is not a health problem.
  void agent.gate.then(() => health.start());
  const signal = await signals.toStop;
  log.info({ signal }, 'the agent stops; cluster.conf stays, and this node stays listed');
  return 0;
}

interface Around {
  readonly agent: Agent;
  readonly client: RegistryClient;
  readonly health: NacosHealth;
  readonly settings: AgentSettings;
  readonly command: readonly string[];
  readonly signals: Signals;
  readonly log: Logger;
}

/** Runs Nacos as a child: starts it when the gate opens, and leaves before stopping it. */
async function around(run: Around): Promise<number> {
  const { agent, health, settings, command, signals, log } = run;
  const limit = settings['gate-timeout'];
  const opened = await within(limit, Promise.race([agent.gate.then(() => 'open' as const), signals.toStop]));
  if (opened === undefined) {
    log.fatal(
      { reason: agent.reason },
      `this node was not listed within ${limit / 1_000} s, so its Nacos was not started: ${agent.reason}`,
    );
    // The gate may be open at the next start.
    return EXIT.later;
  }
  if (opened !== 'open') {
    // Nothing was started, so leave the gate. But do not remove a member that only restarts: if it led Raft
    // until a moment ago, removing it now would leave a phantom voter (injury 4).
    if (settings.leave && agent.isWaiting) await leave(run, 0, new AbortController().signal);
    return 0;
  }
  const [file = '', ...args] = command;
  const child = new Child(file, args);
  log.info({ command: file, pid: child.pid }, 'the gate is open; Nacos is started');
  health.start();
  signals.passOn((signal) => child.signal(signal));
  const first = await Promise.race([child.ended, signals.toStop]);
  if (typeof first !== 'string') {
    log.error(`Nacos’s process ${first.how}, without being told to`);
    health.ended(`its process ${first.how}`);
    await agent.sayGone(`its process ${first.how}`);
    return first.status;
  }
  log.info({ signal: first }, 'told to stop');
  if (settings.leave) {
    // Nacos may end by itself meanwhile, and a second signal means now.
    const enough = new AbortController();
    await Promise.race([leave(run, settings['leave-wait'], enough.signal), child.ended, signals.again]);
    enough.abort();
  }
  child.signal(first);
  void signals.again.then((signal) => child.signal(signal));
  const { status, how } = await child.ended;
  log.info(`Nacos’s process ${how}`);
  return status;
}

/** Leaves the cluster. Stops the heartbeats first, since one could register the node again. */
async function leave({ agent, client, log }: Around, wait: number, enough: AbortSignal): Promise<void> {
  const stopped = agent.stop();
  const { left, said } = await withinTime(wait + 15_000, enough, (signal) => client.leave(wait, signal));
  await stopped;
  if (enough.aborted) log.warn('the wait for the other members to take up the leave was cut short');
  else if (left) log.info(`left: ${said}`);
  else log.error(`the leave is not confirmed, and the node may stay listed until it is evicted: ${said}`);
}

/** The signals that this process receives. */
class Signals {
  readonly #listeners = new Map<NodeJS.Signals, (signal: NodeJS.Signals) => void>();
  #stoppedAt: number | undefined;
  #stop: (signal: NodeJS.Signals) => void = () => undefined;
  #stopAgain: (signal: NodeJS.Signals) => void = () => undefined;
  /** Resolves with the first signal that asks for an end. */
  readonly toStop: Promise<NodeJS.Signals>;
  /** Resolves with the second such signal. */
  readonly again: Promise<NodeJS.Signals>;

  constructor() {
    this.toStop = new Promise((resolve) => (this.#stop = resolve));
    this.again = new Promise((resolve) => (this.#stopAgain = resolve));
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      this.#listen(signal, () => {
        const now = performance.now();
        if (this.#stoppedAt === undefined) this.#stop(signal);
        else if (now - this.#stoppedAt > REPEAT_WINDOW_MS) this.#stopAgain(signal);
        this.#stoppedAt ??= now;
      });
    }
  }

  passOn(to: (signal: NodeJS.Signals) => void): void {
    for (const signal of PASSED_ON) this.#listen(signal, to);
  }

  ignore(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
    this.#listeners.clear();
  }

  #listen(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): void {
    this.#listeners.set(signal, listener);
    process.on(signal, listener);
  }
}
