import type { Address } from '../../../src/registry/address.js';
import { majority, type Cluster, type ProbeAnswer } from '../../../src/registry/cluster.js';
import { decide, type Command, type Outcome } from '../../../src/registry/decide.js';
import type { RaftEvidence } from '../../../src/registry/evidence.js';
import { JOINING, LATE_POLL } from '../../../src/registry/rules.js';
import { isDeaf, type Blind } from './blind.js';
import { Invariants, Violation, type Said } from './invariants.js';
import { RaftModel, type Peer } from './model.js';
import { Random } from './random.js';
import { Schedule } from './schedule.js';
import { SharedDatabase } from './database.js';
import { SimulatedReplica, type ReplicaFaults } from './replica.js';
import {
  SimulatedServer,
  type AddressServer,
  type Answer,
  type Connection,
  type Decide,
  type ServerHost,
} from './server.js';

/** How all nodes of a history are configured. */
export interface Setup {
  /** `expect` in the URL; without it nodes join one after another. */
  readonly expect: number | undefined;
  /** Whether the URL carries an `id`, which outlives the address. */
  readonly ids: boolean;
  /** Tries at start-up, NACOS_CORE_ADDRESS_SERVER_RETRY; then the process ends, and is started again. */
  readonly retries: number;
  /** Seeds what a history leaves to chance: latencies, elections, delays. */
  readonly salt: number;
  /** Servers on one shared database; 0 for one server on its own (SQLite). */
  readonly replicas: number;
  /** Whether the servers can read the nodes, so that the rules know what Raft believes and the doctor finishes removals. */
  readonly reads?: boolean;
  /** Which server lacks what, and does not know it. */
  readonly blinds?: readonly Blind[];
  /** Whether agents speak for the nodes, in place of their polls. */
  readonly agents?: boolean;
  /** How much longer than usual a Nacos takes to start at most, in milliseconds. */
  readonly slow?: number;
  /** Whether an operator has put the first nodes, which poll without `self` until they are started anew (moving.md). */
  readonly moving?: boolean;
}

/** What is broken on purpose, to prove that the simulation notices (see mutations.ts). */
export interface Faults {
  readonly decide?: Decide;
  /** No grace, and after a restart of the server its absence counts as its members' silence. */
  readonly deafTimeCounts?: boolean;
  /** A complete, empty list in place of "not yet". */
  readonly emptyList?: boolean;
  /** The doctor removes whichever voter one server's list lacks, alive or not, and without the lock. */
  readonly finishesAnybody?: boolean;
  /** What is heard first after a pause is decided as if there had been none. */
  readonly unnoticedPauses?: boolean;
  readonly replica?: ReplicaFaults;
  /** Whatever a server cannot reach is taken for dead, whether it reaches anybody or not. */
  readonly ignoresControl?: boolean;
}

/** How a node is cut off from the server; the other nodes still reach it. */
export type Cut =
  /** Its polls are lost, its port answers: the false silence. */
  | 'polls'
  /** Its polls arrive, the answers and the probes are lost. A process that starts meanwhile cannot even connect. */
  | 'answers'
  /** Both are lost. */
  | 'dark';

/** A node's kept-alive connection, as the balancer made it. */
export interface Connected extends Connection {
  readonly server: AddressServer;
}

export interface Node {
  readonly address: Address;
  readonly id: string;
  /** *starting* polls for its first list; *stopping* has left and still polls. */
  state: 'off' | 'starting' | 'running' | 'stopping';
  /** Its process: what was planned for an earlier one is void. */
  generation: number;
  /** Never comes back: its disk and its address are given up. */
  gone: boolean;
  /** Its host went with it: nobody refuses a connection. */
  hostDown: boolean;
  list: readonly Address[];
  cut: Cut | undefined;
  cuts: number;
  /** When it got its list and went on to start. */
  begunAt: number;
  /** How much longer than usual it takes for that. */
  slow: number;
  diedAt: number;
  /** `darkSince` of that time. */
  darkAtDeath: number | undefined;
  /**
   * Since when it runs but neither its polls nor probes get through. It ends when it was heard, or could have been probed
   * for as long as a probe may take to come.
   */
  darkSince: number | undefined;
  /** Since when a probe would find its port open. */
  openSince: number | undefined;
  tries: number;
  connection: Connected | undefined;
  /** The newest revision that its process was sent. */
  revision: number;
  /** When its poll last reached a server that could tell the others of it. */
  reachedAt: number;
  reconnects: boolean;
  /** It polls without `self`. */
  mute: boolean;
  /** Its process answers nothing, and its agent says so. */
  hangs: boolean;
  /** Tells the server that the caller of the poll under way is gone. */
  hangUp: (() => void) | undefined;
}

