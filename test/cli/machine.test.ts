/**
 * A user-defined machine as a person uses it: named in daemon.toml, begun and sent to from the command line, killed in the middle. The machine is that of
 * examples/.
 */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { daemonGround, isAlive, shAgents } from '../support/daemon.ts';
import { afterwards, planText, startDaemonHere } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

const example = fileURLToPath(new URL('../../examples/release/release.mjs', import.meta.url));
const plans = ['api', 'page', 'docs'];
/** Takes each version under its key; `isOpen` false: it is not there yet. */
async function startRegistry() {
  const taken = new Map<string, string>();
  const state = { isOpen: true };
  const server = createServer(({ url = '', headers }, response) => {
    if (state.isOpen) taken.set(String(headers['idempotency-key']), url);
    response.writeHead(state.isOpen ? 201 : 503).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  afterwards(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  return { taken, state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** A daemon that has the release train and a registry, and the command line beside it; `record` puts what a command prints into the snapshot. */
async function startTrain() {
  const made = daemonGround(`${shAgents}[machines]\nrelease = "${example}"\n`);
  const registry = await startRegistry();
  const env = { RELEASE_REGISTRY: registry.url };
  // Only a daemon asks the registry: other verbs are called in this process.
  const say = async (...args: string[]) => made.stator(args, args[0] === 'daemon' ? { env } : {});
  const record = async (...args: string[]) => {
    const { code, stdout, stderr } = await say(...args);
    expectProse(
      `$ stator ${args.join(' ')}\n${stdout}${stderr}exit ${code}`.replaceAll(/\d\d:\d\d(?::\d\d)?/g, '<time>'),
    );
    return code;
  };
  const stateOf = async () => JSON.parse((await say('machine', 'show', 'release', '1.2', '--json')).stdout).value;
  return { made, registry, say, record, stateOf };
}

it('a release train waits for three plans, asks a person, survives the daemon’s death, and publishes once', async () => {
  const { made, registry, say, record, stateOf } = await startTrain();
  expect(await record('machine', 'list', 'release')).toBe(69);
  expect((await say('machine', 'export', 'release', '--tree', '1.2')).code).toBe(69);
  expect((await say('machine', 'export', 'release')).stderr).toContain('while an engine runs that has it');
  expect((await say('daemon', 'start')).code).toBe(0);
  const copy = await say('store', 'copy', '--to', join(made.root, 'copy.db'));
  expect([copy.code, copy.stderr]).toEqual([69, expect.stringContaining('stator daemon stop')]);
  expect((await say('repo', 'add', made.repo, '--trust')).code).toBe(0);
  const input = JSON.stringify({ project: 'demo', version: '1.2', plans });
  expect(await record('machine', 'start', 'release', '1.2', '--input', input)).toBe(0);
  expect(await record('machine', 'start', 'release', '1.2', '--input', 'version 1.2')).toBe(64);
  expect(await record('machine', 'explain', 'release', '1.2')).toBe(0);
  expect(await record('machine', 'send', 'release', '1.2', 'approve')).toBe(1);
  expect(await record('machine', 'list', 'relase')).toBe(1);
  for (const plan of plans) {
    made.write(`${plan}.md`, planText([`echo ${plan} > ${plan}.txt`]));
    expect((await say('run', `${plan}.md`)).code).toBe(0);
  }
  await until(async () => (await stateOf()) === 'asking');
  expect((await say('machine', 'explain', 'release', '1.2')).stdout).toMatch(/remind: due \d{4}-\d\d-\d\d \d\d:\d\d/);
  const notices = JSON.parse((await say('notify', 'list', '--json')).stdout) as { type: string }[];
  expect(notices.filter(({ type }) => type === 'machine_notice')).toMatchObject([
    { project: '', plan: null, tree: 'release:1.2', message: expect.stringContaining('may 1.2 be published?') },
  ]);
  // The registry is away, and the daemon dies while it is asked.
  registry.state.isOpen = false;
  expect((await say('signal', 'emit', 'approve', 'release:1.2')).code).toBe(0);
  const pid = made.owner()?.pid ?? 0;
  process.kill(pid, 'SIGKILL');
  await until(() => !isAlive(pid));
  registry.state.isOpen = true;
  expect((await say('daemon', 'start')).code).toBe(0);
  await until(async () => (await stateOf()) === 'out');
  expect([...registry.taken.values()]).toEqual(['/1.2']);
  expect((await say('machine', 'explain', 'release', '1.2')).stdout).toMatch(/^waits for +nothing: it has ended$/m);
  expect(await record('machine', 'list', 'release')).toBe(0);
  const history: { seq: number; event: string; at: string }[] = JSON.parse(
    (await say('machine', 'history', 'release', '1.2', '--json')).stdout,
  );
  expect(history.map(({ event }) => event)).toEqual([
    'begun',
    'approve',
    'plan_done',
    'plan_done',
    'plan_done',
    'approve',
    'published',
  ]);
  const found = await say('machine', 'verify', 'release', '1.2', '--json');
  expect([found.code, JSON.parse(found.stdout)]).toEqual([0, expect.objectContaining({ ok: true })]);
  const asked = history.findLast(({ event }) => event === 'plan_done');
  const then = JSON.parse((await say('machine', 'show', 'release', '1.2', '--to', `${asked?.seq}`, '--json')).stdout);
  expect(then).toMatchObject({ value: 'asking', status: 'active', seq: asked?.seq, at: asked?.at });
  expect((await say('machine', 'show', 'release', '1.2', '--at', asked?.at ?? '')).stdout).toMatch(/^as of line \d+, /);
  const early = await say('machine', 'show', 'release', '1.2', '--at', '2001-01-01T12:00');
  expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('stator machine history release 1.2')]);
  expect(await record('machine', 'show', 'release', '1.2', '--to', 'nine', '--at', '12:00')).toBe(64);
  const verified = await say('machine', 'verify', 'release', '1.2');
  expect([verified.code, verified.stdout]).toEqual([
    0,
    '1 tree replayed: what is stored is what the journal leads to\n',
  ]);
  // The verbs of plans take a tree, too.
  expect((await say('plan', 'verify', 'release:1.2')).stdout).toBe(verified.stdout);
  const last = JSON.parse((await say('plan', 'replay', 'release:1.2', '--json')).stdout);
  expect(last).toMatchObject({ machine: 'release', id: '1.2', value: 'out', seq: history.at(-1)?.seq });
  const past = ['plan', 'replay', 'release:1.2', '--to', `${asked?.seq}`, '--json'];
  expect(JSON.parse((await say(...past)).stdout)).toEqual(then);
  expect((await say('plan', 'replay', 'release:1.2', '--policy', 'max_agents=6')).code).toBe(64);
  expect((await say('plan', 'verify', 'release:none')).stderr).toContain('stator machine list release');
  const picture = await say('machine', 'export', 'release', '--tree', '1.2');
  expect(picture.stdout.match(/class="[^"]* lit" data-state="[^"]*"/g)).toEqual([expect.stringContaining('"out"')]);
});

it('a paused machine begins no effect until it is resumed, and no other daemon does', async () => {
  const { registry, say, record, stateOf } = await startTrain();
  const listed = async () => JSON.parse((await say('machine', 'list', '--json')).stdout);
  const publish = async () =>
    JSON.parse((await say('machine', 'explain', 'release', '1.2', '--json')).stdout).effects.map(
      ({ status, paused }: { status: string; paused: boolean }) => [status, paused],
    );
  expect((await say('daemon', 'start')).code).toBe(0);
  expect(await record('machine', 'pause', 'relase')).toBe(1);
  expect(await record('machine', 'pause', 'release', '--lane', 'publsih')).toBe(64);
  expect(await record('machine', 'pause', 'release', '--lane', 'publish')).toBe(0);
  expect(await record('machine', 'pause', 'release')).toBe(0);
  expect(await record('machine', 'pause', 'release')).toBe(0);
  const input = JSON.stringify({ project: 'demo', version: '1.2', plans: [] });
  expect((await say('machine', 'start', 'release', '1.2', '--input', input)).code).toBe(0);
  expect((await say('machine', 'send', 'release', '1.2', 'approve')).code).toBe(0);
  expect(await publish()).toEqual([['queued', true]]);
  expect((await say('machine', 'explain', 'release', '1.2')).stdout).toContain('publish: paused');
  expect(await record('machine', 'list', 'release')).toBe(0);
  expect((await say('machine', 'list')).stdout).toMatch(
    /^release +paused: all of it, lane publish; publishes a version/m,
  );
  expect((await say('daemon', 'restart')).code).toBe(0);
  expect(await publish()).toEqual([['queued', true]]);
  expect(await record('machine', 'resume', 'release')).toBe(0);
  expect(await publish()).toEqual([['queued', true]]);
  expect((await listed()).map(({ pauses }: { pauses?: unknown }) => pauses).filter(Boolean)).toEqual([
    [{ machine: 'release', lane: 'publish', since: expect.any(String) }],
  ]);
  expect(registry.taken.size).toBe(0);
  expect(await record('machine', 'resume', 'release', '--lane', 'publish')).toBe(0);
  await until(async () => (await stateOf()) === 'out');
  expect([...registry.taken.values()]).toEqual(['/1.2']);
  expect(await record('machine', 'resume', 'release')).toBe(0);
  expect((await listed()).some((each: object) => 'pauses' in each)).toBe(false);
});

it('lists when trees begin by themselves, and says without an engine that one is needed', async () => {
  const made = daemonGround(shAgents);
  const { root, stator } = made;
  const file = join(root, 'nightly.mjs');
  const schedules =
    "{ nightly: { cron: '0 3 * * *', timezone: 'Europe/Berlin', input: () => ({ project: 'demo', version: '1', plans: [] }) } }";
  writeFileSync(
    file,
    `import release from ${JSON.stringify(example)};\nexport default { ...release, schedules: ${schedules} };\n`,
  );
  made.configure(`${shAgents}[machines]\nrelease = "${file}"\n`);
  expect(await stator(['machine', 'schedules'])).toMatchObject({ code: 69, stdout: '' });
  await startDaemonHere(made);
  const listed = await stator(['machine', 'schedules']);
  expect([listed.code, listed.stdout]).toEqual([
    0,
    expect.stringMatching(/^release\/nightly +0 3 \* \* \* Europe\/Berlin /m),
  ]);
  expect(JSON.parse((await stator(['machine', 'schedules', '--json'])).stdout)).toMatchObject([
    { machine: 'release', name: 'nightly', cron: '0 3 * * *', timezone: 'Europe/Berlin', last: null },
  ]);
});

it('an input without its flag is refused with the flag', async () => {
  const { stator } = daemonGround(shAgents);
  const { code, stderr } = await stator(['machine', 'start', 'release', '1.2', '{"version": "1.2.0"}']);
  expect(code).toBe(64);
  expect(stderr).toContain(`hint: a JSON object goes with its flag: --input '{"version": "1.2.0"}'\n`);
});
