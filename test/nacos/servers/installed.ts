import { existsSync } from 'node:fs';
import { distributions, distributionsProblem } from './distributions.js';
import { javaProblem } from './java.js';
import { FETCHED_VERSIONS, flawIn, jarFolder } from './jars.js';
import { traitsOf, type Capability, type NacosVersion } from './versions.js';

/**
 * The versions that tests run on, each once: those that anybody can fetch and those that NACOS_SERVERS has, or of all
 * these the ones that NACOS_VERSIONS names (`2.3.2,3.0.3`). Throws a sentence when it names others.
 */
export function testedVersions(): readonly NacosVersion[] {
  const known = [...new Set([...FETCHED_VERSIONS, ...distributions().map(({ version }) => version)])];
  const chosen = (process.env.NACOS_VERSIONS ?? '').split(',').filter(Boolean);
  for (const version of chosen) {
    if (!known.includes(version)) {
      throw new Error(
        `NACOS_VERSIONS names ${version}, which is none of ${known.join(', ')}: let NACOS_SERVERS name a folder that has it`,
      );
    }
  }
  return chosen.length === 0 ? known : chosen;
}

/** Those of the tested versions that can do all of this. */
export function versionsThatCan(needs: readonly Capability[]): readonly NacosVersion[] {
  return testedVersions().filter((version) => {
    const { can } = traitsOf(version);
    return needs.every((need) => can.has(need));
  });
}

/** Those of the tested versions that are to be fetched. */
export function versionsToFetch(): readonly NacosVersion[] {
  const unpacked = distributions().map(({ version }) => version);
  return testedVersions().filter((version) => !unpacked.includes(version));
}

/** Why no node of this version can be started here, and what to do; undefined when one can. */
export function missingServer(version: NacosVersion): string | undefined {
  const problem = distributionsProblem() ?? javaProblem();
  if (problem !== undefined) return problem;
  if (!versionsToFetch().includes(version)) return undefined;
  const folder = jarFolder(version);
  if (!existsSync(folder)) return `Nacos ${version} is not in ${folder}: npm run fetch:nacos`;
  const flaw = flawIn(folder, version);
  return flaw === undefined
    ? undefined
    : `${folder} is corrupted: ${flaw}; npm run fetch:nacos fetches it anew`;
}
