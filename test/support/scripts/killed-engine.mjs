/**
 * An engine over a home that knows its repos already. Its argument is JSON: `{home, fault, at, options}`; `fault` is `{point, nth}`: this process kills itself there,
 * at the nth time; `at` is the time that its clock begins with; `options` are the engine's. Its HTTP API is on a port of loopback. Prints `up` and that port; stops when its input ends.
 */
import { createServer } from 'node:http';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

/** Also for a test's own process. */
export function createLife(createEngine, { home, env, fault, at, options }) {
  let seen = 0;
  function faults(point) {
    if (point !== fault?.point) return;
    seen += 1;
    if (seen === fault.nth) process.kill(process.pid, 'SIGKILL');
  }
  const agents = { default: { preset: 'sh', attempts: 1 } };
  const ahead = at === undefined ? 0 : Date.parse(at) - Date.now();
  const clock = { nowMs: () => Date.now() + ahead };
  return createEngine({ home, clock, env, agents, faults, waitForHomeMs: 5_000, intakeLookMs: 20, ...options });
}

async function main() {
  const { createEngine } = await import('../../../dist/bin/engine.js');
  const engine = await createLife(createEngine, { ...JSON.parse(argv[2]), env: process.env });
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const { method, headers, url } = request;
    const answer = await engine.fetch(
      new Request(`http://127.0.0.1${url}`, { method, headers, body: Buffer.concat(parts) }),
    );
    response.writeHead(answer.status).end(await answer.text());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.stdout.write(`up ${server.address().port}\n`);
  process.stdin.on('end', () => {
    server.close();
    server.closeAllConnections();
    void engine.stop();
  });
  process.stdin.resume();
}

if (argv[1] === fileURLToPath(import.meta.url)) await main();
