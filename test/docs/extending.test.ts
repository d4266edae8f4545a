/** The changes that docs/extending.md records are applied to a copy of the sources, built, and do what the page says. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compile } from '../support/compile.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/extending.md'), 'utf8');

/** The changes of those sections, and the files of each. */
const changes = [
  'A state of the plan',
  'An operation',
  'A forge',
  'A source of intake',
  "An agent's program",
  'A channel of hooks',
].map((section) => {
  const [, change = ''] = /```diff\n([\s\S]*?)```/.exec(page.slice(page.indexOf(`\n## ${section}\n`))) ?? [];
  return { change, files: [...change.matchAll(/^\+\+\+ b\/(.+)$/gm)].map(([, file = '']) => file) };
});
const [ofState = [], ofOperation = [], ofForge = [], ofSource = [], ofProgram = [], ofChannel = []] = changes.map(
  ({ files }) => files,
);
let copy = '';

/** The sources with all of them, compiled: with what was made of them, so that the compiler looks only at what a change reaches. */
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'stator-extended-'));
  const copied = [
    ...['machines', 'actors', 'runtime', 'cli', 'page', 'scripts', 'dist'],
    ...['tsconfig.json', 'tsconfig.build.json', 'package.json'],
  ];
  for (const name of copied) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  execFileSync('git', ['apply', '-'], {
    cwd: copy,
    input: changes.map(({ change }) => change).join(''),
    env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() },
  });
  // No test here reads declarations or maps.
  expect(compile(copy, 'tsconfig.build.json', '--declaration', 'false', '--sourceMap', 'false')).toEqual([]);
}, 900_000);

afterAll(() => rmSync(copy, { recursive: true, force: true }));

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd: copy, encoding: 'utf8', stdio: 'pipe' });
}

/** Brings a plan to its verification, which a person approves, and answers its questions. */
const walk = `
import { hookEventsOf } from './dist/actors/hook-events.js';
import { planSummary } from './dist/actors/plan-view.js';
import { createTrees } from './dist/actors/tree.js';
import { defaultPolicy } from './dist/machines/vocabulary/policy.js';
const trees = createTrees();
const said = (type, payload) => ({ type, payload, origin: 'person', actor: '', run: null, at: 1 });
const content = '# A\\n\\n## Wave 1\\n\\n### Task 1: b\\n\\nc\\n';
const opened = said('plan_opened', { content, branch: 'plan/a', topic: null, generation: 0, policy: defaultPolicy });
const { tree } = trees.create('plan:demo/a', { ...opened, origin: 'engine' });
const told = [];
for (const [type, payload] of [['set_status', { status: 'verifying' }], ['verify_approved', {}], ['resolve', { body: 'signed' }]]) {
  const step = trees.step(tree, said(type, payload));
  const { status, blocked } = planSummary(tree);
  const hooks = hookEventsOf(tree, step).map(({ event, from, to }) => event + ' ' + from + '>' + to);
  const tags = [...tree.root.getSnapshot().tags].filter((tag) => tag === 'waits:signature');
  told.push({ type, verdict: step.verdict.status, status, asks: blocked?.reason ?? null, tags, hooks });
}
console.log(JSON.stringify(told));
`;

it('a state of the plan is at most five files, and lists, hooks and a person’s answer know of it', {
  timeout: 900_000,
}, () => {
  expect(ofState.length).toBeGreaterThan(0);
  expect(ofState.length).toBeLessThanOrEqual(5);
  run(process.execPath, 'scripts/check-state-names.mjs');
  writeFileSync(join(copy, 'walk.mjs'), walk);
  expect(JSON.parse(run(process.execPath, 'walk.mjs'))).toEqual([
    {
      type: 'set_status',
      verdict: 'done',
      status: 'verifying',
      asks: 'the status was set to verifying by hand',
      tags: [],
      hooks: [],
    },
    {
      type: 'verify_approved',
      verdict: 'done',
      status: 'verifying',
      asks: 'it is verified: sign it with `stator plan answer`',
      tags: ['waits:signature'],
      hooks: ['verify_approved verifying>verifying', 'blocked verifying>verifying'],
    },
    {
      type: 'resolve',
      verdict: 'done',
      status: 'done',
      asks: null,
      tags: [],
      hooks: ['resolved verifying>done'],
    },
  ]);
  const outside = 'runtime/api/queries/waiting.ts';
  writeFileSync(join(copy, outside), `${readFileSync(join(copy, outside), 'utf8')}\nexport const wrong = 'signing';\n`);
  const checked = spawnSync(process.execPath, ['scripts/check-state-names.mjs'], { cwd: copy, encoding: 'utf8' });
  expect([checked.status, checked.stderr]).toEqual([1, expect.stringContaining(`${outside}:`)]);
});

