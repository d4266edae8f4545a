/** The files of examples/, each as a process of its own, over the package as it is built. They are compiled by `npm run check`. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { AnyDefinition } from '../../actors/definition.ts';
import { createEngine } from '../../runtime/engine/engine.ts';
import { afterwards, ground, planText } from '../support/engine.ts';
import { git } from '../support/ground.ts';

const examples = join(import.meta.dirname, '../../examples');

function node(args: readonly string[], env: NodeJS.ProcessEnv) {
  return spawnSync(process.execPath, args, { cwd: examples, env, encoding: 'utf8' });
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('it was started without an output');
  for await (const line of createInterface({ input: stdout })) return line;
  throw new Error('it ended without a word');
}

describe('the examples', () => {
  it('run a plan from a script, and say how it ended', () => {
    const { home, repo, env } = ground();
    mkdirSync(join(repo, 'docs'));
    const plan = (name: string, command: string) => {
      writeFileSync(join(repo, 'docs', name), planText([command]));
      return node(['embed.mjs', home, repo, join(repo, 'docs', name)], env);
    };
    const done = plan('greeting.md', 'echo hello > hello.txt');
    expect(done.stderr).toBe('');
    expect(done.stdout).toMatch(/^implement_finished lifecycle.done$[\s\S]*^the plan is done$/m);
    expect(done.status).toBe(0);
    expect(git(repo, 'show', 'plan/greeting:hello.txt')).toBe('hello');
  });

  it('run a plan whose agent is a function', () => {
    const { home, repo, env } = ground();
    writeFileSync(join(repo, 'made.md'), planText([{ sh: null }]));
    const { status, stdout, stderr } = node(['agent-function.mjs', home, repo, join(repo, 'made.md')], env);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^implement_finished lifecycle.done$/m);
    expect(git(repo, 'show', 'plan/made:all.txt')).toBe('done');
  });

  it.each(['hono', 'express', 'fastify'])(
    'mount the control API in a server of %s, behind its own key',
    async (name) => {
      const { home, repo, env } = ground();
      const server = spawn(process.execPath, [`servers/${name}.mjs`, home], {
        cwd: examples,
        env: { ...env, API_KEY: 'a key of the test' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      afterwards(() => void server.kill('SIGKILL'));
      const address = await firstLine(server);
      const ask = (path: string, given: RequestInit = {}) =>
        fetch(`${address}${path}`, { ...given, headers: { 'x-api-key': 'a key of the test', ...given.headers } });
      expect((await fetch(`${address}/v1/ping`)).status).toBe(401);
      expect(await (await ask('/v1/ping')).json()).toMatchObject({ state: 'running' });
      const added = await ask('/v1/repos', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ path: repo, trust: true }),
      });
      expect([added.status, await added.json()]).toMatchObject([201, { project: 'demo' }]);
      const events = await ask('/v1/events?since=0');
      const reader = events.body?.getReader();
      expect(new TextDecoder().decode((await reader?.read())?.value)).toMatch(/^: connected/);
      server.kill('SIGTERM'); // the stream is open
      expect(await once(server, 'exit')).toEqual([0, null]);
    },
  );

  it('test user-defined machines, with an engine and without', () => {
    // What vitest sets would have it report to vitest.
    const { NODE_OPTIONS: _, ...env } = ground().env;
    const tests = ['release/release', 'durable/order', 'durable/approval', 'durable/scheduler'];
    const { status, stdout, stderr } = node(['--test', ...tests.map((name) => `${name}.test.mjs`)], env);
    expect(status, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/^# pass 9$/m);
  });

  it('go on with a release train that version 1 stored', async () => {
    const { home, env } = ground();
    const { default: release } = (await import(join(examples, 'release/release.mjs'))) as { default: AnyDefinition };
    const start = () => createEngine({ home, env, machines: [release] });
    const first = await start();
    afterwards(() => first.stop());
    await first.client.startMachine({
      name: 'release',
      id: '1.2',
      input: { project: 'demo', version: '1.2', plans: ['docs'] },
    });
    await first.stop();
    const db = new BetterSqlite3(join(home, 'taskstore.db'));
    const stored = JSON.parse(readFileSync(join(examples, 'release/stored-by-version-1.json'), 'utf8'));
    const row = db.prepare('SELECT snapshot FROM trees WHERE address = ?').get('release:1.2') as { snapshot: string };
    const { stator } = JSON.parse(row.snapshot); // what it waits for, beside the snapshot
    db.prepare('UPDATE trees SET snapshot = ?, version = ? WHERE address = ?').run(
      JSON.stringify({ ...stored, stator }),
      'release:1',
      'release:1.2',
    );
    db.close();
    const second = await start();
    afterwards(() => second.stop());
    const train = await second.client.machineTree({ name: 'release', id: '1.2' });
    expect(train).toMatchObject({ value: 'collecting', context: { waiting: ['docs'], published: null, why: null } });
    expect(await second.client.machineTrees({ name: 'release' })).toMatchObject([
      { id: '1.2', view: { waiting: ['docs'] } },
    ]);
  });

  it('begin with a comment that says what they show, and are named in the documents', () => {
    const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.mjs'], {
      cwd: examples,
      encoding: 'utf8',
    });
    const pages = ['embedding.md', 'own-machines.md'].map((page) =>
      readFileSync(join(examples, '../docs', page), 'utf8'),
    );
    const all = files.trim().split('\n');
    expect(all.length).toBeGreaterThan(5);
    expect(all.filter((file) => !/^\/\*\*(\n \*)? \S/.test(readFileSync(join(examples, file), 'utf8')))).toEqual([]);
    expect(all.filter((file) => !pages.some((page) => page.includes(`examples/${file}`)))).toEqual([]);
  });
});
