/** Garbage is written into the store under live agents; a copy that is older than what they did takes its place, by a restore that is killed again and again. */
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { type DaemonGround, daemonGround, shAgents } from '../support/daemon.ts';
import { gate } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { randomOf } from '../support/random.ts';

interface Site extends DaemonGround {
  /** What agents have begun, one per line. */
  begun(): string[];
  open(gate: string): void;
}

function site(config = shAgents): Site {
  const ground = daemonGround(config);
  const ran = join(ground.root, 'ran');
  return {
    ...ground,
    begun: () => (existsSync(ran) ? readFileSync(ran, 'utf8').trim().split('\n') : []),
    open: (gate) => writeFileSync(join(ground.root, gate), ''),
  };
}

/** A task that says that it has begun, waits for its gate, and leaves a file. */
function task(root: string, name: string): string {
  const block = `echo ${name} >> '${root}/ran'\n${gate(`${root}/go-${name}`)}\necho ${name} > ${name}.txt`;
  return `### Task ${name.charCodeAt(0) - 96}: ${name}\n\n\`\`\`sh\n${block}\n\`\`\`\n`;
}

function damage(home: string): void {
  for (const part of ['', '-wal']) {
    const file = join(home, `taskstore.db${part}`);
    const to = openSync(file, 'r+');
    for (let at = 0; at < statSync(file).size; at += 8192) writeSync(to, Buffer.alloc(4096, 0xa5), 0, 4096, at);
    closeSync(to);
  }
}

async function kill(ground: DaemonGround): Promise<void> {
  const owner = ground.owner();
  if (owner !== null) process.kill(owner.pid, 'SIGKILL'); // or it has met the damage
  await until(() => ground.owner() === null);
}

const doneIn = (ground: DaemonGround, plan: string) => async () =>
  (await ground.client().plan('demo', plan)).status === 'done';
const describe = (ground: DaemonGround, plan: string) => async () =>
  `${JSON.stringify(await ground.client().plan('demo', plan), null, 1)}\n${readFileSync(join(ground.home, 'daemon.log'), 'utf8')}`;

it('a damaged store is restored from an older copy, killed at random in the restore: nothing merged is lost, nothing runs twice', async () => {
  const random = randomOf(seedOf('a store restored'));
  const ground = site();
  expect(await ground.stator(['daemon', 'start'])).toMatchObject({ code: 0 });
  await ground.client().addRepo(ground.repo, { trust: true });
  const { root, home } = ground;
  ground.write(
    'plan.md',
    `# Work\n\n## Wave 1\n\n${task(root, 'a')}\n${task(root, 'b')}\n## Wave 2\n\n${task(root, 'c')}\n${task(root, 'd')}`,
  );
  expect(await ground.stator(['plan', 'register', 'plan.md', '--json'])).toMatchObject({ code: 0 });
  expect(await ground.stator(['plan', 'advance', 'plan', 'implement-start'])).toMatchObject({ code: 0 });
  await until(() => ground.begun().length === 2);
  expect(await ground.stator(['store', 'backup'])).toMatchObject({ code: 0 });

  // After the copy: the first wave is merged, of the second one task is merged too, and the agent of the other lives.
  for (const gate of ['go-a', 'go-b', 'go-c']) ground.open(gate);
  await until(() => ground.begun().length === 4);
  const merges = () =>
    git(ground.repo, 'log', '--merges', '--format=%H', 'plan/plan')
      .split('\n')
      .filter((line) => line !== '');
  await until(() => merges().length === 3);
  const before = merges();
  damage(home);
  await kill(ground);
  const refused = await ground.stator(['plan', 'list']);
  expect([
    refused.code,
    refused.stderr.includes('stator store check'),
    refused.stderr.includes('stator store restore'),
  ]).toEqual([78, true, true]);
  expect((await ground.stator(['store', 'check'])).code).toBe(78);

  for (let cut = 0; cut < 6; cut += 1) {
    const restore = ground.start(['store', 'restore', '--yes']);
    const timer = setTimeout(() => restore.child.kill('SIGKILL'), random() * 1_500);
    await restore.ended;
    clearTimeout(timer);
  }
  const restored = await ground.stator(['store', 'restore', '--yes', '--json']);
  expect(restored).toMatchObject({ code: 0 });
  expect(readdirSync(home).filter((name) => name.startsWith('replaced-')).length).toBeGreaterThan(0);
  expect(JSON.parse(restored.stdout)).toMatchObject({ runs: { length: 2 }, verified: { ok: true } });

  expect(await ground.stator(['daemon', 'start'])).toMatchObject({ code: 0 });
  ground.open('go-d');
  await until(doneIn(ground, 'plan'), describe(ground, 'plan'));
  expect([...ground.begun()].sort()).toEqual(['a', 'b', 'c', 'd']);
  expect(merges().slice(-3)).toEqual(before);
  expect(merges()).toHaveLength(4);
  const files = git(ground.repo, 'ls-tree', '--name-only', 'plan/plan').split('\n');
  expect(files).toEqual(expect.arrayContaining(['a.txt', 'b.txt', 'c.txt', 'd.txt']));
});

it('a plan that was begun after the copy is registered again under its name, and its runs are taken over; one that was started for another text fails its task, and is not started again unasked', async () => {
  const ground = site();
  const did = async (...words: string[]) => {
    const ended = await ground.stator(words);
    expect(ended).toMatchObject({ code: 0 });
    return ended.stdout;
  };
  await did('daemon', 'start');
  await ground.client().addRepo(ground.repo, { trust: true });
  await did('store', 'backup');
  const begin = async (plan: string, ...names: string[]) => {
    const tasks = names.map((name, at) => task(ground.root, name).replace(/Task \d/, `Task ${at + 1}`));
    ground.write(`${plan}.md`, `# ${plan}\n\n## Wave 1\n\n${tasks.join('\n')}`);
    await did('plan', 'register', `${plan}.md`);
    await did('plan', 'advance', plan, 'implement-start');
  };
  await begin('late', 'a', 'b');
  await begin('text', 'c');
  ground.open('go-a');
  await until(() => ground.begun().length === 3);
  damage(ground.home);
  await kill(ground);
  const { runs, unknown } = JSON.parse(await did('store', 'restore', '--yes', '--json'));
  expect(runs).toHaveLength(3);
  expect(unknown).toContain('branch plan/late of demo');
  await did('daemon', 'start');
  expect(await ground.stator(['doctor', '--fix'])).toMatchObject({ stdout: expect.stringContaining('plan/late') });
  await begin('late', 'a', 'b');
  await begin('text', 'd');
  ground.open('go-b');
  await until(doneIn(ground, 'late'), describe(ground, 'late'));
  const taskStatus = async () => (await ground.client().plan('demo', 'text')).tasks_by_wave[0]?.tasks[0]?.status;
  await until(async () => (await taskStatus()) === 'failed', describe(ground, 'text'));
  expect([...ground.begun()].sort()).toEqual(['a', 'b', 'c']);
});
