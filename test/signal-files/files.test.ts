import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startEngine, untilPlan, untilStatus } from '../support/engine.ts';
import {
  drop,
  forceStatus,
  fromFiles,
  left,
  places,
  reasonOf,
  signalsOf,
  untilGone,
  untilRefused,
  withPlan,
} from '../support/gateway.ts';
import { git, makeGround, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

describe('a signal file', () => {
  it('is taken from both folders of the repo, ours and kasmos’s, and is gone', async () => {
    const engine = await withPlan();
    await forceStatus(engine, 'login', 'reviewing');
    const bodies = places.map((place) => `from ${place}`);
    for (const [index, place] of places.entries()) {
      drop(signalsOf(engine.repo, place), 'review-changes-login', bodies[index]);
      await untilGone(signalsOf(engine.repo, place));
      await forceStatus(engine, 'login', 'reviewing');
    }
    const signals = await fromFiles(engine);
    expect(signals.map(({ type, status, payload }) => ({ type, status, payload }))).toEqual(
      bodies.map((body) => ({ type: 'review_changes_requested', status: 'done', payload: { body } })),
    );
    expect(git(engine.repo, 'status', '--porcelain')).toBe('');
  });

  it('has its content as the body, without the white space around it', async () => {
    const engine = await withPlan();
    await forceStatus(engine, 'login', 'reviewing');
    drop(signalsOf(engine.repo), 'review-changes-login', '\n  the tests\n  are missing \r\n\n');
    await untilGone(signalsOf(engine.repo));
    expect((await fromFiles(engine)).map(({ payload }) => payload)).toEqual([{ body: 'the tests\n  are missing' }]);
  });

  it('says each of the signals that it can say, by its name', async () => {
    const engine = await withPlan();
    const folder = signalsOf(engine.repo);
    const names: Record<string, { type: string; payload: object }> = {
      'planner-finished-login': { type: 'planner_finished', payload: { body: 'text' } },
      'implement-finished-login.md': { type: 'implement_finished', payload: { body: 'text' } },
      'review-approved-login': { type: 'review_approved', payload: { body: 'text' } },
      'review-changes-login': { type: 'review_changes_requested', payload: { body: 'text' } },
      'implement-task-finished-w1-t2-login': {
        type: 'implement_task_finished',
        payload: { wave_number: 1, task_number: 2 },
      },
      'implement-wave-2-login': { type: 'implement_wave', payload: { wave_number: 2 } },
      'elaborator-finished-login': { type: 'elaborator_finished', payload: {} },
    };
    for (const name of Object.keys(names)) drop(folder, name, 'text');
    await untilGone(folder);
    const byName = (a: { type: string }, b: { type: string }) => a.type.localeCompare(b.type);
    const said = (await fromFiles(engine)).map(({ type, payload }) => ({ type, payload }));
    expect(said.sort(byName)).toEqual(Object.values(names).sort(byName));
  });

  it('of a wave starts it, as a person’s word would', async () => {
    const engine = await withPlan();
    drop(signalsOf(engine.repo), 'implement-wave-1-login');
    await untilStatus(engine, 'login', 'done');
    expect((await fromFiles(engine)).map(({ status }) => status)).toEqual(['done']);
  });

  it('is taken in a repo that is registered while the engine runs, and no more in one whose engine was stopped', async () => {
    const engine = await startEngine({ adds: false });
    const folder = signalsOf(engine.repo);
    drop(folder, 'implement-finished-nobody');
    await engine.client.addRepo(engine.repo, { trust: true });
    await untilRefused(folder, 'implement-finished-nobody');
    await engine.engine.stop();
    drop(folder, 'implement-finished-later');
    const again = await startEngine({ on: engine, adds: false });
    await untilRefused(folder, 'implement-finished-later');
    await again.engine.stop();
  });

  it('that is written slowly is read whole', async () => {
    const engine = await withPlan();
    const folder = signalsOf(engine.repo);
    const file = join(folder, 'review-changes-login');
    // 250 ms without a write end a file. On a busy machine the writer itself may pause for that long: then it writes another one.
    for (let longestMs = Number.POSITIVE_INFINITY; longestMs > 200; ) {
      await forceStatus(engine, 'login', 'reviewing');
      longestMs = 0;
      writeFileSync(file, 'begin\n');
      for (let line = 0; line < 20; line += 1) {
        const writtenMs = performance.now();
        await new Promise((resolve) => setTimeout(resolve, 40));
        appendFileSync(file, `line ${line}\n`);
        longestMs = Math.max(longestMs, performance.now() - writtenMs);
      }
      await untilGone(folder);
    }
    expect((await fromFiles(engine)).at(-1)?.payload).toEqual({ body: readText(20).trim() });
  });

  it('that is dropped again under the same name counts again', async () => {
    const engine = await withPlan();
    const folder = signalsOf(engine.repo);
    const file = join(folder, 'implement-finished-login');
    for (let time = 1; time <= 3; time += 1) {
      drop(folder, 'implement-finished-login', `time ${time}`);
      await until(() => !existsSync(file));
    }
    await until(async () => (await fromFiles(engine)).length === 3);
    const bodies = (await fromFiles(engine)).map(({ payload }) => (payload as { body: string }).body);
    expect(bodies).toEqual(['time 1', 'time 2', 'time 3']);
  });

  it('waits with its plan while that is blocked, and is delivered when a person has answered', async () => {
    const engine = await withPlan();
    await forceStatus(engine, 'login', 'reviewing');
    await engine.client.send({ project: 'demo', plan: 'login', type: 'request_review' });
    await engine.client.send({ project: 'demo', plan: 'login', type: 'needs_decision', payload: { reason: 'which?' } });
    await untilPlan(engine, 'login', ({ blocked }) => blocked?.reason.includes('which?') === true);
    const folder = signalsOf(engine.repo);
    drop(folder, 'review-approved-login');
    await until(async () => (await fromFiles(engine)).some(({ status }) => status === 'held'));
    expect(left(folder)).toEqual([]);
    expect(left(join(folder, 'processing'))).toHaveLength(1);
    await engine.client.send({ project: 'demo', plan: 'login', type: 'resolve' });
    await untilGone(folder);
    expect((await fromFiles(engine)).map(({ status }) => status)).not.toContain('held');
  });

  it('that was written before another is said before it', async () => {
    const engine = await withPlan();
    await engine.engine.stop();
    const folder = signalsOf(engine.repo);
    const tasks = [7, 2, 9, 4, 1, 8, 3, 6, 5];
    for (const [index, task] of tasks.entries()) {
      const name = `implement-task-finished-w1-t${task}-login`;
      drop(folder, name);
      utimesSync(join(folder, name), 1_000_000 + index, 1_000_000 + index);
    }
    const again = await startEngine({ on: engine, adds: false });
    await untilGone(folder);
    const said = (await fromFiles(again)).map(({ payload }) => (payload as { task_number: number }).task_number);
    expect(said).toEqual(tasks);
  });

  it('that is hidden, or lies in staging, is left alone', async () => {
    const engine = await withPlan();
    const folder = signalsOf(engine.repo);
    mkdirSync(join(folder, 'staging'));
    const untouched = [join(folder, '.implement-finished-login'), join(folder, 'staging', 'implement-finished-login')];
    for (const file of untouched) writeFileSync(file, '');
    drop(folder, 'implement-finished-nobody');
    await untilRefused(folder, 'implement-finished-nobody');
    expect(untouched.map((file) => existsSync(file))).toEqual([true, true]);
    expect((await fromFiles(engine, 'login')).length).toBe(0);
  });

  it('review-changes-requested-x is for the plan requested-x, or for x if there is no such plan', async () => {
    const engine = await withPlan('x');
    const folder = signalsOf(engine.repo);
    drop(folder, 'review-changes-requested-x');
    await untilRefused(folder, 'review-changes-requested-x');
    await engine.client.registerPlan({ project: 'demo', plan: 'requested-x', content: '# one\n' });
    drop(folder, 'review-changes-requested-x');
    await until(async () => (await fromFiles(engine)).length === 2);
    expect((await fromFiles(engine)).map(({ plan }) => plan)).toEqual(['x', 'requested-x']);
  });
});

function readText(lines: number): string {
  return `begin\n${Array.from({ length: lines }, (_, line) => `line ${line}\n`).join('')}`;
}

describe('a file that is not a signal, or is refused,', () => {
  it('lies in failed/ with who refused it, the state, what would be taken, and what can be done', async () => {
    const engine = await withPlan();
    const folder = signalsOf(engine.repo);
    drop(folder, 'review-approved-login', 'fine');
    await untilRefused(folder, 'review-approved-login');
    expect(readFileSync(join(folder, 'failed', 'review-approved-login'), 'utf8')).toBe('fine');
    const [signal] = await fromFiles(engine);
    const show = `stator signal show ${signal?.id}`;
    const reason = reasonOf(folder, 'review-approved-login');
    expectProse(reason, 'login is planned', 'stator plan advance login', show, 'stator plan explain login');
    expect(reasonOf(folder, 'review-approved-login')).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z /);
    expect(left(join(folder, 'processing'))).toEqual([]);
  });

  it('names the plan that is not there', async () => {
    const engine = await withPlan();
    const folder = signalsOf(engine.repo);
    for (const name of ['implement-finished-logout', 'implement-finished-Login']) {
      drop(folder, name);
      await untilRefused(folder, name);
      expectProse(reasonOf(folder, name), `demo/${name.slice('implement-finished-'.length)}\n`);
    }
  });

  it('says which names are valid, what is too long, what is not text, and which number is wrong', async () => {
    const engine = await withPlan();
    const folder = signalsOf(engine.repo);
    const cases: Record<string, [string | Buffer, string]> = {
      notes: ['x', 'planner-finished-<plan>'],
      'implement-finished-': ['x', 'planner-finished-<plan>'],
      'verify-approved-login': ['x', 'planner-finished-<plan>'],
      'review-changes-login': ['x'.repeat(64 * 1024 + 1), '64 KiB'],
      'review-approved-login': [Buffer.from([0x66, 0xfc, 0x72]), 'UTF-8'],
      'implement-task-finished-w0-t1-login': ['', 'wave_number'],
      'implement-wave-99999-login': ['', 'wave_number'],
    };
    for (const [name, [content]] of Object.entries(cases)) writeFileSync(join(folder, name), content);
    for (const [name, [, place]] of Object.entries(cases)) {
      await untilRefused(folder, name);
      expectProse(reasonOf(folder, name), place);
    }
    expect(await fromFiles(engine)).toEqual([]);
  });

  it('may have any name that a disk takes, and be anything that a disk holds', async () => {
    const engine = await withPlan();
    const folder = signalsOf(engine.repo);
    const outside = join(engine.root, 'outside');
    writeFileSync(outside, 'not yours');
    const names = [
      Buffer.from('two\nlines'),
      Buffer.from([0x69, 0xff, 0xfe, 0x2e, 0x6d]),
      Buffer.from('y'.repeat(255)),
      Buffer.from(`implement-finished-${'z'.repeat(236)}`),
    ];
    for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), name]), 'x');
    execFileSync('mkfifo', [join(folder, 'implement-finished-login')]);
    symlinkSync(outside, join(folder, 'review-approved-login'));
    mkdirSync(join(folder, 'review-changes-login'));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, 'planner-finished-login'), resolve));
    await untilGone(folder);
    const failed = readdirSync(join(folder, 'failed'));
    expect(failed.filter((name) => name.endsWith('.reason'))).toHaveLength(8);
    expect(failed).toHaveLength(16);
    for (const [name, what] of [
      ['implement-finished-login', 'pipe'],
      ['review-approved-login', 'link'],
      ['review-changes-login', 'folder'],
      ['planner-finished-login', 'socket'],
    ] as const)
      expectProse(reasonOf(folder, name), what);
    expect(readFileSync(outside, 'utf8')).toBe('not yours');
    const cut = failed.find((name) => name.startsWith('yyy') && name.endsWith('.reason')) ?? '';
    expect(readFileSync(join(folder, 'failed', cut), 'utf8')).toContain(`"${'y'.repeat(255)}"`);
    expect(await fromFiles(engine)).toEqual([]);
    await new Promise((resolve) => server.close(resolve));
  });

  it('replaces what was refused before under its name, and overwrites no folder that somebody made there', async () => {
    const engine = await withPlan();
    const folder = signalsOf(engine.repo);
    mkdirSync(join(folder, 'failed', 'notes', 'kept'), { recursive: true });
    drop(folder, 'notes', 'one');
    await until(() => readdirSync(join(folder, 'failed')).some((name) => /^notes~\w{8}\.reason$/.test(name)));
    expect(existsSync(join(folder, 'failed', 'notes', 'kept'))).toBe(true);
    for (const text of ['one', 'two']) {
      drop(folder, 'others', text);
      await until(() => existsSync(join(folder, 'failed', 'others')) && left(folder).length === 0);
      expect(readFileSync(join(folder, 'failed', 'others'), 'utf8')).toBe(text);
    }
  });
});