/** Calls verbs of the copy in the process of a script, which has loaded most of their modules already. Throws if a verb ends with another code. */
const inProcess = `
import { Readable } from 'node:stream';
import { runProgram } from './dist/cli/program.js';
async function call(words, where, accepted = [0]) {
  const [stdout, stderr] = [[], []];
  const streams = [stdout, stderr].map((parts) => ({ write: (part) => void parts.push(part) }));
  const code = await runProgram({ argv: words, ...where, stdin: Readable.from([]), stdout: streams[0], stderr: streams[1] });
  if (!accepted.includes(code)) throw new Error(words.join(' ') + ' ended with ' + code + ': ' + stderr.join(''));
  return stdout.join('');
}
`;

/** Asks a real engine in each possible way. */
const asks = `
${inProcess}
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { createEngine } from './dist/runtime/engine/engine.js';
import { describeApi } from './dist/runtime/api/control/openapi.js';
import { routes } from './dist/runtime/api/control/routes.js';
import { commandPages } from './dist/scripts/cli-section.js';
import { routeTable } from './dist/scripts/api-section.js';
import { tools } from './dist/runtime/api/mcp/server.js';
import { askOf } from './dist/runtime/api/mcp/tool.js';
const folder = mkdtempSync(join(tmpdir(), 'stator-asked-'));
const repo = join(folder, 'shop');
execFileSync('git', ['init', '-q', '-b', 'main', repo]);
const me = ['-c', 'user.name=a', '-c', 'user.email=a@b.test'];
execFileSync('git', [...me, 'commit', '-q', '--allow-empty', '-m', 'first'], { cwd: repo });
const env = { ...process.env, STATOR_HOME: join(folder, 'home') };
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const engine = await createEngine({ home: env.STATOR_HOME, env, log: silent });
await engine.client.addRepo(repo, { trust: true });
const answer = await engine.client.countDeliveries({ project: 'shop' });
const http = await (await engine.fetch(new Request('http://stator/v1/repos/shop/hooks/count'))).json();
const client = { ...engine.client, async close() {} };
const caller = { own: null, project: null, attach: async () => client, open: async () => client };
const tool = await tools.find(({ name }) => name === 'delivery_count').run(askOf({ caller, input: { project: 'shop' } }));
await engine.stop();
const stator = (...words) => call(words, { env, cwd: process.cwd() });
console.log(JSON.stringify({
  answer,
  http,
  tool,
  description: describeApi(routes).paths['/v1/repos/{project}/hooks/count'].get.summary,
  json: JSON.parse(await stator('hook', 'count', '--project', 'shop', '--json')),
  text: await stator('hook', 'count', '--project', 'shop'),
  page: (await stator('hook', 'count', '--help')).split('\\n')[0],
  list: await stator('hook', '--help'),
  completion: (await stator('completion', 'bash')).includes('count'),
  docs: [commandPages().includes('Count the deliveries'), routeTable().includes('hooks/count')],
}));
rmSync(folder, { recursive: true });
`;

it('an operation is one file, and every surface has it', { timeout: 900_000 }, () => {
  expect(ofOperation).toEqual(['runtime/api/operations/hook.ts']);
  writeFileSync(join(copy, 'asks.mjs'), asks);
  const none = { pending: 0, delivered: 0, dead: 0 };
  expect(JSON.parse(run(process.execPath, 'asks.mjs'))).toEqual({
    answer: none,
    http: none,
    tool: none,
    description: 'how many deliveries the hooks of a repo have, by state',
    json: none,
    text: 'pending    0\ndelivered  0\ndead       0\n',
    page: 'Count the deliveries of this repo by state.',
    list: expect.stringContaining('  count             count the deliveries\n'),
    completion: true,
    docs: [true, true],
  });
});

/** A table of daemon.toml with the new source, one with a source that is not there, and what asks the new one. */
const takesIn = `
import { intakesSchema } from './dist/runtime/base/config/intake.js';
import { intakeKeys } from './dist/runtime/base/config/reference.js';
import { createSource } from './dist/runtime/work/intake/sources/sources.js';
const read = intakesSchema.safeParse({ bugs: { source: 'acme', project: 'shop', labels: ['stator'] } });
const wrong = intakesSchema.safeParse({ bugs: { source: 'none', project: 'shop' } });
const config = { ...read.data.bugs, name: 'bugs', every: 60000 };
console.log(JSON.stringify({
  source: read.data.bugs.source,
  accepted: wrong.error.issues[0].message,
  asks: typeof createSource(config, { store: {}, nowMs: Date.now }).look,
  documented: intakeKeys.some(({ key, accepted }) => key === 'source' && accepted.includes('"acme"')),
}));
`;

