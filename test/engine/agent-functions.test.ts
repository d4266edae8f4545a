/** Agents that a program brings as functions: called, prepared for, told to end, called again after a restart, and refused where they are wrong. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { storeFile } from '../../runtime/base/platform/home.ts';
import { connect } from '../../runtime/engine/connect.ts';
import { type AgentCall, createEngine, type EngineOptions } from '../../runtime/engine/engine.ts';
import { begin, ground, planText, startEngine, untilStatus } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { hangMs } from '../support/hang.ts';
import { expectFailure } from '../support/prose.ts';

const off = { reviewer: { enabled: false } } as const;
const one = planText([{ sh: null }]);

function gate() {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
}

describe('an agent that is a function', () => {
  it('works in its worktree, its files there are committed, and its lines are in the log', async () => {
    const calls: AgentCall[] = [];
    const at = await startEngine({
      agents: {
        ...off,
        coder: {
          attempts: 1,
          run: async (call) => {
            calls.push(call);
            call.log('it writes a file');
            writeFileSync(join(call.worktree, 'made.txt'), 'by a function\n');
            return 'It is written.';
          },
        },
      },
    });
    await begin(at, 'made', one);
    await untilStatus(at, 'made', 'done');
    expect(git(at.repo, 'show', 'plan/made:made.txt')).toBe('by a function');
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ role: 'coder', project: 'demo', plan: 'made', wave: 1, task: 1, attempt: 1 });
    expect(calls[0]?.prompt).toContain('task 1');
    expect(readFileSync(calls[0]?.promptFile ?? '', 'utf8')).toBe(calls[0]?.prompt);
    expect(calls[0]?.env).toMatchObject({ STATOR_ROLE: 'coder', STATOR_PLAN: 'made' });
    const [run] = await at.client.instances({ plan: 'made' });
    const output = String(await at.client.capture({ project: 'demo', title: run?.title ?? '' }));
    expect(output).toContain('it writes a file');
    expect(output).toContain('It is written.');
  });

  it('that throws has failed with its message, and is called again for the next attempt', async () => {
    const attempts: number[] = [];
    const keys = new Set<string>();
    const run = async ({ attempt, key, worktree }: AgentCall): Promise<void> => {
      attempts.push(attempt);
      keys.add(key);
      if (attempt === 1) throw new Error('the model is on strike');
      writeFileSync(join(worktree, 'made.txt'), 'late\n');
    };
    const at = await startEngine({ agents: { ...off, coder: { attempts: 2, run } } });
    await begin(at, 'made', one);
    await untilStatus(at, 'made', 'done');
    expect(attempts).toEqual([1, 2]);
    expect(keys.size).toBe(2);
    const facts = await at.client.history('demo', 'made');
    expect(JSON.stringify(facts)).toContain('the model is on strike');
  });

  it('reviews by the last line of what it answers', async () => {
    const rounds: number[] = [];
    const at = await startEngine({
      agents: {
        coder: { run: async ({ worktree }) => writeFileSync(join(worktree, 'made.txt'), '1\n') },
        fixer: { run: async ({ worktree }) => writeFileSync(join(worktree, 'made.txt'), '2\n') },
        reviewer: {
          run: async ({ worktree, prompt }) => {
            rounds.push(rounds.length);
            expect(prompt).toContain('stator verdict: approved');
            const text = readFileSync(join(worktree, 'made.txt'), 'utf8').trim();
            return text === '2' ? 'good\nstator verdict: approved' : 'it must be 2\nstator verdict: changes requested';
          },
        },
      },
    });
    await begin(at, 'made', one);
    await untilStatus(at, 'made', 'done');
    expect(rounds).toHaveLength(2);
    expect(git(at.repo, 'show', 'plan/made:made.txt')).toBe('2');
  });

  it('speaks as its run through the client, and asks a person', async () => {
    const at = await startEngine({
      agents: {
        ...off,
        coder: {
          run: async ({ env, project, plan }) => {
            const client = await connect({ env, mode: 'write' });
            await client.send({ project, plan, type: 'needs_decision', payload: 'which colour?' });
            await client.close();
          },
        },
      },
    });
    await begin(at, 'made', one);
    await until(async () => (await at.client.plan('demo', 'made')).blocked?.source === 'agent');
  });

  it('is told to end when its run is stopped, and what it answers then is not heard', async () => {
    const { open, opened } = gate();
    const began = gate();
    const at = await startEngine({
      agents: {
        ...off,
        coder: {
          run: async ({ signal }) => {
            signal.addEventListener('abort', open, { once: true });
            began.open();
            await opened;
          },
        },
      },
    });
    await begin(at, 'made', one);
    await began.opened;
    await at.client.send({ project: 'demo', plan: 'made', type: 'cancel' });
    await opened;
    await untilStatus(at, 'made', 'cancelled');
  });

  it('is called again with the same key by the next engine, and no attempt is spent', async () => {
    const on = ground();
    const keys: string[] = [];
    const began = gate();
    const first = await startEngine({
      on,
      agents: {
        ...off,
        coder: {
          attempts: 1,
          run: async ({ key, signal }) => {
            keys.push(key);
            began.open();
            await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
          },
        },
      },
    });
    await begin(first, 'made', one);
    await began.opened;
    await first.engine.stop();
    const second = await startEngine({
      on,
      adds: false,
      agents: {
        ...off,
        coder: {
          attempts: 1,
          run: async ({ key, worktree, attempt }) => {
            keys.push(`${key}`);
            expect(attempt).toBe(1);
            writeFileSync(join(worktree, 'made.txt'), 'by the second\n');
          },
        },
      },
    });
    await untilStatus(second, 'made', 'done');
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  it('is not called by an engine that stops meanwhile', async () => {
    const stopped = gate();
    const calls: boolean[] = [];
    const at = await startEngine({
      agents: { ...off, coder: { run: async ({ signal }) => void calls.push(signal.aborted) } },
      faults: (point) => {
        if (point === 'agent-run.after-spawn') void at.engine.stop().then(stopped.open);
      },
    });
    await begin(at, 'made', one);
    await stopped.opened;
    expect(calls).toEqual([]);
  });

  it('whose process is killed in the middle is called again by the next one', () => {
    const on = ground();
    const script = fileURLToPath(new URL('../support/scripts/agent-function-engine.mjs', import.meta.url));
    writeFileSync(join(on.repo, 'made.md'), one);
    const life = () =>
      spawnSync(process.execPath, [script, on.home, on.repo], { env: on.env, encoding: 'utf8', timeout: hangMs });
    const first = life();
    expect(first.signal, first.stderr).toBe('SIGKILL');
    const second = life();
    expect(second.status, second.stderr).toBe(0);
    const calls = readFileSync(join(on.root, 'calls'), 'utf8').trim().split('\n');
    expect(calls).toHaveLength(2);
    expect(new Set(calls).size).toBe(1);
    expect(git(on.repo, 'show', 'plan/made:made.txt')).toBe('done');
  });

  it('that ten engines ended with is not called again, and its run fails with that reason', () => {
    const on = ground();
    const script = fileURLToPath(new URL('../support/scripts/agent-function-engine.mjs', import.meta.url));
    writeFileSync(join(on.repo, 'made.md'), one);
    const life = () =>
      spawnSync(process.execPath, [script, on.home, on.repo], { env: on.env, encoding: 'utf8', timeout: hangMs });
    expect(life().signal).toBe('SIGKILL');
    const db = new Database(storeFile(on.home));
    onTestFinished(() => void db.close());
    // As nine more would have counted it.
    expect(db.prepare("UPDATE effects SET suspected = 10 WHERE kind = 'agent.run'").run().changes).toBe(1);
    const next = life();
    expect(next.status, next.stderr).toBe(0);
    expect(readFileSync(join(on.root, 'calls'), 'utf8').trim().split('\n')).toHaveLength(1);
    const told = db.prepare<[], { payload: string }>("SELECT payload FROM signals WHERE type = 'run_exited'").all();
    expect(told).toMatchObject([{ payload: expect.stringContaining('10 engines ended while they ran it') }]);
  });

  it('that the next engine was not given fails with what to do', async () => {
    const on = ground();
    const began = gate();
    const first = await startEngine({
      on,
      agents: {
        ...off,
        coder: {
          run: async ({ signal }) => {
            began.open();
            await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
          },
        },
      },
    });
    await begin(first, 'made', one);
    await began.opened;
    await first.engine.stop();
    const second = await startEngine({ on, adds: false, agents: { ...off, coder: { preset: 'sh', attempts: 1 } } });
    const history = async () => JSON.stringify(await second.client.history('demo', 'made'));
    await until(async () => (await history()).includes('this engine was given no function agents.coder'));
  });
});

describe('a user-defined preset', () => {
  it('says which program is started, with the prompt on its standard input', async () => {
    const at = await startEngine({
      agents: {
        ...off,
        coder: {
          model: 'large',
          flags: ['--fast'],
          start: ({ model, flags, task }) => ({
            argv: [
              '/bin/sh',
              '-c',
              'cat > prompt.txt; echo "$0 $* $COLOUR" > said.txt',
              `${model}`,
              ...flags,
              `${task}`,
            ],
            env: { COLOUR: 'green' },
          }),
        },
      },
    });
    await begin(at, 'made', one);
    await untilStatus(at, 'made', 'done');
    expect(git(at.repo, 'show', 'plan/made:said.txt')).toBe('large --fast 1 green');
    expect(git(at.repo, 'show', 'plan/made:prompt.txt')).toContain('task 1');
  });

  it('that answers no command is an agent that cannot be used, and is not tried again', async () => {
    const at = await startEngine({
      agents: { ...off, coder: { attempts: 3, start: () => ({ argv: [] }) as never } },
    });
    await begin(at, 'made', one);
    const history = async () => JSON.stringify(await at.client.history('demo', 'made'));
    await until(async () => (await history()).includes('agents.coder.start of this engine answered no command'));
    await until(async () => (await at.client.instances({ plan: 'made' }))[0]?.state === 'failed');
    expect(await at.client.instances({ plan: 'made' })).toMatchObject([{ attempt: 1 }]);
  });
});

it('what means nothing beside a function is refused before anything is done', async () => {
  const { root, env } = ground();
  const home = join(root, 'other');
  const run = async () => {};
  const made = (coder: object) =>
    createEngine({ home, env, agents: { coder } as NonNullable<EngineOptions['agents']> });
  await expectFailure(made({ run, preset: 'sh' }), 'bad_request', 'agents.coder', '"preset"', 'timeout');
  await expectFailure(made({ run, sandbox: 'bwrap' }), 'bad_request', '"sandbox"');
  await expectFailure(made({ run: 'echo' }), 'bad_request', 'agents.coder.run');
  await expectFailure(made({ run, start: run }), 'bad_request', 'run and start');
  await expectFailure(made({ start: run, program: 'x' }), 'bad_request', '"program"');
  await expectFailure(made({ run, atempts: 2 }), 'bad_request', '"atempts"');
  await expectFailure(made({ start: run, atempts: 2 }), 'bad_config', 'atempts', 'attempts');
  await expectFailure(made({ preset: 'function' }), 'bad_config', 'function', 'claude');
  expect(existsSync(home)).toBe(false);
});

it('an agent that is no object is refused, and one that is undefined counts as left out', async () => {
  const { root, env } = ground();
  const made = (agents: unknown) =>
    createEngine({ home: join(root, 'other'), env, agents: agents as NonNullable<EngineOptions['agents']> }); // types may be unchecked
  await expectFailure(made({ default: async () => {} }), 'bad_request', 'agents.default is a function', '{ run: ');
  for (const odd of [null, 5, 'sh', []]) await expectFailure(made({ coder: odd }), 'bad_request', 'agents.coder is');
  for (const odd of [[], 'sh', new Map([['coder', { preset: 'sh' }]])])
    await expectFailure(made(odd), 'bad_request', 'agents is no object');
  await (await made({ coder: undefined, default: { preset: 'sh' } })).stop();
});
