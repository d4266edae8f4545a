import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../../runtime/engine/engine.ts';
import { git, makeGround, until } from '../support/ground.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe('an engine', () => {
  it('takes a plan with two waves through real git and real processes', async () => {
    const { repo, home, env, remove } = makeGround();
    cleanups.push(remove);
    const log: string[] = [];
    const engine: Engine = await createEngine({
      home,
      env,
      agents: { default: { preset: 'sh' } },
      log: {
        debug: () => {},
        info: (m) => log.push(m),
        warn: (m) => log.push(m),
        error: (m, e) => log.push(`${m} ${String(e)}`),
      },
    });
    cleanups.push(() => engine.stop());
    const { client } = engine;
    await client.addRepo(repo, { trust: true });
    const task = (n: string) => `\`\`\`sh\necho ${n} > ${n}.txt\n\`\`\`\n`;
    const content = `# Hello\n\n## Wave 1\n### Task 1: one\n${task('a')}\n### Task 2: two\n${task('b')}\n## Wave 2\n### Task 1: three\n${task('c')}`;
    await client.registerPlan({ project: 'demo', plan: 'hello', content });
    await client.send({ project: 'demo', plan: 'hello', type: 'implement_start' });
    await until(
      async () => (await client.plan('demo', 'hello')).status === 'done',
      () => log.join('\n'),
    );
    expect(git(repo, 'ls-tree', '--name-only', 'plan/hello').split('\n')).toEqual([
      'README.md',
      'a.txt',
      'b.txt',
      'c.txt',
    ]);
    expect(git(repo, 'log', '--merges', '--oneline', 'plan/hello').split('\n')).toHaveLength(3);
    expect(git(repo, 'status', '--porcelain')).toBe('');
    expect(readFileSync(join(repo, 'README.md'), 'utf8')).toBe('hello\n');
  });
});
