import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Address } from '../registry/address.js';
import { optional, isKnown, keyOf } from '../registry/cluster.js';
import { isUnreachable } from '../registry/lease.js';
import type { Probe } from '../registry/interfaces.js';
import { isRepairing } from '../registry/repairing.js';
import type { ServedCluster } from '../runtime/served-cluster.js';
import type { RegistryService } from '../runtime/registry-service.js';
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
import { stepsToFinish } from './removal.js';
import { isLiveState, type ListedView } from './groups.js';
import type { ClusterHealth, HealthFinding } from './health.js';
import type { NacosIdentities } from './identity.js';
import { nameAt, readAgain, type NacosOptions } from './nacos-api.js';
import { isRead, type Reading } from './node-view.js';
import { isQuietPace, paceOf } from './schedule.js';
import { deadPhantoms } from './phantoms.js';
import { planRepair, type RepairPlan } from './plan.js';
import { ALL_GROUPS, proveLeader, type LeaderProof } from './leader-proof.js';
import { beginRepair, runRepair, Surprise, type RepairTools } from './repairer.js';
import { SameText } from './same-text.js';
import { Slots } from './slots.js';

/** Interval at which the examiner picks the clusters that are due. */
const ROUND_INTERVAL_MS = 500;

/**
 * Concurrent reads in all, and of one cluster. Clusters whose nodes did not answer lately share a second pool
 * of the same size, so dead addresses, which any caller may list, never delay reads of nodes that answer.
 */
const MAX_READS = 25;
const READS_OF_ONE = 10;

/** Concurrent looks. */
const MAX_LOOKS = 50;

/** How long a look may start reading further nodes: two tries of a node that hangs. */
const LOOK_LIMIT_MS = 10_000;

/** Characters of names kept from one look. */
const KEPT = 4 << 20;

/** Maximum age of a proof that a plan may use. Any caller may ask for plans again and again. */
const RECENT_MS = 2_000;

/** Pause between two attempts to remove departed members from Raft. */
const FINISH_AGAIN_MS = 60_000;

/** Most groups for which one look asks for a leader proof. */
const MOST_PROOFS = 64;

/**
 * How long a group must be without a leader before a node is asked for a proof, and how long that proof is
 * good.
 */
const PROVE_AFTER_MS = 10_000;
const PROVE_AGAIN = 15_000;

/**
 * Reason of a reading that this server had no time for. It is this server's trouble and never a sign of the
 * node's.
 */
const NOT_ASKED = 'this server had no time to ask it: other nodes took too long';

/** Reason given to callers while reading is switched off. */
const OFF = 'this server does not read the nodes (RAFT_CHECKS=off)';

export interface ExaminerOptions {
  readonly service: RegistryService;
  readonly probe: Probe;
  readonly log: Logger;
  readonly nacos: NacosOptions;
  /** Secret headers sent to a cluster's nodes, by cluster; none by default. */
  readonly identities?: NacosIdentities;
  /** How far a node's Raft port lies below its main port. */
  readonly raftOffset: number;
  /** Whether nodes are read at all. */
  readonly isOn: boolean;
  /** Monotonic clock in milliseconds; performance.now() by default. Tests pass their own. */
  readonly clock?: () => number;
}

/** What the examiner knows of one cluster. */
interface ClusterInspection {
  last: Examination | undefined;
  /** True if the last look showed something transient, so the next one should come soon. */
  isUnsure: boolean;
  running: Promise<Examination> | undefined;
  /** Leader proofs younger than {@link RECENT_MS}. */
  readonly proven: Map<string, LeaderProof>;
  /** Consecutive looks in which no node could be read. */
  blind: number;
  askedAt: number;
  /** Names of all groups ever seen. */
  readonly groups: Set<string>;
  /** Keys of the persistent findings that were logged. */
  told: Set<string>;
  finishAgainAt: number;
  /**
   * When each group was first found without a leader, on the lease clock, which leaves out this process's own
   * pauses. Two elections with a leader in between are no lasting loss. Keyed by {@link ALL_GROUPS} while no
   * group is shown.
   */
  leaderlessSince: ReadonlyMap<string, number>;
  /** Parsed answers that recur at every look. */
  readonly same: SameText;
}

/**
 * Reads the Nacos nodes of every cluster again and again and passes the evidence to the registry's rules
 * (entry.examined). Removes departed members from Raft as well, and repairs Raft when an operator asks. Every
 * server runs one; a repair holds the cluster's lock (registry/repair.ts).
 */