it('a source of intake is a value of the configuration and one that asks it', { timeout: 900_000 }, () => {
  const [config, asking] = ['runtime/base/config', 'runtime/work/intake/sources'];
  expect(ofSource).toEqual([
    `${config}/intake-sources/acme.ts`,
    `${config}/intake.ts`,
    `${asking}/acme.ts`,
    `${asking}/sources.ts`,
  ]);
  writeFileSync(join(copy, 'takes-in.mjs'), takesIn);
  expect(JSON.parse(run(process.execPath, 'takes-in.mjs'))).toEqual({
    source: 'acme',
    accepted: expect.stringMatching(/^source = one of .*"acme"/),
    asks: 'function',
    documented: true,
  });
});

/** A repo whose hook has the new channel, and a receiver. */
const notifies = `
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingVariables } from './dist/runtime/base/config/config.js';
import { hookKeys } from './dist/runtime/base/config/reference.js';
import { createEngine } from './dist/runtime/engine/engine.js';
const folder = mkdtempSync(join(tmpdir(), 'stator-told-'));
const repo = join(folder, 'shop');
execFileSync('git', ['init', '-q', '-b', 'main', repo]);
const me = ['-c', 'user.name=a', '-c', 'user.email=a@b.test'];
execFileSync('git', [...me, 'commit', '-q', '--allow-empty', '-m', 'first'], { cwd: repo });
mkdirSync(join(repo, '.stator'));
const hook = ['[[hooks]]', 'type = "acme"', 'name = "chat"', 'room = "ops"'];
writeFileSync(join(repo, '.stator/config.toml'), hook.join('\\n'));
const received = [];
const server = createServer(async (request, answer) => {
  received.push(JSON.parse((await request.toArray()).join('')));
  answer.end();
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const env = { ...process.env, STATOR_HOME: join(folder, 'home') };
const given = { ...env, ACME_CHAT_URL: 'http://127.0.0.1:' + server.address().port };
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const { client, stop } = await createEngine({ home: env.STATOR_HOME, env: given, log: silent });
const { enables } = await client.addRepo(repo, { trust: true });
const [{ type, target }] = await client.hooks({ project: 'shop' });
const tested = await client.testHook({ project: 'shop', hook: 'chat' });
await stop();
server.close();
rmSync(folder, { recursive: true });
const [{ room, text }] = received;
console.log(JSON.stringify({
  ...{ enables, type, target, room, isText: text.length > 0, delivered: tested.delivered },
  missing: missingVariables([{ type, room, name: 'chat', events: [], enabled: true }], env),
  documented: hookKeys.find(({ key }) => key === 'room').does,
  kinds: hookKeys.find(({ key }) => key === 'type').does,
}));
`;

it('a channel of hooks is one value and an entry that sends it, and it is checked, trusted, listed, delivered and documented', {
  timeout: 900_000,
}, () => {
  const channels = 'runtime/base/config/channels';
  expect(ofChannel).toEqual([`${channels}/acme.ts`, `${channels}/channels.ts`, 'runtime/work/effects/hook-senders.ts']);
  writeFileSync(join(copy, 'notifies.mjs'), notifies);
  expect(JSON.parse(run(process.execPath, 'notifies.mjs'))).toEqual({
    enables: ['hook chat on every event: a message in the chat of Acme'],
    ...{ type: 'acme', target: 'ops', room: 'ops', isText: true, delivered: true },
    missing: [expect.stringContaining('ACME_CHAT_URL')],
    documented: 'acme: the room that gets the message; required',
    kinds: expect.stringMatching(/, or a message in the chat of Acme$/),
  });
});

it('a user-defined machine is one file', () => {
  const named = [...page.matchAll(/\]\(\.\.\/(examples\/[^)]+)\)/g)].map(([, file]) => file);
  expect(named).toEqual(['examples/release/release.mjs']);
});

