import { get } from 'node:http';

/**
 * The image's HEALTHCHECK: checks whether the server with this environment is ready. It imports nothing else,
 * to cost little every ten seconds.
 */

/**
 * Docker counts a missing answer as unhealthy after 3 s (Dockerfile) and keeps what was printed until then.
 */
const TIMEOUT_MS = 2_500;

const { HOST: host = '', PORT: port = '' } = process.env;

function unhealthy(reason: string): void {
  console.log(reason);
  process.exitCode = 1;
}

// Without HOST the server listens everywhere. Connecting to 0.0.0.0 or :: connects to this machine.
const request = get({
  host: host || '127.0.0.1',
  port: port || 8080,
  path: '/readyz',
  headers: { host: 'localhost' },
  agent: false,
  timeout: TIMEOUT_MS,
});
request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
request.on('error', ({ message }) => unhealthy(`/readyz at HOST=${host} PORT=${port}: ${message}`));
request.on('response', (response) => {
  let body = '';
  response.setEncoding('utf8').on('data', (text: string) => (body += text));
  response.on('end', () => {
    if (response.statusCode === 200) console.log(body.trimEnd());
    else unhealthy(`/readyz answers ${response.statusCode ?? '?'}: ${body.trimEnd()}`);
  });
});
