import type { ClusterHealth, HealthFinding } from '../../doctor/health.js';
import type { RepairPlan } from '../../doctor/plan.js';
import { nameOf } from '../cluster-name.js';
import { toPrintable } from '../plain.js';
import { wrap } from '../table.js';

/** The doctor's report as lines of at most `width` columns. */
export function describeHealth(health: ClusterHealth, width: number): string[] {
  const { findings, unknown, state, repair } = health;
  const name = nameOf(health);
  const under = repair
    ? wrap(toPrintable(`${name} is being repaired (${repair.holder}): see its events`), width)
    : [];
  const found = findings.flatMap((finding) => [
    ...wrap(toPrintable(`${finding.code}${ageOf(finding)}: ${finding.sentence}.`), width),
    ...wrap(toPrintable(`  ${finding.advice}`), width),
  ]);
  const cannotTell = unknown.flatMap((sentence) => wrap(toPrintable(`cannot tell: ${sentence}`), width));
  if (found.length > 0) return [...under, ...found, ...cannotTell];
  if (state === 'healthy') return [...under, ...wrap(toPrintable(`${name}: ${health.summary}`), width)];
  return [...under, ...cannotTell];
}

function ageOf({ sinceMs, persistent }: HealthFinding): string {
  const seconds = Math.floor(sinceMs / 1_000);
  const age = seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`;
  return persistent ? ` (for ${age})` : ` (for ${age}, which may be normal)`;
}

/** A repair's plan as text, for the operator to read before confirming. */
export function describePlan(plan: RepairPlan, name: string, width: number): string[] {
  const { steps, dataLossRisks, manualSteps, refused } = plan;
  const item = (text: string): string[] => {
    const [first = '', ...more] = wrap(toPrintable(text), width - 2);
    return [`- ${first}`, ...more.map((line) => `  ${line}`)];
  };
  const lines: string[] = [];
  if (refused !== undefined) lines.push(...wrap(toPrintable(`No repair of ${name} now: ${refused}.`), width));
  if (steps.length > 0) {
    lines.push(`To repair ${name}, in this order:`);
    steps.forEach(({ command, node, group, value, sentence }, index) => {
      const [first = '', ...more] = wrap(toPrintable(sentence), width - 4);
      lines.push(`${String(index + 1).padStart(2)}. ${first}`, ...more.map((line) => `    ${line}`));
      const said = `    ${command} ${value}, sent to ${node}${group === undefined ? '' : `, group ${group}`}`;
      lines.push(...wrap(toPrintable(said.trim()), width - 4).map((line) => `    ${line}`));
    });
  }
  if (dataLossRisks.length > 0) lines.push('What may be lost:', ...dataLossRisks.flatMap(item));
  if (manualSteps.length > 0) lines.push('What no command repairs:', ...manualSteps.flatMap(item));
  if (lines.length === 0) lines.push(`${name}: there is nothing to repair`);
  return lines;
}
