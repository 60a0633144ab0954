import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Address } from '../registry/address.js';
import { given, isKnown, keyOf } from '../registry/cluster.js';
import { isUnreachable } from '../registry/lease.js';
import type { Probe } from '../registry/ports.js';
import { isRepairing } from '../registry/repairing.js';
import type { ClusterEntry } from '../runtime/entry.js';
import type { RegistryService } from '../runtime/service.js';
import { viewOf } from '../runtime/views.js';
import {
  agedFindings,
  ageOf,
  evidenceIn,
  examined,
  healthOf,
  withoutReasons,
  type Examination,
} from './examination.js';
import { keyOfFinding } from './findings.js';
import { stepsToFinish } from './finish.js';
import { isLiveState, type ListedView } from './groups.js';
import type { ClusterHealth, HealthFinding } from './health.js';
import type { NacosIdentities } from './identity.js';
import { readNode, type NacosOptions } from './nacos-api.js';
import { isRead } from './node-view.js';
import { paceOf } from './pace.js';
import { deadPhantoms } from './phantoms.js';
import { planRepair, type RepairPlan } from './plan.js';
import { ALL_GROUPS, proveLeader, type LeaderProof } from './proof.js';
import { beginRepair, runRepair, Surprise, type RepairTools } from './repairer.js';

/** How often it is looked whose turn it is, in milliseconds. */
const TURN = 500;

/** Nodes that are asked at once. */
const MAX_READS = 50;

/** After how long a finishing that failed is tried again, in milliseconds. */
const FINISH_AGAIN = 60_000;

/** After how long without a leader one is asked for a proof, and how long that is good, in milliseconds. */
const PROVE_AFTER = 10_000;
const PROVE_AGAIN = 15_000;

/** Why nothing is read, for those who ask. */
const OFF = 'this server does not read the nodes (EXAMINE=off)';

export interface ExaminerOptions {
  readonly service: RegistryService;
  readonly probe: Probe;
  readonly log: Logger;
  readonly nacos: NacosOptions;
  /** What the nodes of a cluster are sent with it, each cluster its own; nothing by default. */
  readonly identities?: NacosIdentities;
  /** How far a node's Raft port lies below its main port. */
  readonly raftOffset: number;
  /** Whether nodes are read at all. */
  readonly isOn: boolean;
  /** A steady clock, in milliseconds: performance.now(), unless a test lets its own time pass. */
  readonly clock?: () => number;
}

/** What is known of one cluster. */
interface Patient {
  last: Examination | undefined;
  running: Promise<Examination> | undefined;
  /** Looks in a row in which no node could be read. */
  blind: number;
  askedAt: number;
  /** The names of all groups that were ever seen. */
  readonly groups: Set<string>;
  /** Lasting findings that were logged. */
  told: Set<string>;
  finishAgainAt: number;
  /**
   * Since when no leader has been found, on the hearing clock, in which this process's own pauses do not count: two elections
   * with one between them are no lasting lack. Undefined while there is one.
   */
  leaderlessSince: number | undefined;
}

/**
 * Reads what the Nacos nodes of every cluster believe, again and again, and tells the registry's rules (entry.examined);
 * finishes in Raft what was taken off a list; and repairs at an operator's word. Runs in each server: whoever repairs has
 * the cluster's lock (registry/repair.ts).
 */