const POLL_EVERY = 5_000;
const LEAVE_WAIT = 10_000;
/** An agent's heartbeat: how long it is held (AGENT_TIMES), how long it takes at most, and the pause after a failure. */
const BEAT_WAIT = 5_000;
const BEAT_TIMEOUT = 8_000;
const BEAT_PAUSE = 500;
/** How long a voter that is on no list must have been seen before the doctor removes it (doctor/removal.ts). */
const FINISH_AFTER = 10_000;
const READ_TIMEOUT = 2_500;
const CONNECT_TIMEOUT = 5_000;
/** From the list to Raft, which is sooner than any node was seen to be (rules.ts, JOINING), and to an open main port. */
const RAFT_STARTS_AFTER = JOINING;
const PORT_OPENS_AFTER = 8_000;
/** How long the doctor looks for what a command should do (repairer.ts). */
const VERIFY = 45_000;
/** After resetPeers. */
const LONGEST_ELECTION = 15_000;
/** A server has probed a silent member within this time: every 3 s, and 2 s until nothing answered. */
const PROBE_LAG = 6_000;
/** How late the server sees a dead process's connections end. */
const FIN_AFTER = 40;
/**
 * The longest pause of a server that it takes for none (hearing-clock.ts), the time between two of its looks at the clock, and
 * how long it reads after a pause what may have waited.
 */
const UNNOTICED = 1_500;
const LONGEST_TICK = 250;
const READING = 500;

/** Nodes, address servers, their balancer and database, and the network between them, in simulated time. */
export class World {
  readonly schedule = new Schedule();
  readonly nodes = new Map<Address, Node>();
  readonly servers: readonly AddressServer[];
  /** The same, when they share a database. */
  readonly replicas: readonly SimulatedReplica[];
  readonly database: SharedDatabase | undefined;
  /** What was decided last, and the clock of all leases. */
  readonly registry: { readonly cluster: Cluster; readonly hearing: number };
  readonly raft: RaftModel;
  readonly invariants: Invariants;
  readonly random: Random;
  readonly setup: Setup;
  /** The addresses in whose name strangers asked. No node was ever there. */
  readonly strangers = new Set<Address>();
  storeWorks = true;
  /** Of the shared database: which one is the last. */
  outages = 0;
  readonly #faults: Faults;
  readonly #trace: ((line: string) => void) | undefined;
  #named = 0;
  #isHealed = false;
  /** When the nodes were last read, and what was seen. */
  #look: { at: number; whole: RaftEvidence['whole']; hasGroup: boolean } | undefined;
  /** Since when the doctor sees a voter that is on no list. */
  readonly #unlisted = new Map<Address, number>();
  #repairs = 0;
  /** Each server's last pause, and when it began on the lease clock. */
  readonly #pauses = new Map<AddressServer, { at: number; hearing: number; endedAt: number }>();

  constructor(setup: Setup, faults: Faults = {}, trace?: (line: string) => void) {
    this.setup = setup;
    this.#faults = faults;
    this.#trace = trace;
    this.random = new Random(setup.salt);
    this.raft = new RaftModel(this.random, {
      bootstrapped: (lineage) => {
        this.note(() => `${lineage.leader} leads a new Raft group of ${[...lineage.voters].join(' ')}`);
        this.invariants.bootstrapped(lineage);
      },
      overtaken: (leader, voter) => this.invariants.overtaken(leader, voter),
      clash: (leader, voter) => {
        this.invariants.clash(leader, voter);
        voter.lineage = 0;
        voter.term = voter.index = 0;
        voter.leads = false;
      },
    });
    const host: ServerHost = {
      schedule: this.schedule,
      decide: faults.decide ?? decide,
      deafTimeCounts: faults.deafTimeCounts ?? false,
      unnoticedPauses: faults.unnoticedPauses ?? false,
      probe: (address) => this.#probe(address),
      reach: (address) => this.#reach(address),
      refused: (address) => this.invariants.refused(address),
      ignoresControl: faults.ignoresControl ?? false,
      storeWorks: () => this.storeWorks,
      seen: (now) => this.#seen(now),
      changed: (before, after, command, outcome) => this.#changed(before, after, command, outcome),
    };
    if (setup.replicas === 0) {
      const server = new SimulatedServer(host);
      this.servers = [server];
      this.replicas = [];
      this.registry = server;
    } else {
      const database = new SharedDatabase(this.schedule);
      const shared = { ...host, database, random: this.random, replicaFaults: faults.replica ?? {} };
      this.replicas = Array.from(
        { length: setup.replicas },
        (_, i) => new SimulatedReplica(String.fromCharCode(65 + i), shared),
      );
      this.servers = this.replicas;
      this.database = database;
      this.registry = database;
    }
    this.invariants = new Invariants(this);
    for (const server of this.servers) server.start();
    for (const blind of setup.blinds ?? []) this.#blind(blind);
    this.#second();
  }

  /** One server lacks something for a while. Later words replace earlier ones. */
  #blind({ who, from, lasts, lack }: Blind): void {
    const server = this.servers[who % this.servers.length];
    if (!server) return;
    this.schedule.after(from, () => {
      if (this.#isHealed) return;
      this.note(() => `— a server lacks something for ${lasts / 1_000} s: ${lack}`);
      server.lack = lack;
    });
    this.schedule.after(from + lasts, () => (server.lack = undefined));
  }

