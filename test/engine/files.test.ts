/** Declared files that overlap are not put side by side: those of the tasks of one wave, and with `[waves] overlap = "serial"` those of plans. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  begin,
  gate,
  ground,
  openGate,
  planText,
  say,
  startEngine,
  type TestEngine,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { type Ground, git, until } from '../support/ground.ts';

async function waitOf({ client }: TestEngine, plan: string): Promise<string> {
  const { waiting_for: waiting } = await client.explain('demo', plan);
  return waiting === null ? '' : `${waiting.kind}: ${waiting.detail}`;
}

async function untilWait(engine: TestEngine, plan: string, wanted: RegExp | string): Promise<void> {
  const isWanted = (text: string) => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text));
  await until(
    async () => isWanted(await waitOf(engine, plan)),
    async () => `${plan} waits for ${await waitOf(engine, plan)}`,
  );
}

function serialGround(): Ground {
  const on = ground();
  mkdirSync(join(on.repo, '.stator'));
  writeFileSync(join(on.repo, '.stator', 'config.toml'), '[waves]\noverlap = "serial"\n');
  writeFileSync(join(on.repo, '.gitignore'), '.stator/\n.worktrees/\n');
  git(on.repo, 'add', '.');
  git(on.repo, 'commit', '-qm', 'configured');
  return on;
}

it('the tasks of a wave whose files overlap run one after the other, and the second begins from the work of the first', async () => {
  const engine = await startEngine();
  const go = join(engine.root, 'go');
  const first = { fields: '**Files:** `src/**`', sh: `${gate(go)}\nmkdir -p src && echo one > src/a.txt` };
  const second = { fields: '**Files:** `src/a.txt`', sh: 'cat src/a.txt > seen.txt && echo two > src/a.txt' };
  const third = { fields: '**Files:** `docs/`', sh: 'mkdir docs && echo x > docs/x.md' };
  await begin(engine, 'p', planText([first, second, third]));
  await untilWait(engine, 'p', 'task 2 waits for task 1, which writes src/a.txt too');
  const task = async (number: number) => (await engine.client.plan('demo', 'p')).tasks_by_wave[0]?.tasks[number - 1];
  expect((await task(2))?.waits_for_files).toEqual({ task: 1, path: 'src/a.txt' });
  await until(async () => (await task(3))?.status === 'done');
  expect((await task(3))?.waits_for_files).toBeNull();
  openGate(go);
  await untilStatus(engine, 'p', 'done');
  expect(git(engine.repo, 'show', 'plan/p:seen.txt')).toBe('one');
  expect((await task(2))?.attempts).toBe(1);
});

it('with overlap = "serial" a plan waits for the one that declares its file, says so, and takes no slot', async () => {
  const engine = await startEngine({ on: serialGround(), daemon: `max_agents = 1\n${waves}` });
  const go = join(engine.root, 'go');
  await begin(engine, 'a', planText([{ fields: '**Files:** `src/*.ts`', sh: `${gate(go)}\necho a > a.txt` }]));
  await untilWait(engine, 'a', 'agent: a-w1-t1');
  await begin(engine, 'b', planText([{ fields: '**Files:** `src/login.ts`', sh: 'echo b > b.txt' }]));
  await begin(engine, 'c', planText([{ fields: '**Files:** `docs/login.md`', sh: 'echo c > c.txt' }]));
  await untilWait(engine, 'b', /^files: its file src\/login\.ts is also one of a, which goes first$/);
  // Another file: only the slot is not free.
  await untilWait(engine, 'c', 'slot: position 1 of 1');
  await say(engine, 'a', 'needs_decision', 'which way?');
  await untilWait(engine, 'b', 'a needs a person: stator plan explain a');
  await say(engine, 'a', 'resolve', 'that one');
  openGate(go);
  for (const plan of ['a', 'b', 'c']) await untilStatus(engine, plan, 'done');
});

it('the next engine knows who waits for whose files', async () => {
  const on = serialGround();
  const first = await startEngine({ on });
  const go = join(on.root, 'go');
  await begin(first, 'a', planText([{ fields: '**Files:** `x.txt`', sh: `${gate(go)}\necho a > x.txt` }]));
  await untilWait(first, 'a', 'agent: a-w1-t1');
  await begin(first, 'b', planText([{ fields: '**Files:** `x.txt`', sh: 'echo b > b.txt' }]));
  await untilWait(first, 'b', 'files: ');
  await first.engine.stop();
  const second = await startEngine({ on, adds: false });
  await untilWait(second, 'b', 'files: ');
  openGate(go);
  await untilStatus(second, 'b', 'done');
});
