import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { planOf, type Terminal, terminal } from '../support/cli.ts';
import { gate, leaveToken, openGate, untilFile } from '../support/engine.ts';
import { left, signalsOf, untilGone } from '../support/gateway.ts';
import { git, until } from '../support/ground.ts';
import { liveHere } from '../support/killed-engine.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

const script = (name: string) => fileURLToPath(new URL(`../support/scripts/${name}`, import.meta.url));
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A process of a test, which is killed at the end of the test. */
function started(file: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [file, ...args], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (text: Buffer) => {
    said += text.toString();
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  cleanups.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const finish = async () => {
    child.stdin.end();
    await ended;
  };
  const { pid } = child;
  if (pid === undefined) throw new Error(`${file} did not start`);
  /** Stops or continues it; a stopped process is continued before it is killed. */
  const signal = (name: 'SIGSTOP' | 'SIGCONT') => void process.kill(pid, name);
  return { finish, signal, untilSaid: (word: string) => until(() => said.includes(word)) };
}

/** A repo with the plan `p`, registered and not started. */
async function registered(): Promise<Terminal> {
  const made = terminal();
  made.write('p.md', planOf(['true']));
  made.write('.stator/config.toml', '[agents.default]\npreset = "sh"\n');
  const { code, stderr } = await made.stator(['plan', 'register', 'p.md', '--trust']);
  expect(code, stderr).toBe(0);
  return made;
}

function storeOf({ home }: Terminal): string {
  return join(home, 'taskstore.db');
}

/** A path that cannot be a home. */
function noHome({ repo }: Terminal): NodeJS.ProcessEnv {
  return { STATOR_HOME: join(repo, 'README.md') };
}

/** Another program locks the store. */
async function locked(made: Terminal) {
  const writer = started(script('store-writer.mjs'), [storeOf(made)], process.env);
  await writer.untilSaid('locked');
  return writer;
}

function canWrite(made: Terminal): boolean {
  const db = new BetterSqlite3(storeOf(made), { timeout: 0 });
  try {
    db.exec('BEGIN IMMEDIATE; ROLLBACK');
    return true;
  } catch {
    return false; // somebody else holds it
  } finally {
    db.close();
  }
}

function engineOf(made: Terminal) {
  return started(script('killed-engine.mjs'), [JSON.stringify({ home: made.home })], made.env);
}

interface Row {
  readonly type: string;
  readonly origin: string;
  readonly run: string | null;
  readonly status: string;
  readonly payload: string;
}

function rowsOf(made: Terminal): Row[] {
  const db = new BetterSqlite3(storeOf(made), { readonly: true });
  try {
    const sql = `SELECT type, origin, run, status, payload FROM signals WHERE plan = 'p' AND origin <> 'engine' ORDER BY id`;
    return db.prepare(sql).all() as Row[];
  } finally {
    db.close();
  }
}

describe('stator signal emit, where the store cannot be written,', () => {
  it('leaves a signal file, says where, and the next engine takes it', async () => {
    const made = await registered();
    const writer = await locked(made);
    // Both wait for the store at the same time.
    const [{ code, stdout, stderr }, json] = await Promise.all([
      made.stator(['signal', 'emit', 'review-changes', 'p', '--payload', 'no']),
      made.stator(['signal', 'emit', 'planner_finished', 'p', '--json']),
    ]);
    const file = join(made.repo, '.stator', 'signals', 'review-changes-p');
    expect(code).toBe(0);
    expectProse(stdout, 'review_changes_requested', file);
    expectProse(stderr, file);
    expect(readFileSync(file, 'utf8')).toBe('no');
    expect(readdirSync(join(made.repo, '.stator', 'signals', 'staging'))).toEqual([]);
    expect(JSON.parse(json.stdout)).toEqual({
      signal: { id: null, type: 'planner_finished', status: 'pending', result: null, refused: null },
      plan: { project: 'demo', plan: 'p', status: null, phase: null, waits: null },
      file: join(made.repo, '.stator', 'signals', 'planner-finished-p'),
    });
    await writer.finish();
    const engine = await liveHere(made);
    await untilGone(join(made.repo, '.stator', 'signals'));
    await engine.stop();
    const said = rowsOf(made).map(({ type, origin, payload }) => ({ type, origin, payload: JSON.parse(payload) }));
    expect(said).toHaveLength(2);
    expect(said).toContainEqual({ type: 'review_changes_requested', origin: 'file', payload: { body: 'no' } });
    expect(said).toContainEqual({ type: 'planner_finished', origin: 'file', payload: {} });
  });

  it('leaves it in the worktree of the run that says it', async () => {
    const made = await registered();
    const worktree = join(made.repo, '.worktrees', 'plan-p');
    git(made.repo, 'worktree', 'add', '-q', worktree);
    const writer = await locked(made);
    const env = { STATOR: '1', STATOR_RUN: 'a#1', STATOR_PROJECT: 'demo', STATOR_PLAN: 'p' };
    const inside = join(worktree, 'deep');
    mkdirSync(inside);
    const { code } = await made.stator(['signal', 'emit', 'implement_finished'], { cwd: inside, env });
    expect(code).toBe(0);
    expect(left(join(worktree, '.stator', 'signals'))).toEqual(['implement-finished-p']);
    await writer.finish();
  });

  it('overwrites no word that lies there already', async () => {
    const made = await registered();
    const say = (body: string) =>
      made.stator(['signal', 'emit', 'review_changes', 'p', '--payload', body], { env: noHome(made) });
    expect((await say('one')).code).toBe(0);
    expect((await say('one')).code).toBe(0);
    expect((await say('two')).code).toBe(0);
    const third = await say('three');
    expect(third.code).toBe(78);
    expectRefusal(third.stderr, 'review-changes-p');
    const folder = signalsOf(made.repo);
    expect(left(folder).map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual(['one', 'two']);
  });

  it('leaves a question as well, and why there was nothing to change, of a task and of a whole plan', async () => {
    const made = await registered();
    const env = { ...noHome(made), STATOR_WAVE: '1', STATOR_TASK: '2' };
    const payload = '{"no_change":"all tests pass"}';
    for (const type of ['implement_task_finished', 'implement_finished'])
      expect((await made.stator(['signal', 'emit', type, 'p', '--payload', payload], { env })).code).toBe(0);
    const folder = signalsOf(made.repo);
    expect(left(folder)).toEqual(['no-change-p', 'no-change-w1-t2-p']);
    const asked = await made.stator(['signal', 'emit', 'needs_decision', 'p', '--payload', 'which?'], { env });
    expect(asked.code, asked.stderr).toBe(0);
    expect(readFileSync(join(folder, 'needs-decision-p'), 'utf8')).toBe('which?');
    writeFileSync(join(folder, 'no-change-w1-t1-p'), '');
    const engine = await liveHere(made);
    await untilGone(folder);
    await engine.stop();
    expect(readdirSync(join(folder, 'failed')).sort()).toContain('no-change-w1-t1-p.reason');
    const rows = rowsOf(made);
    expect(new Set(rows.map(({ origin }) => origin))).toEqual(new Set(['file']));
    const said = rows.map(({ type, payload: stored }) => [type, JSON.parse(stored)]);
    expect(said).toHaveLength(3);
    expect(said).toContainEqual(['needs_decision', { reason: 'which?' }]);
    expect(said).toContainEqual(['implement_finished', { no_change: 'all tests pass' }]);
    const place = { wave_number: 1, task_number: 2 };
    expect(said).toContainEqual(['implement_task_finished', { ...place, no_change: 'all tests pass' }]);
  });

  it('refuses a signal that no file can express, and any signal outside of a repo', async () => {
    const made = await registered();
    const env = noHome(made);
    const verdict = await made.stator(['signal', 'emit', 'verify_approved', 'p'], { env });
    expect(verdict.code).toBe(78);
    expectRefusal(verdict.stderr, 'verify_approved', '"p"');
    const elsewhere = await made.stator(['signal', 'emit', 'implement_finished', 'p', '--project', 'demo'], {
      cwd: made.root,
      env,
    });
    expect(elsewhere.code).toBe(78);
    expectRefusal(elsewhere.stderr, made.root, 'demo');
    expect(existsSync(join(made.repo, '.stator', 'signals'))).toBe(false);
  });
});

it("while the engine is stopped, and holds the home, an agent's question is a row of its run, and a person's word a row of a person; an agent may say no more than otherwise, and an unknown token nothing", async () => {
  const made = terminal();
  const [token, open] = [join(made.root, 'token'), join(made.root, 'open')];
  made.write('p.md', planOf([`${leaveToken(token)}\n${gate(open)}`]));
  const { code, stderr } = await made.stator(['plan', 'register', 'p.md', '--trust']);
  expect(code, stderr).toBe(0);
  const engine = engineOf(made);
  await engine.untilSaid('up');
  expect((await made.stator(['plan', 'advance', 'p', 'implement-start'])).code).toBe(0);
  await untilFile(token);
  const env = { STATOR_PROJECT: 'demo', STATOR_PLAN: 'p', STATOR_TOKEN: readFileSync(token, 'utf8').split('\n')[1] };
  const before = rowsOf(made).length;
  await until(() => {
    engine.signal('SIGSTOP');
    if (canWrite(made)) return true;
    engine.signal('SIGCONT'); // it was stopped in the middle of a transaction
    return false;
  });
  const heard = () => rowsOf(made).slice(before);
  const [raised, foreign, nobody] = await Promise.all([
    made.stator(['signal', 'emit', 'cancel'], { env }),
    made.stator(['signal', 'emit', 'implement_finished', 'other'], { env }),
    made.stator(['signal', 'emit', 'implement_finished', 'p'], { env: { STATOR_TOKEN: 'x' } }),
  ]);
  expect([raised.code, foreign.code, nobody.code]).toEqual([1, 1, 1]);
  expectRefusal(raised.stderr, '"cancel"', 'agent:p-coder');
  expectRefusal(foreign.stderr, 'agent:p-coder', 'demo/p', 'demo/other');
  expectRefusal(nobody.stderr);
  expect(heard()).toEqual([]);
  const [asked, person] = await Promise.all([
    made.stator(['signal', 'emit', 'needs_decision', '--payload', 'which one?'], { env }),
    made.stator(['signal', 'emit', 'pause', 'p', '--json']),
  ]);
  expect(asked.code, asked.stderr).toBe(0);
  expectProse(`${asked.stdout}${asked.stderr}`, 'needs_decision');
  expect(person.code, person.stderr).toBe(0);
  expect(JSON.parse(person.stdout)).toMatchObject({ signal: { type: 'pause', status: 'pending' } });
  const question = heard().find(({ type }) => type === 'needs_decision');
  expect(question).toMatchObject({ origin: 'agent:p-coder', status: 'pending', payload: '{"reason":"which one?"}' });
  expect(question?.run).not.toBeNull();
  expect(heard().find(({ type }) => type === 'pause')).toMatchObject({ origin: 'person', run: null });
  expect(existsSync(join(made.repo, '.stator', 'signals'))).toBe(false);
  // The engine takes both when it goes on.
  engine.signal('SIGCONT');
  await until(() => heard().every(({ status }) => status !== 'pending'));
  expect(heard().find(({ type }) => type === 'needs_decision')?.status).toBe('done');
  openGate(open);
  await engine.finish();
});

it('an empty payload counts as no payload, and a text in the place of the plan is named with the command for it', async () => {
  const made = await registered();
  for (const payload of ['', ' \n'])
    expect((await made.stator(['signal', 'emit', 'plan_start', 'p', '--payload', payload, '--no-wait'])).code).toBe(0);
  expect((await made.stator(['signal', 'emit', 'plan_start', 'p', '--payload=', '--no-wait'])).code).toBe(0);
  expect(rowsOf(made).map(({ payload }) => payload)).toEqual(['{}', '{}', '{}']);
  const missing = await made.stator(['signal', 'emit', 'plan_start', 'p', '--payload']);
  const displaced = await made.stator(['signal', 'emit', 'needs_decision', 'left or: right/up?']);
  expect([missing.code, displaced.code]).toEqual([64, 64]);
  expectRefusal(missing.stderr, '--payload');
  expect(displaced.stderr).toContain("stator signal emit needs_decision --payload 'left or: right/up?'");
});

it('a field that no payload of the type has is refused by its name, with the nearest', async () => {
  const made = await registered();
  const expectRefused = async (type: string, payload: string, ...places: string[]) => {
    const { code, stderr } = await made.stator(['signal', 'emit', type, 'p', '--payload', payload]);
    expect(code).toBe(64);
    expectRefusal(stderr, type, ...places);
  };
  const fields = ['body', 'fsm_applied', 'reviewed_sha'];
  await expectRefused('review_approved', '{"origin": "person"}', '"origin"', ...fields);
  await expectRefused('needs_decision', '{"resaon": "which?"}', '"resaon"', 'reason?');
  await expectRefused('retry_wave', '{"wave": 1}', '"wave"');
  await expectRefused('verify_approved', '{"origin": "person"}', 'origin');
  expect(rowsOf(made)).toEqual([]);
});

it('what is emitted while an engine starts, and while it goes, is heard once', async () => {
  const made = await registered();
  const engine = engineOf(made);
  const bodies = ['one', 'two', 'three', 'four'];
  const emit = (body: string) => made.stator(['signal', 'emit', 'plan_start', 'p', '--payload', body, '--no-wait']);
  const first = Promise.all(bodies.slice(0, 2).map(emit));
  await engine.untilSaid('up');
  expect((await first).map(({ code }) => code)).toEqual([0, 0]);
  const second = Promise.all(bodies.slice(2).map(emit));
  await engine.finish();
  expect((await second).map(({ code, stderr }) => (code === 0 ? '' : stderr))).toEqual(['', '']);
  const heard = rowsOf(made).map(({ payload }) => JSON.parse(payload).body);
  expect(heard.sort()).toEqual([...bodies].sort());
});

it('a row that another program writes is seen while the engine runs', async () => {
  const made = await registered();
  const engine = await liveHere(made);
  const sql = `INSERT INTO signals (project, plan, type, payload) VALUES ('demo', 'p', 'plan_start', 'as it is')`;
  const writer = started(script('store-writer.mjs'), [storeOf(made), sql], process.env);
  await writer.finish();
  await until(() => rowsOf(made).length === 1 && rowsOf(made)[0]?.status !== 'pending');
  expect(rowsOf(made)).toEqual([
    { type: 'plan_start', origin: 'person', run: null, status: 'done', payload: 'as it is' },
  ]);
  await engine.stop();
});
