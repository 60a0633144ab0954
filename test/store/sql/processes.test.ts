import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Cleanup } from '../../support/cleanup.js';
import { createDatabase, newerDatabases, testDatabases } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { lines, pollPath } from '../../support/nodes.js';
import { assertSecret, makePlace } from '../../support/place.js';
import { freePort, privateServerMissing } from '../../support/private-server.js';
import { startCli, startServerProcess, type CliProcess, type ServerProcess } from '../../support/process.js';
import { ask, CURL, NACOS } from '../../support/raw.js';

const [P, Q, W] = ['127.0.4.1:8848', '127.0.4.2:8848', '127.0.4.3:8848'] as const;

/** Its members are no processes here, so that their ports are not probed, and they settle at once. */
const ARGS = ['--probe', 'off', '--settle-after', '0s'];

interface Readiness {
  readonly status: string;
  readonly reason?: string;
  readonly servers?: number;
}

async function readiness(server: { port: number }): Promise<Readiness & { readonly code: number }> {
  const { status, body } = await ask(server, 'GET', '/readyz', CURL);
  return { ...(JSON.parse(body) as Readiness), code: status };
}

async function listOf(server: { port: number }): Promise<string[]> {
  const { status, body } = await ask(server, 'GET', '/nacos/serverlist', CURL);
  return status === 200 ? lines(body) : [];
}

/** Resolves when a node is registered. */
async function register(server: { port: number }, self: string): Promise<void> {
  await eventually(`${self} is listed`, async () => {
    return (await ask(server, 'GET', pollPath(self), NACOS)).status === 200;
  });
}