export class Examiner {
  readonly #options: ExaminerOptions;
  readonly #clock: () => number;
  readonly #patients = new Map<ClusterEntry, Patient>();
  readonly #stopped = new AbortController();
  readonly #tasks = new Set<Promise<unknown>>();
  #reads = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ExaminerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
  }

  start(): void {
    if (this.#options.isOn) this.#timer = setInterval(() => this.#turn(), TURN);
  }

  /** Ends what is under way, and resolves when nothing of it will be heard any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped.abort(new Error('the server stops'));
    const looks = [...this.#patients.values()].flatMap(({ running }) => (running ? [running] : []));
    await Promise.allSettled([...looks, ...this.#tasks]);
  }

  /** What goes on in the background, for the stop. */
  #goOn(task: Promise<unknown>): void {
    this.#tasks.add(task);
    void task.finally(() => this.#tasks.delete(task)).catch(() => undefined);
  }

  /** Whether nodes are read at all. */
  get isOn(): boolean {
    return this.#options.isOn;
  }

  /** As of the last look; `isTold`: with how members fail to answer. */
  health(entry: ClusterEntry, isTold = true): ClusterHealth {
    const { service, raftOffset, isOn } = this.#options;
    const { cluster } = entry;
    const { repair } = cluster;
    const under =
      repair && isRepairing(cluster, service.now)
        ? { by: repair.by, leftMs: repair.until - service.now }
        : undefined;
    const last = this.#patients.get(entry)?.last;
    if (last) return healthOf(isTold ? last : withoutReasons(last), raftOffset, this.#clock(), under);
    const unknown = [isOn ? 'the nodes have not been read yet' : OFF];
    return {
      product: cluster.product,
      cluster: cluster.name,
      revision: cluster.revision,
      state: 'unknown',
      summary: unknown[0] ?? '',
      findings: [],
      unknown,
      nodes: [],
      groups: [],
      ...(under ? { repair: under } : {}),
    };
  }

  /** Asks all nodes of a cluster now; those who ask meanwhile share the answer. */
  examine(entry: ClusterEntry): Promise<Examination> {
    const patient = this.#patientOf(entry);
    return this.#begin(entry, patient, false);
  }

  #begin(entry: ClusterEntry, patient: Patient, isToRepair: boolean): Promise<Examination> {
    patient.running ??= this.#look(entry, patient, isToRepair).finally(() => (patient.running = undefined));
    return patient.running;
  }

  /** Looks, and says what would repair the cluster. */
  async plan(entry: ClusterEntry, survivor?: Address): Promise<RepairPlan> {
    const { isOn } = this.#options;
    if (!isOn) return { id: 'off', steps: [], loss: [], manual: [], refused: OFF };
    return this.#planFrom(entry, await this.#lookAnew(entry), survivor);
  }

  /**
   * Begins the repair of the plan with this id, if that is still what would repair the cluster, and goes on with it in the
   * background: its steps are events. Rejects with StoreUnavailable.
   */
  async repair(
    entry: ClusterEntry,
    planId: string,
    survivor?: Address,
  ): Promise<{ readonly refused: string } | { readonly by: string; readonly plan: RepairPlan }> {
    const examination = await this.#lookAnew(entry);
    const plan = await this.#planFrom(entry, examination, survivor);
    if (plan.refused !== undefined) return { refused: plan.refused };
    if (plan.id !== planId) {
      return {
        refused: `what would repair ${keyOf(entry.cluster)} is not what it was when you looked (plan ${planId}, now ${plan.id}): look again`,
      };
    }
    if (plan.steps.length === 0) return { refused: 'there is nothing that a command repairs' };
    const by = nameOfRepair("an operator's");
    const groups = new Set(plan.steps.map(({ group }) => group)).size;
    const what = plan.steps.map(({ command }) => command);
    const why = `${by}: ${[...new Set(what)].join(', ')} in ${groups} Raft group(s), ${plan.steps.length} step(s)`;
    const repair = { entry, steps: plan.steps, by, why, revision: examination.view.revision };
    const refused = await beginRepair(this.#toolsFor(entry), repair);
    if (refused !== undefined) return { refused };
    this.#goOn(runRepair(this.#toolsFor(entry), repair));
    return { by, plan };
  }

  #toolsFor(entry: ClusterEntry): RepairTools {
    const { service, log } = this.#options;
    return { service, nacos: this.#nacosOf(entry), log, look: (other) => this.#lookAnew(other) };
  }

  #nacosOf({ cluster }: ClusterEntry): NacosOptions {
    const { nacos, identities } = this.#options;
    const identity = identities?.get(keyOf(cluster));
    return { ...nacos, ...given('identity', identity), signal: this.#stopped.signal };
  }

  /** One that was under way when it was asked for may have missed what was just done, and proves less. */
  async #lookAnew(entry: ClusterEntry): Promise<Examination> {
    const patient = this.#patientOf(entry);
    await patient.running;
    return this.#begin(entry, patient, true);
  }

  async #planFrom(entry: ClusterEntry, examination: Examination, survivor?: Address): Promise<RepairPlan> {
    const { service, probe, raftOffset } = this.#options;
    const { view, readings, diagnosis, proofs } = examination;
    const { leaderlessSince } = this.#patientOf(entry);
    return planRepair({
      members: view.members,
      readings,
      groups: diagnosis.groups,
      raftOffset,
      hasMajority: view.state !== 'quorum-lost',
      dead: await deadPhantoms(diagnosis.groups, readings, probe, raftOffset),
      proofs,
      leaderlessMs: leaderlessSince === undefined ? 0 : service.now - leaderlessSince,
      survivor,
    });
  }

  #patientOf(entry: ClusterEntry): Patient {
    let patient = this.#patients.get(entry);
    if (!patient) {
      patient = {
        last: undefined,
        running: undefined,
        blind: 0,
        askedAt: -Infinity,
        groups: new Set(),
        told: new Set(),
        finishAgainAt: 0,
        leaderlessSince: undefined,
      };
      this.#patients.set(entry, patient);
    }
    return patient;
  }

  #turn(): void {
    const { service, log } = this.#options;
    const now = this.#clock();
    const known = new Set(service.entries);
    for (const entry of this.#patients.keys()) if (!known.has(entry)) this.#patients.delete(entry);
    // Who was asked longest ago comes first, so that nobody is passed over for ever.
    const due = [...known]
      .filter(({ cluster }) => isKnown(cluster) && cluster.members.size > 0)
      .map((entry) => ({ entry, patient: this.#patientOf(entry) }))
      .filter(({ entry, patient }) => this.#isDue(entry, patient, now))
      .sort((a, b) => a.patient.askedAt - b.patient.askedAt);
    for (const { entry } of due) {
      if (this.#reads > 0 && this.#reads + entry.cluster.members.size > MAX_READS) break;
      this.examine(entry).catch((error: unknown) => {
        if (this.#stopped.signal.aborted) return;
        log.error({ err: error, cluster: keyOf(entry.cluster) }, 'the nodes could not be examined');
      });
    }
  }

  #isDue(entry: ClusterEntry, { last, blind, running, askedAt }: Patient, now: number): boolean {
    if (running) return false;
    const isDoubtful = last !== undefined && isUnsure(last);
    return now - askedAt >= paceOf(entry.cluster, this.#options.service.now, blind, isDoubtful);
  }

  /** `isToRepair`: whatever has no leader is proven now. */
  async #look(entry: ClusterEntry, patient: Patient, isToRepair: boolean): Promise<Examination> {
    const { service, raftOffset } = this.#options;
    const nacos = this.#nacosOf(entry);
    this.#assertRuns();
    const readAt = service.now;
    patient.askedAt = this.#clock();
    const view = listedView(entry, service);
    this.#reads += view.members.length;
    const readings = await inTurns(view.members, ({ address }) => readNode(address, nacos)).finally(
      () => (this.#reads -= view.members.length),
    );
    // What was broken off says nothing of the nodes.
    this.#assertRuns();
    const at = this.#clock();
    const seen = examined(view, readings, raftOffset, at, patient.last);
    const proofs = await this.#prove(seen, patient.last, isToRepair, nacos);
    const last = proofs.size === 0 ? seen : examined(view, readings, raftOffset, at, patient.last, proofs);
    patient.last = last;
    const isLeaderless = last.diagnosis.findings.some(({ code }) => code === 'no-leader');
    patient.leaderlessSince = isLeaderless ? (patient.leaderlessSince ?? readAt) : undefined;
    patient.blind = readings.some(isRead) ? 0 : patient.blind + 1;
    const findings = agedFindings(last);
    const injuries = findings.filter(({ lasting, severity }) => lasting && severity === 'harm').length;
    // A group that was seen before and is not now has lost its leader with a restart: not all can be judged.
    const names = last.diagnosis.groups.map(({ name }) => name);
    const isWhole = [...patient.groups].every((name) => names.includes(name));
    for (const name of names) patient.groups.add(name);
    const evidence = evidenceIn(last, raftOffset, readAt);
    entry.examined(isWhole || !evidence ? evidence : { ...evidence, whole: undefined }, injuries);
    this.#tell(entry, patient, findings);
    this.#goOn(this.#finish(entry, patient, last));
    return last;
  }

  #assertRuns(): void {
    if (this.#stopped.signal.aborted) throw new Surprise('the server stops');
  }

  /** A proof for each group that nobody has been seen to lead for a while; one that was given lately is kept. */
  async #prove(
    seen: Examination,
    before: Examination | undefined,
    isToRepair: boolean,
    nacos: NacosOptions,
  ): Promise<Map<string, LeaderProof>> {
    const { findings, groups } = seen.diagnosis;
    const finding = findings.find(({ code }) => code === 'no-leader');
    const proofs = new Map<string, LeaderProof>();
    if (!finding) return proofs;
    const unled = groups.filter(({ lead }) => lead === 'unled').map(({ name }) => name);
    const due = groups.length === 0 ? [ALL_GROUPS] : unled;
    // All at once: a node that hangs takes its whole time for each.
    await inTurns(due, async (name) => {
      const known = before?.proofs.get(name);
      if (!isToRepair && known === undefined && ageOf(seen, finding) < PROVE_AFTER) return;
      const isFresh = !isToRepair && known !== undefined && seen.at - known.at < PROVE_AGAIN;
      const proof = isFresh ? known : await proveLeader(name, seen.readings, nacos, seen.at);
      if (proof) proofs.set(name, proof);
    });
    return proofs;
  }

  /** What lasts is logged once, and its end. */
  #tell(entry: ClusterEntry, patient: Patient, findings: readonly HealthFinding[]): void {
    const { log } = this.#options;
    const cluster = keyOf(entry.cluster);
    const lasting = findings.filter((one) => one.lasting);
    for (const finding of lasting) {
      if (patient.told.has(keyOfFinding(finding))) continue;
      const { code, node, groups, sentence, advice } = finding;
      // Of nodes that never could be read there is nothing to say at night.
      log[code === 'unreadable' ? 'info' : 'warn'](
        { cluster, finding: code, node, groups, advice },
        sentence,
      );
    }
    const keys = new Set(lasting.map(keyOfFinding));
    for (const key of patient.told) if (!keys.has(key)) log.info({ cluster, finding: key }, 'is over');
    patient.told = keys;
  }

  /** Takes whoever was evicted or has left off Raft too, where that was lost. */
  async #finish(entry: ClusterEntry, patient: Patient, last: Examination): Promise<void> {
    const { service, probe, log, raftOffset } = this.#options;
    if (this.#stopped.signal.aborted) return;
    if (last.at < patient.finishAgainAt || service.health().outage || isRepairing(entry.cluster, service.now))
      return;
    try {
      const { steps, who } = await stepsToFinish(
        entry.cluster,
        last,
        raftOffset,
        (query) => service.events(query),
        (address) =>
          [...service.entries].some(
            ({ cluster }) => cluster.members.has(address) || cluster.waiting.has(address),
          ),
        () => deadPhantoms(last.diagnosis.groups, last.readings, probe, raftOffset),
      );
      if (steps.length === 0) return;
      patient.finishAgainAt = last.at + FINISH_AGAIN;
      const by = nameOfRepair("the registry's own");
      const why = `${who.join(', ')} left the list, and Raft kept it as a voter: removing it`;
      const repair = { entry, steps, by, why, revision: last.view.revision };
      // Another server may be at it.
      if ((await beginRepair(this.#toolsFor(entry), repair)) !== undefined) return;
      await runRepair(this.#toolsFor(entry), repair);
    } catch (error) {
      log.warn(
        { reason: (error as Error).message, cluster: keyOf(entry.cluster) },
        'a voter could not be removed',
      );
    }
  }
}

/** The list, and who of it may live though it is not heard. */
function listedView(entry: ClusterEntry, service: RegistryService): ListedView {
  const view = viewOf(entry, service);
  const { members } = entry.cluster;
  return {
    ...view,
    members: view.members.map((one) => {
      const member = members.get(one.address);
      const isKnownDead =
        one.state === 'down' || (member && isUnreachable(member, service.rules, service.now));
      return isLiveState(one) || isKnownDead ? one : { ...one, mayLive: true };
    }),
  };
}

/** Another one for each repair. */
function nameOfRepair(whose: string): string {
  return `${whose} repair ${randomBytes(3).toString('hex')} at ${hostname()}`;
}

/** Whether there is something that may pass, so that the next look should come soon. */
function isUnsure(last: Examination): boolean {
  return (
    agedFindings(last).some(({ code, lasting }) => code !== 'unreadable' && !lasting) ||
    last.view.members.some((one) => !one.settled && isLiveState(one))
  );
}

/** All of them, {@link MAX_READS} at once. */
async function inTurns<T, R>(all: readonly T[], task: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < all.length; i += MAX_READS) {
    results.push(...(await Promise.all(all.slice(i, i + MAX_READS).map(task))));
  }
  return results;
}
