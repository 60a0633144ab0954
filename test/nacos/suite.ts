import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Cluster } from './cluster.js';
import { missingServers } from './servers.js';

/** Runs one scenario; once one has failed, those after it are skipped, since they share its cluster. */
export type Scenario = (name: string, run: () => Promise<void>, skip?: string) => Promise<void>;

/** The longest that one file's scenarios may take together, in milliseconds. */
const LIMIT = 15 * 60_000;

/**
 * A group of scenarios with real Nacos that share what they start. Where there is no Nacos they are skipped with
 * the reason; with NACOS_TESTS=required they fail.
 */
export function nacosTest(
  name: string,
  run: (cluster: Cluster, scenario: Scenario, t: TestContext) => Promise<void>,
  /** What else it cannot do without, if that is missing. */
  lacking?: string | false,
): void {
  const missing = missingServers() ?? (lacking === false ? undefined : lacking);
  const required = process.env.NACOS_TESTS === 'required';
  const skip = !required && missing;
  test(name, { skip, timeout: LIMIT }, async (t) => {
    if (missing !== undefined) assert.fail(missing);
    const cluster = new Cluster(t);
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
