/**
 * The network of agents, checks and setups inside of walls: all of it, listed hosts through a proxy, or none. The internet of these tests is a port
 * of loopback.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { hostsOf } from '../../runtime/work/sandbox/ready-hosts.ts';
import {
  begin,
  gate,
  ground,
  planText,
  startEngine,
  untilPhase,
  untilRunning,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { putHooks } from '../support/hooks.ts';
import { noWallsHere, startWalled } from '../support/walls.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function startInternet(): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.headers.host}${request.url}`);
    response.end('of the internet\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, asked }; // it listens on a port
}

/** Uses only Node, because no other program exists on every machine. */
const get = (url: string) =>
  `node -e "const p = new URL(process.env.http_proxy); require('node:http').get({ host: p.hostname, port: p.port, path: '${url}' }, (r) => { process.stdout.write(r.statusCode + ' '); r.pipe(process.stdout); })"`;
const connects = (place: string) =>
  `node -e "const p = new URL(process.env.HTTPS_PROXY); require('node:http').request({ host: p.hostname, port: p.port, method: 'CONNECT', path: '${place}' }).on('connect', (r, s) => { console.log(r.statusCode); s.destroy(); }).end()"`;

describe.skipIf(noWallsHere !== null)(
  `inside of walls${noWallsHere === null ? '' : ` (skipped: ${noWallsHere})`}`,
  () => {
    it('an agent with a list of hosts reaches these and no other; the engine is heard; refusals are in its log and told to hooks', async () => {
      const on = ground();
      const { port, asked } = await startInternet();
      const told = join(on.root, 'told');
      putHooks(
        on.repo,
        `[[hooks]]\ntype = "command"\nname = "own"\nevents = ["network_refused"]\nsandbox = "off"\ncommand = "cat >> '${told}'; echo >> '${told}'"\n`,
      );
      const hosts = `network = "hosts"\nhosts = ["packages.lan:${port}=127.0.0.1"]\n`;
      const engine = await startWalled(hosts, { on });
      const looks = [
        `${get(`http://packages.lan:${port}/one`)} > got`,
        `${connects(`packages.lan:${port}`)} > connected`,
        `${get(`http://127.0.0.1:${port}/two`)} > refused`,
        `node -e "require('node:net').connect(${port}, '127.0.0.1').on('error', (e) => console.log(e.code))" > direct`,
        'cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d " " > devices',
        'wc -l < /proc/net/unix > sockets',
        'echo "$https_proxy $NO_PROXY $NODE_USE_ENV_PROXY $ALL_PROXY" > variables',
        'stator plan show --json > shown',
      ];
      await begin(engine, 'listed', planText([looks.join('\n')]));
      await untilStatus(engine, 'listed', 'done');
      const read = (name: string) => git(engine.repo, 'show', `plan/listed:${name}`);
      expect(read('got')).toBe('200 of the internet');
      expect(read('connected')).toBe('200');
      const why = `127.0.0.1:${port} is refused: it is not among the hosts of this agent`;
      expect(read('refused')).toBe(`403 stator: network: ${why}`);
      expect(read('direct')).toBe('ECONNREFUSED');
      expect(read('devices')).toBe('lo');
      expect(read('variables')).toBe('http://127.0.0.1:61128 localhost,127.0.0.1,::1 1');
      expect(read('shown')).toContain('"plan":"listed"');
      expect(asked).toEqual([`packages.lan:${port}/one`]);
      expect(await engine.client.capture({ project: 'demo', title: 'listed-w1-t1' })).toContain(
        `stator: network: ${why}`,
      );
      await until(() => existsSync(told));
      const {
        instance,
        hosts: refused,
        plan_file: plan,
        event,
      } = JSON.parse(execFileSync('head', ['-1', told], { encoding: 'utf8' }));
      expect({ instance, refused, plan, event }).toEqual({
        ...{ instance: 'listed-w1-t1', refused: `127.0.0.1:${port}`, plan: 'listed', event: 'network_refused' },
      });
    });

    it('the setup of a worktree has the network of its agent, and a check its own', async () => {
      const on = ground();
      const { port, asked } = await startInternet();
      const url = `http://packages.lan:${port}`;
      writeFileSync(join(on.repo, 'fetch.sh'), `${get(`${url}/setup`)} > setup.txt\n`);
      git(on.repo, 'add', '.');
      git(on.repo, 'commit', '-qm', 'fetch');
      putHooks(on.repo, '[worktree]\nsetup = "sh fetch.sh"\n[agents.check]\nnetwork = "none"\n');
      const engine = await startWalled(`network = "hosts"\nhosts = ["packages.lan:${port}=127.0.0.1"]\n`, { on });
      const fields =
        '**Check:** test -z "$http_proxy" && test "$(tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " ")" = lo';
      await begin(engine, 'set', planText([{ sh: `${get(`${url}/agent`)} > agent.txt`, fields }]));
      await untilStatus(engine, 'set', 'done');
      expect(git(engine.repo, 'show', 'plan/set:setup.txt')).toBe('200 of the internet');
      expect(git(engine.repo, 'show', 'plan/set:agent.txt')).toBe('200 of the internet');
      expect(asked).toEqual([`packages.lan:${port}/setup`, `packages.lan:${port}/agent`]);
    });

    it('an agent keeps its network while no engine is there', async () => {
      const on = ground();
      const { port, asked } = await startInternet();
      const setup = { on };
      const keys = `network = "hosts"\nhosts = ["packages.lan:${port}=127.0.0.1"]\n`;
      const engine = await startWalled(keys, setup);
      await begin(
        engine,
        'stays',
        planText([`echo > begun; ${gate('go')}; ${get(`http://packages.lan:${port}/`)} > got`]),
      );
      await untilRunning(engine, 'stays-w1-t1');
      const worktree = join(on.repo, '.worktrees', 'plan-stays-w1-t1');
      await until(() => existsSync(join(worktree, 'begun')));
      await engine.engine.stop({ agents: 'leave' });
      writeFileSync(join(worktree, 'go'), '');
      await until(() => asked.length === 1);
      const next = await startWalled(keys, { ...setup, adds: false });
      await untilStatus(next, 'stays', 'done');
      expect(git(on.repo, 'show', 'plan/stays:got')).toBe('200 of the internet');
    });

    it('nothing that the environment of an agent has Node load is loaded by its proxy, which is outside', async () => {
      const on = ground();
      const loads = join(on.root, 'loads.cjs');
      writeFileSync(loads, `require('node:fs').writeFileSync('${join(on.root, 'loaded')}', '')`);
      writeFileSync(join(on.root, 'env'), `NODE_OPTIONS=--require=${loads}\n`);
      const engine = await startWalled(`network = "hosts"\nenv_file = "${join(on.root, 'env')}"\n`, { on });
      await begin(engine, 'loads', planText(['exit 3']));
      await untilPhase(engine, 'loads', 'wave_waiting');
      expect(existsSync(join(on.root, 'loaded'))).toBe(false);
    });
  },
);

describe('a network that cannot be limited', () => {
  it.each([
    ['sandbox = "off"\nnetwork = "hosts"', 'network = "hosts" of [agents.coder] limits nothing with sandbox = "off"'],
    ['sandbox = "off"\nnetwork = "none"', 'network = "none" of [agents.coder] limits nothing with sandbox = "off"'],
  ])('is refused with the reason when the configuration is read: %s', async (keys, words) => {
    const on = ground();
    await expect(startEngine({ on, daemon: `[agents.default]\n${keys}\n` })).rejects.toThrow(words);
  });

  it('is refused before anything starts if there are no walls', async () => {
    const on = ground();
    const daemon = 'blueprint_skip_threshold = 0\n[agents.default]\nnetwork = "hosts"\n';
    const engine = await startEngine({ on, daemon, env: { ...on.env, STATOR_SANDBOX: 'off' } });
    await expect(begin(engine, 'free', planText(['echo x > x']))).rejects.toMatchObject({
      code: 'agent_unusable',
      message: 'coder: network = "hosts" is kept by walls, and STATOR_SANDBOX=off turns them off',
    });
  });
});

describe('hosts that need no list', () => {
  it('are the registries that the files of the repository name, the service of the preset, and the address that a person set instead', () => {
    const { repo } = ground();
    const env = { ANTHROPIC_BASE_URL: 'https://models.example:8443/v1' };
    const hosts = ['registries', 'example.com'];
    expect(hostsOf({ preset: 'sh', hosts }, { repo, env })).toEqual(['example.com']);
    writeFileSync(join(repo, 'package.json'), '{}');
    writeFileSync(join(repo, 'Cargo.toml'), '');
    const registries = [
      'registry.npmjs.org',
      'registry.yarnpkg.com',
      'index.crates.io',
      'static.crates.io',
      'crates.io',
    ];
    expect(hostsOf({ preset: 'command', hosts }, { repo, env })).toEqual([...registries, 'example.com']);
    const claude = hostsOf({ preset: 'claude', hosts: [] }, { repo, env });
    expect(claude).toContain('api.anthropic.com');
    expect(claude).toContain('models.example:8443');
    expect(claude).not.toContain('registry.npmjs.org');
  });
});