for (const database of newerDatabases) {
  const { name, dialect, skip } = database;
  describe(`processes on one ${name}`, { concurrency: 2, skip }, () => {
    const setUp = async (t: TestContext, options: Parameters<typeof makePlace>[2] = {}) => {
      const cleanup = new Cleanup(t);
      const started: CliProcess[] = [];
      // Last of all, when everything has been said.
      const secret = (): void => {
        for (const { stdout, stderr } of started) assertSecret(place, stdout() + stderr());
      };
      cleanup.after(secret);
      const place = await makePlace(cleanup, database, options);
      const serve = async (port: number, databaseUrl = place.directUrl): Promise<ServerProcess> => {
        const server = await startServerProcess(cleanup, { databaseUrl, port, args: ARGS });
        started.push(server);
        return server;
      };
      /** On a port of its own, by which it is known to the others. */
      const serveAnywhere = async (): Promise<ServerProcess> => {
        for (let left = 5; ; left--) {
          try {
            return await serve(await freePort());
          } catch (error) {
            // Somebody else got it in between.
            if (left === 0 || !/ is in use by /.test((error as Error).message)) throw error;
          }
        }
      };
      /** Runs a server that does not start, to its end. */
      const fails = async (databaseUrl: string, ...args: string[]): Promise<string> => {
        const cli = startCli(cleanup, ['serve', '--host', '127.0.0.1', '--port', '0', ...args], {
          env: { DATABASE_URL: databaseUrl },
        });
        started.push(cli);
        assert.equal(await cli.exited, 78, cli.stdout());
        assert.equal(cli.stderr().trim().split('\n').length, 1, cli.stderr());
        assert.equal(cli.stdout(), '');
        return cli.stderr();
      };
      const replicas = async (): Promise<string[]> => {
        const rows = await place.admin.run<{ id: string }>('SELECT id FROM address_server_replica');
        return rows.map(({ id }) => id);
      };
      const two = async (): Promise<[ServerProcess, ServerProcess]> => {
        const servers = await Promise.all([serveAnywhere(), serveAnywhere()]);
        await eventually('each knows of the other', async () =>
          (await Promise.all(servers.map(readiness))).every((ready) => ready.servers === 2),
        );
        return servers;
      };
      return { cleanup, place, started, serve, serveAnywhere, fails, replicas, two };
    };

    it('are not ready before they have reached it, and then are by themselves', async (t) => {
      const { place, serve } = await setUp(t);
      await place.proxy.refuse();
      const server = await serve(0, place.url);
      const { code, status, reason } = await readiness(server);
      assert.deepEqual([code, status], [503, 'unavailable']);
      assert.match(reason ?? '', /SQL 127\.0\.0\.1:\d+\/\w+ cannot be reached; check that the server runs/);
      assertSecret(place, reason ?? '');
      assert.equal((await ask(server, 'GET', '/healthz', CURL)).status, 200);
      const paths = [pollPath(P), '/nacos/serverlist'];
      for (const answer of await Promise.all(paths.map((path) => ask(server, 'GET', path, NACOS)))) {
        assert.deepEqual([answer.status, answer.complete], [302, false]);
        assertSecret(place, answer.body);
      }
      await place.proxy.restore();
      await eventually('it is ready', async () => (await readiness(server)).status === 'up');
      await register(server, P);
      assert.deepEqual(await listOf(server), [P]);
    });

    const missing = dialect === 'postgres' && privateServerMissing('postgres');
    it('do not start with a wrong password or database', { skip: missing }, async (t) => {
      const { place, fails } = await setUp(t, { isPrivate: dialect === 'postgres' });
      const wrong = new URL(place.directUrl);
      wrong.password = `${wrong.password}x`;
      assert.match(
        await fails(wrong.href),
        /does not accept the user and password of DATABASE_URL; check both/,
      );
      // MySQL does not say whether a database is there to users that may not use it.
      assert.match(
        await fails(`${place.directUrl}_other`),
        dialect === 'mysql'
          ? /_other does not grant the user .* a right/
          : /_other does not exist; create the database/,
      );
    });

    it('do not start with --no-migrate on an empty database, and leave it empty', async (t) => {
      const { place, fails } = await setUp(t, { isEmpty: true });
      const sentence = await fails(place.directUrl, '--no-migrate');
      assert.match(sentence, /has no tables of this program yet; run `nacos-address-server migrate`/);
      await assert.rejects(place.admin.run('SELECT * FROM address_server_schema'));
    });

    it('show each other’s nodes soon, and take leave on SIGTERM', async (t) => {
      const { place, replicas, two } = await setUp(t);
      const [a, b] = await two();
      for (const [server, other, self] of [
        [a, b, P],
        [b, a, Q],
      ] as const) {
        await register(server, self);
        await eventually('the other has it', async () => (await listOf(other)).includes(self));
      }
      assert.equal((await replicas()).length, 2);
      a.child.kill('SIGTERM');
      assert.equal(await a.exited, 0);
      const left = await place.admin.run<{ id: string }>(
        'SELECT id FROM address_server_replica WHERE revoked_at > 0',
      );
      assert.equal(left.length, 1, 'nobody waits for it, and it is not forgotten');
      await eventually('the other counts itself alone', async () => (await readiness(b)).servers === 1);
      assert.deepEqual(await listOf(b), [P, Q]);
    });

    it('are the same server after kill -9 and a start on the same port', async (t) => {
      const { serve, replicas, two } = await setUp(t);
      const [a, b] = await two();
      await register(a, P);
      await register(b, Q);
      a.child.kill('SIGKILL');
      assert.equal(await a.exited, 'SIGKILL');
      assert.equal((await replicas()).length, 2, 'nobody took leave');
      const again = await serve(a.port);
      assert.deepEqual(await listOf(again), [P, Q], 'it serves at once what is stored');
      assert.equal((await replicas()).length, 2);
      await eventually('each knows of the other', async () => (await readiness(again)).servers === 2);
      assert.equal((await readiness(b)).servers, 2);
      // They have to be sent the list of two before a third may join.
      for (const self of [P, Q]) await register(b, self);
      await register(again, W);
      await eventually('the other has it', async () => (await listOf(b)).includes(W));
      // Within the minute: nobody waits for the one that is gone, which would take two.
      b.child.kill('SIGKILL');
      await b.exited;
      const alone = await serve(b.port);
      await eventually('each knows of the other', async () => (await readiness(alone)).servers === 2);
      assert.equal((await replicas()).length, 2);
    });

    it('go on when one of them hangs in the middle of a decision', async (t) => {
      const { place, serve, serveAnywhere } = await setUp(t);
      const hangs = await serve(await freePort(), place.url);
      const other = await serveAnywhere();
      await register(hangs, P);
      await eventually('the other has it', async () => (await listOf(other)).includes(P));
      // It has the rows of the cluster and of the clock when it is stopped, and no word of it comes any more.
      const stopped = new Promise<void>((resolve) => {
        place.proxy.once(/set .changes. = changes \+ 1/, () => {
          hangs.child.kill('SIGSTOP');
          resolve();
        });
      });
      const lost = ask(hangs, 'GET', pollPath(Q), NACOS).catch(() => undefined);
      await stopped;
      await eventually('the other decides', async () => {
        await ask(other, 'GET', pollPath(P), NACOS);
        return (await ask(other, 'GET', pollPath(W), NACOS)).status === 200;
      });
      hangs.child.kill('SIGCONT');
      await eventually('it has what was decided', async () => (await listOf(hangs)).includes(W));
      await lost;
      assert.equal((await readiness(hangs)).code, 200);
    });

    it('migrate an empty database once, when twenty start', async (t) => {
      const { place, serveAnywhere, started } = await setUp(t, { isEmpty: true });
      const servers = await Promise.all(Array.from({ length: 20 }, serveAnywhere));
      const migrated = started.filter(({ stdout }) => stdout().includes('the schema was brought up to date'));
      assert.equal(migrated.length, 1);
      const [first] = servers as [ServerProcess];
      await eventually('they know each other', async () => (await readiness(first)).servers === 20);
      const rows = await place.admin.run('SELECT * FROM address_server_schema');
      assert.equal(rows.length, 3, 'a row a migration');
      for (const { stderr } of started) assert.equal(stderr(), '');
    });
  });
}

for (const server of testDatabases) {
  const { name, skip } = server;
  it(`migrate makes the schema in ${name}`, { skip }, async (t) => {
    const cleanup = new Cleanup(t);
    const url = await createDatabase(cleanup, server);
    const migrate = async (databaseUrl: string) => {
      const cli = startCli(cleanup, ['migrate'], { env: { DATABASE_URL: databaseUrl } });
      return { status: await cli.exited, out: cli.stdout(), err: cli.stderr() };
    };
    const first = await migrate(url);
    assert.deepEqual({ status: first.status, err: first.err }, { status: 0, err: '' });
    assert.match(first.out, /has schema version 3, 3 migrations applied/);
    assert.match((await migrate(url)).out, /has schema version 3 and is up to date/);
    const wrong = await migrate(`${url}_other`);
    assert.equal(wrong.status, 78);
    assert.match(wrong.err, /_other does not exist; create the database/);
  });
}