describe('a folder of signals', () => {
  it('that is a link is not followed, and that is said once', async () => {
    const engine = await withPlan();
    const outside = join(engine.root, 'outside');
    mkdirSync(join(outside, 'signals'), { recursive: true });
    writeFileSync(join(outside, 'signals', 'implement-finished-login'), '');
    symlinkSync(join(outside, 'signals'), signalsOf(engine.repo).replace(/signals$/, 'linked'));
    renameSync(join(engine.repo, '.stator', 'signals'), join(engine.root, 'aside'));
    renameSync(join(engine.repo, '.stator', 'linked'), join(engine.repo, '.stator', 'signals'));
    symlinkSync(outside, join(engine.repo, '.kasmos'));
    const said = () => engine.log.filter((line) => line.includes('links are not followed')).length;
    await until(() => said() === 2);
    // The other repo’s file was collected, so this one’s folders were checked again.
    const other = makeGround();
    try {
      renameSync(other.repo, join(other.root, 'other'));
      await engine.client.addRepo(join(other.root, 'other'), { trust: true });
      const folder = signalsOf(join(other.root, 'other'));
      drop(folder, 'notes');
      await untilRefused(folder, 'notes');
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      expect(said()).toBe(2);
      expect(readdirSync(join(outside, 'signals'))).toEqual(['implement-finished-login']);
    } finally {
      await engine.engine.stop();
      other.remove();
    }
  });

  it('that cannot be written is reported once, delays no other, and is used again when it can be written', async () => {
    const engine = await withPlan();
    await forceStatus(engine, 'login', 'reviewing');
    const folder = signalsOf(engine.repo);
    writeFileSync(join(folder, 'processing'), 'in the way');
    drop(folder, 'review-approved-login');
    const said = () => engine.log.filter((line) => line.includes('processing is no folder')).length;
    await until(() => said() === 1);
    const other = signalsOf(engine.repo, places[1]);
    drop(other, 'notes');
    await untilRefused(other, 'notes');
    rmSync(join(folder, 'processing'));
    await untilGone(folder);
    expect(said()).toBe(1);
    expect(engine.log.some((line) => /^this is over: signal files in .* are not taken/.test(line))).toBe(true);
    expect((await fromFiles(engine)).map(({ type }) => type)).toEqual(['review_approved']);
  });

  it('of a repo that vanished is looked for again, and its files are taken when it is back', async () => {
    const engine = await withPlan();
    const away = join(engine.root, 'away');
    renameSync(engine.repo, away);
    await until(() => engine.log.some((line) => line.includes('signal files of demo')));
    renameSync(away, engine.repo);
    drop(signalsOf(engine.repo), 'notes');
    await untilRefused(signalsOf(engine.repo), 'notes');
    expect(statSync(join(engine.repo, '.stator', 'signals', 'failed')).isDirectory()).toBe(true);
  });
});