  get now(): number {
    return this.schedule.now;
  }

  note(line: () => string): void {
    this.#trace?.(`${(this.now / 1_000).toFixed(1).padStart(7)} s  ${line()}`);
  }

  /** The first nodes start; in a migration an operator has put them before, and they poll without `self`. */
  begin(starts: readonly number[]): void {
    if (!this.setup.moving) {
      for (const delay of starts) this.schedule.after(delay, () => void this.add());
      return;
    }
    const nodes = starts.map(() => {
      const name = `n${++this.#named}`;
      return this.#known(`${name}:8848`, name);
    });
    for (const node of nodes) node.mute = true;
    // He says it again until it is done, and only then does anything else happen: a node that is not put must not poll without
    // `self`, since it would start beside the list of others.
    for (this.put(); this.registry.cluster.members.size === 0; this.put())
      this.schedule.runUntil(this.now + 500);
    nodes.forEach((node, i) => this.schedule.after(starts[i] ?? 0, () => this.start(node)));
  }

  /** A new node at an address of its own. */
  add(id?: string): Node {
    const name = `n${++this.#named}`;
    return this.addAt(`${name}:8848`, id ?? name);
  }

  addAt(address: Address, id: string): Node {
    const node = this.#known(address, id);
    this.start(node);
    return node;
  }

