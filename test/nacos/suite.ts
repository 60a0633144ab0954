import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Cluster } from './cluster.js';
import { missingServer, versionsThatCan } from './servers/installed.js';
import type { Capability, NacosVersion } from './servers/versions.js';

/** Runs one scenario; once one has failed, those after it are skipped, since they share its cluster. */
export type Scenario = (name: string, run: () => Promise<void>, skip?: string) => Promise<void>;

/** The longest that one group's scenarios may take together, in milliseconds: on two idle cores some minutes. */
const LIMIT = 60 * 60_000;

/** What a group of scenarios needs beside Nacos. */
export interface Needs {
  /** Of the version; it runs on each version that can do all of it. */
  readonly can?: readonly Capability[];
  /** What else it cannot do without, if that is missing. */
  readonly lacking?: string | false | undefined;
}

type Run = (cluster: Cluster, scenario: Scenario, t: TestContext) => Promise<void>;

/**
 * A group of scenarios with real Nacos that share what they start, once for each version that the tests run on. Where
 * there is no Nacos they are skipped with the reason; with NACOS_TESTS=required they fail.
 */
export function nacosTest(name: string, { can = [], lacking }: Needs, run: Run): void {
  for (const version of versionsThatCan(can)) testWith(version, name, lacking || undefined, run);
}

function testWith(version: NacosVersion, name: string, lacking: string | undefined, run: Run): void {
  const missing = missingServer(version) ?? lacking;
  const required = process.env.NACOS_TESTS === 'required';
  const skip = !required && missing;
  test(`Nacos ${version}: ${name}`, { skip, timeout: LIMIT }, async (t) => {
    if (missing !== undefined) assert.fail(missing);
    const cluster = new Cluster(t, version);
    let failed: string | undefined;
    const scenario: Scenario = async (title, body, reason) => {
      const skipped = failed === undefined ? reason : `“${failed}” failed before it`;
      if (skipped !== undefined) return t.test(title, { skip: skipped }, () => undefined);
      await t.test(title, async () => {
        try {
          await body();
        } catch (error) {
          failed = title;
          throw new Error(`${(error as Error).message}\n${await cluster.describe()}`, { cause: error });
        }
      });
    };
    await run(cluster, scenario, t);
  });
}
