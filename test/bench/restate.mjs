/** Restate with its package for XState, as `durable` compares it: packages and server in a folder of their own, the charts served by this process, requests over the server's HTTP as from any client. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer as createHttp2Server } from 'node:http2';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const { version: xstate } = createRequire(import.meta.url)('xstate/package.json');
const packages = {
  '@restatedev/restate-server': '1.7.12',
  '@restatedev/restate-sdk': '1.17.2',
  '@restatedev/xstate': '0.5.2',
  xstate,
};
const startMs = 60_000;

// Its SDK takes it from Node 22.
Promise.withResolvers ??= () => {
  let resolve;
  let reject;
  const promise = new Promise((...both) => {
    [resolve, reject] = both;
  });
  return { promise, resolve, reject };
};

/** Throws where npm or the server cannot do it, with what they said. */
export async function openRestate(root, { lampMachine, sleeperMachine }) {
  const folder = join(root, 'restate');
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: packages }));
  await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder });
  const of = createRequire(join(folder, 'package.json'));
  const load = (name) => import(pathToFileURL(of.resolve(name)).href);
  const { createEndpointHandler } = await load('@restatedev/restate-sdk');
  const { xstate: serve } = await load('@restatedev/xstate');
  const services = [serve('lamp', lampMachine), serve('sleeper', sleeperMachine)];
  const charts = createHttp2Server(createEndpointHandler({ services, logger: () => {} }));
  charts.listen(0, '127.0.0.1');
  await once(charts, 'listening');
  const server = await startServer(folder);
  const ask = async (path, body = {}) => {
    const answer = await fetch(`${server.ingress}/${path}`, requestOf(body));
    const text = await answer.text();
    if (!answer.ok) throw new Error(`restate answered ${answer.status} to ${path}: ${text}`);
  };
  const stop = async () => {
    await server.stop();
    charts.close();
  };
  try {
    const uri = `http://127.0.0.1:${charts.address().port}`;
    const registered = await fetch(`${server.admin}/deployments`, requestOf({ uri }));
    if (!registered.ok) throw new Error(`restate does not take the charts: ${await registered.text()}`);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    name: 'restate',
    start: (id) => ask(`lamp/${id}/create`),
    request: (id) => ask(`lamp/${id}/send`, { event: { type: 'flip' } }),
    sleep: (id, dueMs) => ask(`sleeper/${id}/create`, { input: { dueMs } }),
    stop,
  };
}

function requestOf(body) {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** One node with all roles, as its documentation starts it; each write waits for the disk, which is its default. */
async function startServer(folder) {
  const [ingress, admin, node] = [await freePort(), await freePort(), await freePort()];
  const of = createRequire(
    createRequire(join(folder, 'package.json')).resolve('@restatedev/restate-server/package.json'),
  );
  const program = of.resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`);
  const settings = {
    RESTATE_BASE_DIR: join(folder, 'data'),
    RESTATE_LISTEN_MODE: 'tcp',
    RESTATE_BIND_IP: '127.0.0.1',
    RESTATE_BIND_PORT: String(node),
    RESTATE_INGRESS__BIND_PORT: String(ingress),
    RESTATE_ADMIN__BIND_PORT: String(admin),
    RESTATE_NODE_NAME: 'bench',
    RESTATE_DISABLE_TELEMETRY: 'true',
    RESTATE_LOG_FILTER: 'off',
  };
  const child = spawn(program, ['--no-logo'], { env: { ...process.env, ...settings }, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const urls = { ingress: `http://127.0.0.1:${ingress}`, admin: `http://127.0.0.1:${admin}` };
  const stop = async () => {
    child.kill('SIGKILL'); // its folder is deleted with it
    await ended;
  };
  const isUp = async (url) => (await fetch(url).catch(() => null))?.ok === true;
  for (const untilMs = Date.now() + startMs; ; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`restate-server ended with ${child.exitCode}`);
    if ((await isUp(`${urls.admin}/health`)) && (await isUp(`${urls.ingress}/restate/health`)))
      return { ...urls, stop };
    if (Date.now() < untilMs) continue;
    await stop();
    throw new Error(`restate-server does not answer within ${startMs} ms`);
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