  #known(address: Address, id: string): Node {
    const node: Node = {
      address,
      id,
      state: 'off',
      generation: 0,
      gone: false,
      hostDown: false,
      list: [],
      cut: undefined,
      cuts: 0,
      begunAt: 0,
      slow: 0,
      diedAt: -Infinity,
      darkAtDeath: undefined,
      darkSince: undefined,
      openSince: undefined,
      tries: 0,
      connection: undefined,
      revision: 0,
      reachedAt: -Infinity,
      reconnects: false,
      mute: false,
      hangs: false,
      hangUp: undefined,
    };
    this.nodes.set(address, node);
    return node;
  }

  start(node: Node): void {
    if (node.state !== 'off' || node.gone) return;
    node.state = 'starting';
    node.hostDown = false;
    node.tries = 0;
    node.revision = 0;
    node.generation++;
    node.hangs = false;
    this.#pollAfter(node, this.random.between(0, 20));
  }

  /** The process ends: by itself, by kill -9, with its host, or by SIGTERM. */
  stop(node: Node, how: 'process' | 'host' | 'term'): void {
    if (node.state === 'off') return;
    this.raft.stop(node.address, how === 'term', this.now);
    node.state = 'off';
    node.generation++;
    node.diedAt = this.now;
    node.darkAtDeath = node.darkSince;
    const wasMute = node.mute;
    // Whoever starts it again does so with `self`.
    node.mute = false;
    node.darkSince = node.openSince = undefined;
    this.invariants.died(node);
    node.hostDown = how === 'host';
    const { hangUp } = node;
    node.hangUp = undefined;
    const { connection } = node;
    node.connection = undefined;
    if (how === 'host' || node.cut !== undefined) return;
    // An agent's last word.
    if (how === 'process' && this.#hasAgent(node) && !wasMute) this.#reportUnhealthy(node);
    this.schedule.after(FIN_AFTER, () => {
      hangUp?.();
      if (connection && !wasMute) this.#closed(node, connection);
    });
  }

  /** A single request for the list of a cluster that there is, and another `again` milliseconds later unless that is 0. */
  stranger(again: number): void {
    if (this.registry.cluster.members.size === 0) return;
    const address = `s${this.strangers.size + 1}:8848`;
    this.note(() => `— a stranger asks in the name of ${address}`);
    this.#ask(address);
    if (again > 0) this.schedule.after(again, () => this.#ask(address));
  }

  #ask(address: Address): void {
    const server = this.#anyServer();
    if (this.#isHealed || server?.state !== 'up' || isDeaf(server.lack)) return;
    // Whoever asks where there is no list bootstraps one (R1), and again where all are gone, and nodes wait, with them (R7): left
    // out (README).
    const { members, quorumLost } = this.registry.cluster;
    if (members.size === 0 || (this.strangers.has(address) && quorumLost)) return;
    this.strangers.add(address);
    const { hearing } = this.registry;
    this.invariants.heard(address, false, this.#canTell(server), { earliest: hearing, latest: hearing });
    const connection = { server, openedAt: server.hearing };
    const { expect } = this.setup;
    const hangUp = server.poll({ address, id: undefined, expect, connection }, () => undefined);
    this.schedule.after(READ_TIMEOUT, () => {
      if (server.state !== 'up') return;
      hangUp();
      server.connectionClosed(address, true);
    });
  }

  /** Its process hangs for a while: its port takes connections, its Raft answers nobody, and its agent says so. */
  hang(node: Node, duration: number): void {
    const { generation } = node;
    node.hangs = true;
    this.raft.hang(node.address, this.now);
    this.schedule.after(duration, () => {
      if (node.generation !== generation) return;
      node.hangs = false;
      this.raft.goOn(node.address);
    });
  }

  /** An operator puts all nodes that there are, which makes them static members. */
  put(): void {
    const addresses = [...this.nodes.values()]
      .filter(({ gone, state }) => !gone && state !== 'stopping')
      .map(({ address }) => address);
    const { members } = this.registry.cluster;
    // Past the gate he puts nobody: that would be his own word against R3.
    const known = members.size === 0 ? addresses : addresses.filter((address) => members.has(address));
    if (known.length > 0) this.#anyServer()?.command({ type: 'put', addresses: known });
  }

  adopt(): void {
    this.#anyServer()?.command({ type: 'adopt' });
  }

  /** An operator takes a node off the list that does not run; `returns`: it may be started again all the same. */
  dismiss(node: Node, returns: boolean): void {
    const { address } = node;
    const outcome = this.#anyServer()?.command({ type: 'leave', address, operator: { force: false } });
    if (outcome?.reply.type === 'left' && !returns) this.giveUp(node);
  }

  /**
   * The doctor repairs Raft: it takes the lock, holds it for a while, and gives the group without a leader its settled
   * members for voters; or dies before that. As in plan.ts: only with a majority of them, when it has the newest data
   * among them, and when no other voter may live.
   */
  repair(lasts: number, dies: boolean): void {
    const by = `repair ${++this.#repairs}`;
    const server = this.#anyServer();
    const say = (action: 'begin' | 'step' | 'repaired' | 'repair-stopped'): boolean =>
      server?.command({ type: 'repair', action, holder: by, note: '' })?.reply.type === 'done';
    if (!say('begin')) return;
    const goOn = (left: number): void => {
      if (!say('step')) return;
      if (left > 0) return this.schedule.after(Math.min(left, 10_000), () => goOn(left - 10_000));
      if (dies) return;
      if (!this.#reset()) return void say('repaired');
      verify(VERIFY / 1_000);
    };
    // repairer.ts: a step is done when the group is seen to have a leader.
    const verify = (seconds: number): void => {
      if (!say('step')) return;
      if (this.raft.workingLeader()) return void say('repaired');
      if (seconds === 0) return void say('repair-stopped');
      this.schedule.after(1_000, () => verify(seconds - 1));
    };
    goOn(lasts);
  }

  /** False when there is nothing to do, or it must not be done. */
  #reset(): boolean {
    const { raft, registry } = this;
    const base = [...registry.cluster.members.values()].filter(({ settled }) => settled);
    const voters = base.map(({ address }) => address);
    const up = voters.filter((address) => raft.peers.get(address)?.up);
    const best = raft.best();
    const mayLive = [...(best?.voters ?? [])].some((voter) => {
      const node = this.nodes.get(voter);
      return !registry.cluster.members.has(voter) && node !== undefined && node.state !== 'off';
    });
    if (raft.workingLeader() || !best || !up.includes(best.address) || mayLive || this.#hasUnread())
      return false;
    if (up.length < majority(voters.length)) return false;
    this.note(() => `resetPeers: ${voters.join(' ')}`);
    raft.reset(voters, [...registry.cluster.members.keys()]);
    return true;
  }

  /** Whether a listed node hangs: it cannot be read, and may have the most data, or votes as it did when it goes on. */
  #hasUnread(): boolean {
    const { members } = this.registry.cluster;
    return [...this.nodes.values()].some(
      ({ address, hangs, state }) => hangs && state === 'running' && members.has(address),
    );
  }

  wipe(node: Node): void {
    this.raft.wipe(node.address);
    this.invariants.judgeMajority();
  }

  /** It never comes back. */
  giveUp(node: Node): void {
    node.gone = true;
    this.wipe(node);
  }

  cut(node: Node, cut: Cut, duration: number): void {
    node.cut = cut;
    const which = ++node.cuts;
    this.schedule.after(duration, () => {
      if (node.cuts === which) node.cut = undefined;
    });
  }

  /** The preStop hook `curl -X DELETE …&wait=10s`, then SIGTERM, and a while until the process is gone. */
  leave(node: Node, stopsAfter: number, reconnects: boolean): void {
    const { generation } = node;
    node.state = 'stopping';
    node.reconnects = reconnects;
    let isDone = false;
    const done = (): void => {
      if (isDone) return;
      isDone = true;
      this.schedule.after(stopsAfter, () => {
        if (node.generation !== generation) return;
        this.stop(node, 'term');
        this.giveUp(node);
      });
    };
    const server = this.#anyServer();
    if (node.cut !== undefined || server?.state !== 'up') return done();
    server.leave(node.address, LEAVE_WAIT, done);
    // The hook has an end of its own, whatever becomes of the server that it waits for (`curl --max-time`).
    if (this.database) this.schedule.after(LEAVE_WAIT + 1_000, done);
  }

  /** `quietly`: its host is lost, and nobody is told that its connections have ended. */
  stopServer(server: AddressServer, clean: boolean, downtime: number, quietly = false): void {
    if (server.state === 'down') return;
    server.stop(clean);
    for (const node of this.nodes.values()) {
      if (!quietly && node.connection?.server === server) node.connection = undefined;
    }
    this.schedule.after(downtime, () => this.startServer(server));
  }

  startServer(server: AddressServer): void {
    if (server.state !== 'down') return;
    for (const node of this.nodes.values()) {
      if (node.connection?.server === server) node.connection = undefined;
    }
    this.#pauses.delete(server);
    if (server.start()) this.invariants.restarted();
    else this.schedule.after(2_000, () => this.startServer(server));
  }

  pauseServer(server: AddressServer, duration: number): void {
    if (server.state !== 'up') return;
    server.pause();
    const pause = { at: this.now, hearing: this.registry.hearing, endedAt: Infinity };
    this.#pauses.set(server, pause);
    this.schedule.after(duration, () => this.#resume(server));
  }

  #resume(server: AddressServer): void {
    if (server.state !== 'paused') return;
    server.resume();
    const pause = this.#pauses.get(server);
    if (pause) pause.endedAt = this.now;
  }

  /** The balancer moves its connections elsewhere. */
  balance(): void {
    for (const node of this.nodes.values()) {
      const { connection } = node;
      node.connection = undefined;
      if (connection && node.cut === undefined) this.#closed(node, connection);
    }
  }

  /** The balancer's choice for a new connection: it does not know who is stopped or cut off. */
  #anyServer(): AddressServer | undefined {
    const there = this.servers.filter(({ state }) => state !== 'down');
    return there.length > 1 ? there[this.random.between(0, there.length - 1)] : there[0];
  }

  #pollAfter(node: Node, delay: number): void {
    const { generation } = node;
    this.schedule.after(delay, () => {
      if (node.generation === generation && node.state !== 'off') this.#poll(node);
    });
  }

  #poll(node: Node): void {
    const { generation } = node;
    let isOver = false;
    const finish = (answer: Answer): void => {
      if (isOver || node.generation !== generation) return;
      isOver = true;
      node.hangUp = undefined;
      this.#answered(node, answer);
    };
    const fail = (delay: number): void => {
      node.connection = undefined;
      this.schedule.after(delay, () => finish('failed'));
    };
    if (node.cut === 'polls' || node.cut === 'dark') {
      return fail(node.connection === undefined ? CONNECT_TIMEOUT : READ_TIMEOUT);
    }
    if (node.cut === 'answers' && node.state === 'starting') return fail(CONNECT_TIMEOUT);
    if (node.hangs) return this.#saysItHangs(node);
    if (node.connection?.server.state === 'down') return fail(READ_TIMEOUT);
    if (node.reconnects || node.connection === undefined) {
      const server = this.#anyServer();
      if (!server) return fail(5);
      node.connection = { server, openedAt: server.hearing };
    }
    const { connection } = node;
    const { server } = connection;
    if (isDeaf(server.lack)) return fail(READ_TIMEOUT);
    const request = {
      address: node.address,
      id: this.setup.ids ? node.id : undefined,
      expect: this.setup.expect,
      connection,
      beat: this.#hasAgent(node)
        ? { has: node.revision, wait: BEAT_WAIT, starting: !this.#isOpen(node) }
        : undefined,
      isMute: node.mute,
    };
    const sentAt = { now: this.now, hearing: this.registry.hearing };
    const arrive = (): void => {
      const told = this.#canTell(server);
      const said = this.#whenSaid(server, sentAt.hearing);
      if (!node.mute) this.invariants.heard(node.address, request.beat?.starting === true, told, said);
      if (!node.mute && told) {
        node.reachedAt = Math.max(node.reachedAt, sentAt.now);
        if (sentAt.now === this.now) node.darkSince = undefined;
      }
      const hangUp = server.poll(request, (answer) => {
        if (node.cut !== undefined) return;
        finish(answer === 'failed' && this.#faults.emptyList ? { list: [], revision: 0 } : answer);
      });
      if (isOver) return hangUp();
      if (node.generation === generation) node.hangUp = hangUp;
    };
    if (server.state === 'paused') server.queue(arrive);
    else arrive();
    if (isOver) return;
    this.schedule.after(request.beat ? BEAT_TIMEOUT : READ_TIMEOUT, () => {
      if (isOver || node.generation !== generation) return;
      node.connection = undefined;
      node.hangUp?.();
      this.#closed(node, connection);
      finish('failed');
    });
  }

  /**
   * What waited in a stopped server's socket says that its node lived when it was sent, and to the server only that it lived when
   * it was stopped, as does what it reads just after that (LeaseClock.saidAt). A short pause it cannot notice.
   */
  #whenSaid(server: AddressServer, sentAt: number): Said {
    const { hearing } = this.registry;
    const pause = this.#pauses.get(server);
    const { now } = this;
    if (!pause || now - pause.endedAt > READING) return { earliest: hearing, latest: hearing };
    const lasted = Math.min(now, pause.endedAt) - pause.at;
    if (lasted <= UNNOTICED - LONGEST_TICK) return { earliest: hearing, latest: hearing };
    const earliest = Math.min(sentAt, pause.hearing - LONGEST_TICK);
    return { earliest, latest: lasted > UNNOTICED ? sentAt : hearing };
  }

  /** Every few seconds, as long as it does; without an agent nobody says anything. */
  #saysItHangs(node: Node): void {
    if (this.#hasAgent(node) && node.cut === undefined) this.#reportUnhealthy(node);
    this.#pollAfter(node, POLL_EVERY);
  }

  #canTell(server: AddressServer): boolean {
    return this.replicas.every((replica) => replica !== server || this.database?.reach(replica.id) === 'ok');
  }

  #hasAgent({ mute }: Node): boolean {
    return this.setup.agents === true && !mute;
  }

  #reportUnhealthy({ address }: Node): void {
    const server = this.#anyServer();
    if (server?.state !== 'up' || !server.lists(address)) return;
    this.invariants.becameUnhealthy(address);
    server.reportUnhealthy(address);
  }

  /** Whose connection it is, a server knows by polls alone. */
  #closed(node: Node, { server }: Connected): void {
    const { address } = node;
    if (this.#hasAgent(node) || node.mute) return;
    if (server.state === 'paused') server.queue(() => server.connectionClosed(address, true));
    else server.connectionClosed(address, true);
  }

  #answered(node: Node, answer: Answer): void {
    if (answer === 'failed') {
      node.connection = undefined;
      if (this.#hasAgent(node)) {
        // An agent whose node has left says no more.
        if (node.state !== 'stopping') this.#pollAfter(node, BEAT_PAUSE);
        return;
      }
      if (node.state !== 'starting') return this.#pollAfter(node, POLL_EVERY);
      if (++node.tries < this.setup.retries) return this.#pollAfter(node, 1);
      this.stop(node, 'process');
      const { generation } = node;
      this.schedule.after(this.random.between(3_000, 10_000), () => {
        if (node.generation === generation) this.start(node);
      });
      return;
    }
    if (answer.list.length > 0 || !this.#faults.emptyList) this.invariants.served(node, answer);
    if (node.state === 'starting') this.#begin(node, answer.list);
    else if (answer.list.length > 0) {
      const gone = node.list.filter((address) => !answer.list.includes(address));
      node.list = answer.list;
      if (gone.length > 0) this.#removeFromRaft(node.address, gone);
    }
    // The server holds an agent's heartbeat for as long as there is no other list.
    this.#pollAfter(node, this.#hasAgent(node) ? 1 : POLL_EVERY);
  }

  #removeFromRaft(by: Address, gone: readonly Address[]): void {
    const failed = this.raft.vanished(by, gone);
    this.note(
      () =>
        `${by} has ${gone.join(' ')} removed${failed.length > 0 ? `, but nobody can remove ${failed.join(' ')}` : ''}`,
    );
    this.invariants.removalFailed(failed);
  }

  #begin(node: Node, list: readonly Address[]): void {
    node.state = 'running';
    node.begunAt = this.now;
    node.slow = this.#slowness();
    node.list = list;
    this.note(() => `${node.address} starts with ${list.join(' ') || 'nothing'}`);
    this.invariants.began(node);
    const { generation } = node;
    this.schedule.after(RAFT_STARTS_AFTER + node.slow, () => {
      if (node.generation === generation) this.raft.start(node.address, list, this.now);
    });
  }

  /** What a control probe meets; nothing that a server takes note of. */
  #reach(address: Address): ProbeAnswer {
    const node = this.nodes.get(address);
    if (this.#isRefusing(address)) return 'refused';
    const isLost = !node || node.gone || node.hostDown || node.cut === 'dark' || node.cut === 'answers';
    if (isLost) return 'unreachable';
    return this.#isOpen(node) ? 'open' : 'refused';
  }

  #probe(address: Address): ProbeAnswer {
    const node = this.nodes.get(address);
    if (this.#isRefusing(address)) return 'refused';
    if (!node || node.gone || node.hostDown || node.cut === 'dark' || node.cut === 'answers') {
      return 'unreachable';
    }
    if (this.#isOpen(node)) {
      // Of several servers, the one that decides may hear of it a little later.
      if (!this.database) node.darkSince = undefined;
      this.invariants.answered(address);
      return 'open';
    }
    return 'refused';
  }

  /** Every other stranger names a host where nobody listens. */
  #isRefusing(address: Address): boolean {
    return this.strangers.has(address) && Number(address.slice(1, -5)) % 2 === 0;
  }

  #isOpen(node: Node): boolean {
    return (
      (node.state === 'running' || node.state === 'stopping') &&
      this.now - node.begunAt >= PORT_OPENS_AFTER + node.slow
    );
  }

  /** How much longer than usual a Nacos takes to start; the rules allow for a little, and for any time of an agent's. */
  #slowness(): number {
    const { slow = 0, agents } = this.setup;
    return slow === 0 ? 0 : this.random.between(0, agents ? slow : Math.min(slow, 12_000));
  }

  #changed(before: Cluster, after: Cluster, command: Command, outcome: Outcome): void {
    for (const { type, address, revision, reason } of outcome.events) {
      this.note(() => `server: ${type} ${address ?? ''} (revision ${revision}: ${reason})`);
    }
    this.invariants.changed(before, after, command);
    if (after.epoch > before.epoch && before.epoch > 0) this.#rebootstrapped();
  }

  /** The disks of an older epoch must not come back (R7): its nodes return blank. */
  #rebootstrapped(): void {
    for (const node of this.nodes.values()) {
      const runs = node.state === 'running' || node.state === 'stopping';
      if (!runs && !this.registry.cluster.members.has(node.address)) this.raft.wipe(node.address);
    }
  }

  #second(): void {
    this.schedule.after(1_000, () => this.#second());
    this.raft.step(this.now);
    if (this.setup.reads) this.#finish();
    for (const node of this.nodes.values()) {
      if (node.state === 'running' || node.state === 'stopping') this.#judgeDarkness(node);
    }
    this.invariants.second();
  }

  /**
   * R11: the doctor removes a voter that has been on no list for some time, and of which the history says that it left or
   * was evicted; it must be dead, and not on the leader's own list. Whichever server looks goes by its own list, and needs
   * the lock.
   */
  #finish(): void {
    const leader = this.raft.workingLeader();
    const server = leader && this.#anyServer();
    if (!server || server.state !== 'up') return;
    for (const voter of leader.voters) {
      if (server.lists(voter)) {
        this.#unlisted.delete(voter);
        continue;
      }
      const since = this.#unlisted.get(voter) ?? this.now;
      this.#unlisted.set(voter, since);
      const node = this.nodes.get(voter);
      if (!this.#faults.finishesAnybody) {
        const isDead = node?.state === 'off' || node?.gone === true;
        const isKnown = this.nodes.get(leader.address)?.list.includes(voter) === true;
        if (this.now - since < FINISH_AFTER || !isDead || isKnown || !this.invariants.hasGone(voter))
          continue;
        const say = (action: 'begin' | 'repaired'): Outcome | undefined =>
          server.command({ type: 'repair', action, holder: 'finish', note: '' });
        if (say('begin')?.reply.type !== 'done') continue;
        say('repaired');
      }
      this.note(() => `the doctor has ${voter} removed`);
      this.invariants.removes(voter);
      this.raft.vanished(leader.address, [voter]);
    }
  }

  /** Whether neither its polls nor an open port can be seen by whoever decides. */
  #judgeDarkness(node: Node): void {
    const { now } = this;
    const isLit = this.#isOpen(node) && node.cut !== 'dark' && node.cut !== 'answers';
    node.openSince = isLit ? (node.openSince ?? now) : undefined;
    if (node.openSince !== undefined) {
      if (now - node.openSince >= PROBE_LAG) node.darkSince = undefined;
      return;
    }
    // Its polls may reach only servers that can tell nobody, or its next one be due only now.
    const isUnheard = node.cut === 'dark' || node.cut === 'polls' || now - node.reachedAt > LATE_POLL;
    if (isUnheard) node.darkSince ??= now;
  }

  /** Ends all disturbances, and lets time pass until everything is well; an operator does what is his (R6). */
  heal(limit = 600_000): void {
    this.note(() => 'all disturbances end');
    this.storeWorks = true;
    this.#isHealed = true;
    for (const server of this.servers) server.lack = undefined;
    if (this.database) this.database.isDown = false;
    for (const replica of this.replicas) {
      this.database?.mend(replica.id);
      replica.slowness = 0;
    }
    for (const server of this.servers) {
      this.#resume(server);
      this.startServer(server);
    }
    for (const node of this.nodes.values()) {
      node.cut = undefined;
      node.cuts++;
    }
    const start = this.now;
    for (let pass = 0; ; pass++) {
      if (pass % 6 === 0) this.#supervise();
      if (pass % 6 === 0 && pass >= 24 && this.invariants.needsOperator) this.#operate();
      this.schedule.runUntil(this.now + 5_000);
      const problem = this.invariants.unfinished();
      if (problem === undefined) return;
      if (this.now - start > limit) throw new Violation('not-whole-in-the-end', problem);
    }
  }

  /**
   * Crashed nodes are started again, those dropped while they lived restarted, `expect` is kept, and new nodes
   * follow where none is left of a list.
   */
  #supervise(): void {
    for (const node of this.nodes.values()) {
      if (node.gone) continue;
      if (this.invariants.droppedAlive.delete(node.address)) {
        this.stop(node, 'process');
        if (this.registry.cluster.epoch > 1) this.raft.wipe(node.address);
      }
      this.start(node);
    }
    const active = [...this.nodes.values()].filter((node) => !node.gone).length;
    const { members } = this.registry.cluster;
    this.#endMoving();
    if (active > 0 ? members.size > 0 : members.size === 0) return;
    for (let i = active; i < (this.setup.expect ?? 1); i++) this.add();
  }

  /**
   * The end of a migration (moving.md): the nodes are started anew one by one, from then on with `self`; then their
   * operator releases the static members, and takes those off the list that will never be heard.
   */
  #endMoving(): void {
    const mute = [...this.nodes.values()].find((node) => node.mute && !node.gone);
    if (mute) {
      this.stop(mute, 'process');
      return this.start(mute);
    }
    const fixed = [...this.registry.cluster.members.values()].filter(({ source }) => source === 'static');
    if (fixed.length === 0) return;
    this.adopt();
    for (const { address } of fixed) {
      const node = this.nodes.get(address);
      if (node?.gone !== false)
        this.#anyServer()?.command({ type: 'leave', address, operator: { force: false } });
    }
  }

  /** Whether a leader had the address as a voter when the nodes were last read. */
  isSeenToVote(address: Address): boolean {
    return this.#look?.whole?.voters.has(address) === true;
  }

  /** What servers that read the nodes know of Raft: a look every 3 s, which takes a moment. */
  #seen(now: number): RaftEvidence | undefined {
    if (!this.setup.reads) return undefined;
    if (this.#look === undefined || this.now - this.#look.at >= 3_000) {
      const leader = this.raft.workingLeader();
      const whole = leader && {
        groups: ['raft'],
        voters: new Map([...leader.voters].map((voter) => [voter, ['raft']] as const)),
        followers: new Set(
          [...this.raft.peers.values()]
            .filter((peer) => peer.up && peer.lineage === leader.lineage && peer.term === leader.term)
            .map(({ address }) => address),
        ),
      };
      this.#look = { at: this.now, whole, hasGroup: this.raft.best() !== undefined };
    }
    const { at, whole, hasGroup } = this.#look;
    const readAt = now - (this.now - at);
    return { readAt, leaderless: whole || !hasGroup ? [] : ['raft'], whole };
  }

  /**
   * `recover` on the server, resetPeers on Raft, and restarts from empty disks for those with other data. Where there is a
   * leader, `doctor --repair` has it remove the dead that are on no list: those that `recover` dropped are nobody else's to
   * remove (R11).
   */
  #operate(): void {
    const { registry, raft } = this;
    if (registry.cluster.quorumLost) this.#anyServer()?.command({ type: 'recover' });
    const best = raft.best();
    const listed = [...registry.cluster.members.keys()];
    const leader = raft.workingLeader();
    if (leader?.voters.size === listed.length && listed.every((address) => leader.voters.has(address))) {
      if (registry.cluster.awaitsRepair) this.#anyServer()?.command({ type: 'recover', repaired: true });
      return;
    }
    if (leader && this.#removesDead(leader)) return;
    for (const peer of [...raft.peers.values()]) {
      const node = this.nodes.get(peer.address);
      if (!best || !node || node.gone || peer.lineage === 0 || peer.lineage === best.lineage) continue;
      this.stop(node, 'process');
      raft.wipe(node.address);
      this.start(node);
    }
    if (listed.length === 0 || this.#hasUnread()) return;
    // The list holds still until the new leader is there.
    const by = `repair ${++this.#repairs}`;
    const server = this.#anyServer();
    const say = (action: 'begin' | 'repaired'): boolean =>
      server?.command({ type: 'repair', action, holder: by, note: '' })?.reply.type === 'done';
    if (!say('begin')) return;
    // As in plan.ts; without a majority of those the operator first takes off who is gone, and no stranger stays then.
    const settled = listed.filter((address) => registry.cluster.members.get(address)?.settled);
    const up = settled.filter((address) => raft.peers.get(address)?.up);
    const isEnough = settled.length > 0 && up.length >= majority(settled.length);
    raft.reset(isEnough ? settled : listed.filter((address) => this.nodes.has(address)), listed);
    this.schedule.after(LONGEST_ELECTION, () => say('repaired'));
  }

  /** Whether there were any. */
  #removesDead(leader: Peer): boolean {
    const dead = [...leader.voters].filter((voter) => {
      const node = this.nodes.get(voter);
      return !this.registry.cluster.members.has(voter) && (node === undefined || node.state === 'off');
    });
    if (dead.length === 0) return false;
    this.note(() => `doctor --repair removes ${dead.join(' ')}`);
    return this.raft.vanished(leader.address, dead).length < dead.length;
  }
}
