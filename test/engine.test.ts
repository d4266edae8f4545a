import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createEngine, type Engine } from '../runtime/engine.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd, encoding: 'utf8' }).trim();
}

function makeRepo(): { root: string; repo: string; home: string } {
  const root = mkdtempSync(join(tmpdir(), 'stator-engine-'));
  cleanups.push(() => rmSync(root, { recursive: true, force: true }));
  const repo = join(root, 'demo');
  mkdirSync(repo);
  git(repo, 'init', '-q', '-b', 'main');
  git(repo, 'config', 'user.name', 'Ada');
  git(repo, 'config', 'user.email', 'ada@example.com');
  writeFileSync(join(repo, 'README.md'), 'hello\n');
  git(repo, 'add', '.');
  git(repo, 'commit', '-qm', 'begin');
  return { root, repo, home: join(root, 'home') };
}

async function until(what: () => Promise<boolean> | boolean, limitMs = 30_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await what())) {
    if (Date.now() > end) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

describe('an engine', () => {
  it('takes a plan with two waves through real git and real processes', async () => {
    const { repo, home } = makeRepo();
    const log: string[] = [];
    const engine: Engine = await createEngine({
      home,
      env: { ...process.env, XDG_RUNTIME_DIR: home },
      agents: { default: { preset: 'sh' } },
      log: { debug: () => {}, info: (m) => log.push(m), warn: (m) => log.push(m), error: (m, e) => log.push(`${m} ${String(e)}`) },
    });
    cleanups.push(() => engine.stop());
    const { client } = engine;
    await client.addRepo(repo, { trust: true });
    const task = (n: string) => `\`\`\`sh\necho ${n} > ${n}.txt\n\`\`\`\n`;
    const content = `# Hello\n\n## Wave 1\n### Task 1: one\n${task('a')}\n### Task 2: two\n${task('b')}\n## Wave 2\n### Task 1: three\n${task('c')}`;
    await client.registerPlan({ project: 'demo', plan: 'hello', content });
    await client.send({ project: 'demo', plan: 'hello', type: 'implement_start' });
    await until(async () => (await client.plan('demo', 'hello')).status === 'done').catch(async (thrown: unknown) => {
      throw new Error(`${String(thrown)}\n${log.join('\n')}\n${JSON.stringify(await client.history('demo', 'hello'), null, 1)}`);
    });
    expect(git(repo, 'ls-tree', '--name-only', 'plan/hello').split('\n')).toEqual(['README.md', 'a.txt', 'b.txt', 'c.txt']);
    expect(git(repo, 'log', '--merges', '--oneline', 'plan/hello').split('\n')).toHaveLength(3);
    expect(git(repo, 'status', '--porcelain')).toBe('');
    expect(readFileSync(join(repo, 'README.md'), 'utf8')).toBe('hello\n');
  });
});