export class Examiner {
  readonly #options: ExaminerOptions;
  readonly #clock: () => number;
  readonly #dead = new WeakMap<Examination, Promise<ReadonlySet<string>>>();
  readonly #patients = new Map<ServedCluster, ClusterInspection>();
  readonly #stopped = new AbortController();
  readonly #tasks = new Set<Promise<unknown>>();
  readonly #reads = new Slots(MAX_READS, READS_OF_ONE);
  readonly #doubtfulReads = new Slots(MAX_READS, READS_OF_ONE);
  #looks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ExaminerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
  }

  start(): void {
    if (this.#options.isOn) this.#timer = setInterval(() => this.#turn(), ROUND_INTERVAL_MS);
  }

  /** Stops all looks and repairs, and resolves once they have ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped.abort(new Error('the server stops'));
    const looks = [...this.#patients.values()].flatMap(({ running }) => (running ? [running] : []));
    await Promise.allSettled([...looks, ...this.#tasks]);
  }

  /** Tracks a background task so that {@link stop} can wait for it. */
  #goOn(task: Promise<unknown>): void {
    this.#tasks.add(task);
    void task.finally(() => this.#tasks.delete(task)).catch(() => undefined);
  }

  /** Whether nodes are read at all. */
  get isOn(): boolean {
    return this.#options.isOn;
  }

  /** Health as of the last look. Without `isTold` it hides how members fail to answer. */
  health(entry: ServedCluster, isTold = true): ClusterHealth {
    const { service, raftOffset, isOn } = this.#options;
    const { cluster } = entry;
    const { repair } = cluster;
    const under =
      repair && isRepairing(cluster, service.now)
        ? { holder: repair.holder, leftMs: repair.until - service.now }
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

  /**
   * Reads all nodes of a cluster now. A look that is under way may have missed a recent change, so a new one
   * starts after it; concurrent callers share the new one.
   */
  examine(entry: ServedCluster): Promise<Examination> {
    return this.#lookAnew(entry, undefined);
  }

  #begin(entry: ServedCluster, patient: ClusterInspection, provenWithin?: number): Promise<Examination> {
    patient.running ??= this.#look(entry, patient, provenWithin).finally(() => (patient.running = undefined));
    return patient.running;
  }

  /**
   * Plans the repair of a cluster from a new look. Callers that ask at about the same time share that look.
   */
  async plan(entry: ServedCluster, survivor?: Address): Promise<RepairPlan> {
    const { isOn } = this.#options;
    if (!isOn) return { id: 'off', steps: [], dataLossRisks: [], manualSteps: [], refused: OFF };
    return this.#planFrom(entry, await this.#lookAnew(entry, RECENT_MS), survivor);
  }

  /**
   * Starts the repair of the plan with this id, if that is still the plan, and carries it out in the
   * background: its steps are events. Rejects with StoreUnavailable.
   */
  async repair(
    entry: ServedCluster,
    planId: string,
    survivor?: Address,
  ): Promise<{ readonly refused: string } | { readonly holder: string; readonly plan: RepairPlan }> {
    const examination = await this.#lookAnew(entry, 0);
    const plan = await this.#planFrom(entry, examination, survivor);
    if (plan.refused !== undefined) return { refused: plan.refused };
    if (plan.id !== planId) {
      return {
        refused: `the repair plan of ${keyOf(entry.cluster)} has changed since you looked (plan ${planId}, now ${plan.id}): look again`,
      };
    }
    if (plan.steps.length === 0) return { refused: 'there is nothing that a command can repair' };
    const holder = nameOfRepair("an operator's");
    const groups = new Set(plan.steps.map(({ group }) => group));
    const where = groups.has(undefined) ? 'every Raft group' : `${groups.size} Raft group(s)`;
    const what = plan.steps.map(({ command }) => command);
    const why = `${holder}: ${[...new Set(what)].join(', ')} in ${where}, ${plan.steps.length} step(s)`;
    const repair = { entry, steps: plan.steps, holder, why, revision: examination.view.revision };
    const refused = await beginRepair(this.#toolsFor(entry), repair);
    if (refused !== undefined) return { refused };
    this.#goOn(runRepair(this.#toolsFor(entry), repair));
    return { holder, plan };
  }

  #toolsFor(entry: ServedCluster): RepairTools {
    const { service, log, raftOffset } = this.#options;
    const look = (other: ServedCluster): Promise<Examination> => this.#lookAnew(other, 0);
    return { service, nacos: this.#nacosOf(entry), log, raftOffset, clock: this.#clock, look };
  }

  #nacosOf({ cluster }: ServedCluster): NacosOptions {
    const { nacos, identities } = this.#options;
    const identity = identities?.get(keyOf(cluster));
    const { product } = cluster;
    return { ...nacos, ...optional('identity', identity), product, signal: this.#stopped.signal };
  }

  /**
   * A look that is already under way may have missed a recent change, and proves less, so it is not reused.
   */
  async #lookAnew(entry: ServedCluster, provenWithin: number | undefined): Promise<Examination> {
    const patient = this.#patientOf(entry);
    await patient.running;
    return this.#begin(entry, patient, provenWithin);
  }

  async #planFrom(entry: ServedCluster, examination: Examination, survivor?: Address): Promise<RepairPlan> {
    const { service, raftOffset } = this.#options;
    const { view, readings, diagnosis, proofs } = examination;
    const { leaderlessSince } = this.#patientOf(entry);
    return planRepair({
      members: view.members,
      readings,
      groups: diagnosis.groups,
      raftOffset,
      hasMajority: view.state !== 'quorum-lost',
      dead: await this.#deadIn(entry, examination),
      proofs,
      leaderlessMs: new Map([...leaderlessSince].map(([name, since]) => [name, service.now - since])),
      noVoterMs: new Map(
        diagnosis.findings.flatMap((one): [Address, number][] =>
          one.code === 'no-voter' && one.node !== undefined ? [[one.node, ageOf(examination, one)]] : [],
        ),
      ),
      survivor,
    });
  }

  /** Phantom voters that are dead. Probes them once for each look. */
  #deadIn(entry: ServedCluster, examination: Examination): Promise<ReadonlySet<string>> {
    const { probe, raftOffset } = this.#options;
    let dead = this.#dead.get(examination);
    if (!dead) {
      const { diagnosis, readings } = examination;
      // Nodes may name any address, so phantoms never receive the secret header.
      const nacos = { ...this.#nacosOf(entry), identity: undefined };
      dead = deadPhantoms(diagnosis.groups, readings, probe, raftOffset, (at) => nameAt(at, nacos));
      this.#dead.set(examination, dead);
    }
    return dead;
  }

  #patientOf(entry: ServedCluster): ClusterInspection {
    let patient = this.#patients.get(entry);
    if (!patient) {
      patient = {
        last: undefined,
        isUnsure: false,
        running: undefined,
        proven: new Map(),
        blind: 0,
        askedAt: -Infinity,
        groups: new Set(),
        told: new Set(),
        finishAgainAt: 0,
        leaderlessSince: new Map(),
        same: new SameText(),
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
    // The cluster whose last look is oldest comes first, so none starves.
    const due = [...known]
      .filter(({ cluster }) => isKnown(cluster) && cluster.members.size > 0)
      .map((entry) => ({ entry, patient: this.#patientOf(entry) }))
      .filter(({ entry, patient }) => this.#isDue(entry, patient, now))
      .sort((a, b) => a.patient.askedAt - b.patient.askedAt);
    let doubtful = [...this.#patients.values()].filter((one) => one.running && isDoubtful(one)).length;
    for (const { entry, patient } of due) {
      if (this.#looks >= MAX_LOOKS) break;
      if (isDoubtful(patient) && doubtful++ >= MAX_LOOKS / 2) continue;
      this.#begin(entry, patient).catch((error: unknown) => {
        if (this.#stopped.signal.aborted) return;
        log.error({ err: error, cluster: keyOf(entry.cluster) }, 'the nodes could not be examined');
      });
    }
  }

  #isDue(
    entry: ServedCluster,
    { isUnsure, blind, running, askedAt }: ClusterInspection,
    now: number,
  ): boolean {
    if (running) return false;
    return now - askedAt >= paceOf(entry.cluster, this.#options.service.now, blind, isUnsure);
  }

  /**
   * `provenWithin`: maximum age in milliseconds of the proof that a group has no leader; undefined for
   * ordinary looks.
   */
  async #look(entry: ServedCluster, patient: ClusterInspection, provenWithin?: number): Promise<Examination> {
    const { service, raftOffset } = this.#options;
    const nacos = this.#nacosOf(entry);
    this.#assertRuns();
    const readAt = service.now;
    patient.askedAt = this.#clock();
    const view = listedView(entry, service);
    this.#looks++;
    const isQuiet = provenWithin === undefined && this.#isQuiet(entry, patient);
    const readings = await this.#readAll(entry, patient, view.members, nacos, isQuiet).finally(
      () => this.#looks--,
    );
    // A look that was aborted says nothing about the nodes.
    this.#assertRuns();
    const at = this.#clock();
    const seen = examined(view, readings, raftOffset, at, patient.last);
    const proofs = await this.#prove(seen, patient, provenWithin, nacos);
    const last = proofs.size === 0 ? seen : examined(view, readings, raftOffset, at, patient.last, proofs);
    if (readings.some(isRead)) patient.blind = 0;
    // A cluster that this server had no time for keeps its place among the others.
    else if (isDoubtful(patient) || readings.some((one) => !isRead(one) && one.reason !== NOT_ASKED))
      patient.blind++;
    patient.last = last;
    const findings = agedFindings(last);
    patient.isUnsure = isUnsure(last, findings);
    const leaderless = last.diagnosis.findings.find(({ code }) => code === 'no-leader');
    patient.leaderlessSince = new Map(
      (leaderless ? (leaderless.groups ?? [ALL_GROUPS]) : []).map((name) => [
        name,
        patient.leaderlessSince.get(name) ?? readAt,
      ]),
    );
    const raftProblems = findings.filter(
      ({ persistent, severity }) => persistent && severity === 'harm',
    ).length;
    // A group that is no longer shown lost its leader in a restart, so not all groups can be judged.
    const names = last.diagnosis.groups.map(({ name }) => name);
    const isWhole = [...patient.groups].every((name) => names.includes(name));
    for (const name of names) patient.groups.add(name);
    const evidence = evidenceIn(last, raftOffset, readAt);
    entry.examined(isWhole || !evidence ? evidence : { ...evidence, whole: undefined }, raftProblems);
    this.#tell(entry, patient, findings);
    this.#goOn(this.#finish(entry, patient, last));
    return last;
  }

  #assertRuns(): void {
    if (this.#stopped.signal.aborted) throw new Surprise('the server stops');
  }

  /** Whether the last look found nothing, and nothing has changed or is under way since. */
  #isQuiet({ cluster }: ServedCluster, { last, isUnsure, blind }: ClusterInspection): boolean {
    if (!last || last.diagnosis.findings.length > 0 || cluster.awaitsRepair) return false;
    return isQuietPace(cluster, this.#options.service.now, blind, isUnsure);
  }

  /** Reads each node, within the limits of one look. */
  #readAll(
    entry: ServedCluster,
    patient: ClusterInspection,
    members: readonly { readonly address: Address }[],
    nacos: NacosOptions,
    isQuiet: boolean,
  ): Promise<Reading[]> {
    const now = this.#clock();
    const listed = new Set(members.map(({ address }) => address));
    const before = new Map(patient.last?.readings.map((reading) => [reading.address, reading]));
    const counted = new Set<object>();
    const slots = isDoubtful(patient) ? this.#doubtfulReads : this.#reads;
    const until = performance.now() + LOOK_LIMIT_MS;
    let kept = 0;
    return Promise.all(
      members.map(({ address }) =>
        slots.run(entry, async (): Promise<Reading> => {
          if (performance.now() > until) {
            return { address, reason: NOT_ASKED, isOurs: true };
          }
          const known = { before: before.get(address), listed, isQuiet, now, same: patient.same };
          const reading = await readAgain(address, nacos, known);
          kept += sizeOf(reading, counted);
          if (kept <= KEPT) return reading;
          return { address, reason: 'it was read, but all nodes together sent too much', isOurs: true };
        }),
      ),
    );
  }

  /** A proof for each group that has had no visible leader for a while. Recent proofs are reused. */
  async #prove(
    seen: Examination,
    { last: before, proven }: ClusterInspection,
    provenWithin: number | undefined,
    nacos: NacosOptions,
  ): Promise<Map<string, LeaderProof>> {
    const { findings, groups } = seen.diagnosis;
    const finding = findings.find(({ code }) => code === 'no-leader');
    const proofs = new Map<string, LeaderProof>();
    // A plan needs the proof for 1.4 as well, whose missing groups are not a finding.
    const isForPlan = provenWithin !== undefined && groups.length === 0;
    if (!finding && !isForPlan) return proofs;
    const unled = groups.filter(({ lead }) => lead === 'unled').map(({ name }) => name);
    const due = groups.length === 0 ? [ALL_GROUPS] : unled;
    // Concurrently: a node that hangs takes its whole timeout for each proof.
    await inTurns(due.slice(0, MOST_PROOFS), async (name) => {
      // The proof's own age counts, even if a look in between read fewer nodes.
      const known = (provenWithin === undefined ? before?.proofs : proven)?.get(name);
      if (
        provenWithin === undefined &&
        known === undefined &&
        (!finding || ageOf(seen, finding) < PROVE_AFTER_MS)
      )
        return;
      const isFresh = known !== undefined && seen.at - known.at < (provenWithin ?? PROVE_AGAIN);
      const proof = isFresh ? known : await proveLeader(name, seen.readings, nacos, seen.at);
      if (proof) proofs.set(name, proof);
    });
    for (const [name, { at }] of proven) if (seen.at - at >= RECENT_MS) proven.delete(name);
    for (const [name, proof] of proofs) proven.set(name, proof);
    return proofs;
  }

  /** Logs each persistent finding once, and its end. */
  #tell(entry: ServedCluster, patient: ClusterInspection, findings: readonly HealthFinding[]): void {
    const { log } = this.#options;
    const cluster = keyOf(entry.cluster);
    const persistent = findings.filter((one) => one.persistent);
    for (const finding of persistent) {
      if (patient.told.has(keyOfFinding(finding))) continue;
      const { code, node, groups, sentence, advice } = finding;
      // An unreadable node is no reason to wake anyone, so it is not a warning.
      log[code === 'unreadable' ? 'info' : 'warn'](
        { cluster, finding: code, node, groups, advice },
        sentence,
      );
    }
    const keys = new Set(persistent.map(keyOfFinding));
    for (const key of patient.told)
      if (!keys.has(key)) log.info({ cluster, finding: key }, 'finding resolved');
    patient.told = keys;
  }

  /** Removes evicted and departed members from Raft, where Nacos did not do so itself. */
  async #finish(entry: ServedCluster, patient: ClusterInspection, last: Examination): Promise<void> {
    const { service, log, raftOffset } = this.#options;
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
        () => this.#deadIn(entry, last),
      );
      if (steps.length === 0) return;
      patient.finishAgainAt = last.at + FINISH_AGAIN_MS;
      const holder = nameOfRepair("the registry's own");
      const why = `${who.join(', ')} left the list but stayed a voter in Raft: removing it`;
      const repair = { entry, steps, holder, why, revision: last.view.revision };
      // Another server may hold the lock for the same work.
      if ((await beginRepair(this.#toolsFor(entry), repair)) !== undefined) return;
      await runRepair(this.#toolsFor(entry), repair);
    } catch (error) {
      log.warn(
        { reason: (error as Error).message, cluster: keyOf(entry.cluster) },
        'could not remove a voter',
      );
    }
  }
}

/** The list, marking members that may be alive although they are not heard. */
function listedView(entry: ServedCluster, service: RegistryService): ListedView {
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

/** A unique name for each repair. */
function nameOfRepair(whose: string): string {
  return `${whose} repair ${randomBytes(3).toString('hex')} at ${hostname()}`;
}

/** Whether a finding is still transient, or a live member has not settled. */
function isUnsure(last: Examination, findings: readonly HealthFinding[]): boolean {
  return (
    findings.some(({ code, persistent }) => code !== 'unreadable' && !persistent) ||
    last.view.members.some((one) => !one.settled && isLiveState(one))
  );
}

/** Whether none of its nodes could be read at the last look, or none was ever read. */
function isDoubtful({ last, blind }: ClusterInspection): boolean {
  return last === undefined || blind > 0;
}

/** Characters kept from a reading. Objects shared with another reading are in `counted` and cost nothing. */
function sizeOf(reading: Reading, counted: Set<object>): number {
  if (!isRead(reading)) return reading.reason.length;
  const isNew = (one: object): boolean => !counted.has(one) && counted.add(one) === counted;
  const length = (names: readonly string[]): number => names.reduce((sum, name) => sum + name.length, 0);
  let size = isNew(reading.members) ? length(reading.members) : 0;
  if (!isNew(reading.groups)) return size;
  for (const [name, { voters }] of reading.groups) {
    size += name.length + (isNew(voters) ? length(voters) : 0);
  }
  return size;
}

/** Runs the task for each item, {@link MAX_READS} at once. */
async function inTurns<T, R>(all: readonly T[], task: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < all.length; i += MAX_READS) {
    results.push(...(await Promise.all(all.slice(i, i + MAX_READS).map(task))));
  }
  return results;
}