/** A server that answers as the new forge does; every other request is refused. */
const recognizes = `
import { askKind } from './dist/runtime/work/forges/server-list.js';
import { createForge } from './dist/runtime/work/forges/create-forge.js';
import { readServers } from './dist/runtime/work/forges/servers.js';
import { findToken } from './dist/runtime/work/forges/tokens.js';
const url = 'https://forge.acme.test';
const send = async ({ url: asked }) => ({ status: asked === url + '/api/acme' ? 200 : 404, headers: {}, body: '' });
const server = readServers('/nowhere').list.find((one) => one.url === url);
const repo = { owner: 'ada', name: 'demo' };
console.log(JSON.stringify({
  kind: await askKind({ url, allowPrivate: false, send }),
  known: server.kind,
  token: await findToken(server, { ACME_TOKEN: 'secret' }),
  forge: createForge({ server, repo, token: null }).server.name,
}));
`;

it('a forge is one value and the calls of its API, and it is recognized, listed and asked', {
  timeout: 900_000,
}, () => {
  expect(ofForge).toEqual(
    ['kinds/acme.ts', 'kinds/kinds.ts', 'create-forge.ts'].map((name) => `runtime/work/forges/${name}`),
  );
  writeFileSync(join(copy, 'recognizes.mjs'), recognizes);
  expect(JSON.parse(run(process.execPath, 'recognizes.mjs'))).toEqual({
    kind: 'acme',
    known: 'acme',
    token: { token: 'secret', from: 'ACME_TOKEN' },
    forge: 'forge.acme.test',
  });
});

/** A program of that name on PATH, which a repo is set up for, and which works on a plan. */
const works = `
${inProcess}
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
const folder = mkdtempSync(join(tmpdir(), 'stator-acme-'));
const [repo, programs] = ['shop', 'programs'].map((name) => join(folder, name));
for (const each of [repo, programs]) mkdirSync(each);
const events = [
  { type: 'init', session_id: 's', model: 'm' },
  { type: 'message', role: 'assistant', content: 'It is made.', delta: true },
  { type: 'result', status: 'success', stats: { total_tokens: 12, input_tokens: 10, output_tokens: 2 } },
];
const script = [
  '#!/bin/sh',
  'case "$1" in',
  '  --version) echo 1.0.0 ;;',
  '  --help) echo "--stream --session --model" ;;',
  '  *) cat >/dev/null; echo made >made.txt; git add made.txt; git commit -q -m made',
  ...events.map((event) => "    echo '" + JSON.stringify(event) + "'"),
  'esac',
];
writeFileSync(join(programs, 'acme'), script.join('\\n'), { mode: 0o755 });
// Verbs look for programs in the folders of the process.
Object.assign(process.env, { HOME: folder, STATOR_HOME: join(folder, 'home'), PATH: programs + ':' + process.env.PATH });
const where = { cwd: repo, env: process.env };
const stator = (...words) => call(words, where);
const git = (...args) => execFileSync('git', args, { cwd: repo });
git('init', '-q', '-b', 'main');
for (const [key, value] of [['name', 'a'], ['email', 'a@b.test']]) git('config', 'user.' + key, value);
git('commit', '-q', '--allow-empty', '-m', 'first');
const init = await stator('init', '--agent', 'acme', '--yes');
writeFileSync(join(repo, '.stator', 'config.toml'), '[agents.default]\\npreset = "acme"\\n[agents.reviewer]\\nenabled = false\\n');
writeFileSync(join(repo, 'p.md'), '# P\\n\\n## Wave 1\\n\\n### Task 1: a\\n\\nMake it.\\n');
await stator('run', 'p.md', '--trust');
// The machine may lack what other checks look for.
const { checks } = JSON.parse(await call(['doctor', '--json'], where, [0, 1]));
const [agent] = JSON.parse(await stator('agent', 'list', '--json'));
console.log(JSON.stringify({
  init,
  doctor: checks.find(({ name }) => name === 'agent acme')?.detail,
  plan: JSON.parse(await stator('plan', 'show', 'p', '--json')).status,
  agent: { preset: agent.preset, state: agent.state, tokens: agent.usage.input_tokens },
  log: await stator('agent', 'logs', agent.title),
}));
rmSync(folder, { recursive: true });
`;

it('a program that is an agent is two values, and it is offered, looked for and works', { timeout: 900_000 }, () => {
  const presets = 'runtime/work/agents/presets';
  expect(ofProgram).toEqual([`${presets}/acme.ts`, 'runtime/base/config/preset-programs.ts', `${presets}/programs.ts`]);
  writeFileSync(join(copy, 'works.mjs'), works);
  expect(JSON.parse(run(process.execPath, 'works.mjs'))).toEqual({
    init: expect.stringContaining('agent: acme\n'),
    doctor: expect.stringContaining('1.0.0, which was tried'),
    plan: 'done',
    agent: { preset: 'acme', state: 'succeeded', tokens: 10 },
    log: expect.stringContaining('It is made.\n'),
  });
});
