/** What a person reads when nothing goes on, in short lines and with a command that helps. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { refusalLines } from '../../cli/verdict.ts';
import { planOf, type Terminal, terminal, working } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

const done = planOf(['true', 'true', 'true']);

function configured(config: string): Terminal {
  const made = terminal();
  made.write('.stator/config.toml', config);
  made.write('agent.sh', '#!/bin/sh\ncat >/dev/null\necho "$STATOR_RUN" >"$STATOR_TITLE.txt"\n');
  chmodSync(join(made.repo, 'agent.sh'), 0o755);
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'agents');
  return made;
}

function longestLine(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length));
}

describe('a person learns', () => {
  it('which program is missing, however long the PATH is on which it was looked for', async () => {
    const made = configured('[agents.default]\npreset = "codex"\nattempts = 1\n');
    made.write('p.md', done);
    const long = `/usr/bin:/bin${':/nowhere/bin'.repeat(60)}`;
    const { code, stderr } = await made.stator(['run', 'p.md', '--trust'], { env: { PATH: long } });
    expect(code).toBe(1);
    expectRefusal(stderr, '"codex"', 'npm install -g @openai/codex');
  });

  it('of a long review as much as fits, and where the rest is', async () => {
    const made = configured(
      'auto_review_fix = false\n[agents.default]\npreset = "command"\nprogram = "./agent.sh"\n[agents.reviewer]\nprogram = "yes \'it is all wrong\' | head -n 200; exit 1"\n',
    );
    made.write('p.md', done);
    const run = await made.stator(['run', 'p.md', '--trust']);
    expect(run.code).toBe(1);
    expectProse(run.stdout.slice(run.stdout.search(/^p is /m)), '\n  stator plan explain p\n');
    const status = await made.stator(['status']);
    expect(status.stdout).toContain('stator plan explain p\n');
    const list = await made.stator(['plan', 'list']);
    for (const { stdout } of [run, status, list]) expect(longestLine(stdout)).toBeLessThan(600);
    const [entry] = JSON.parse((await made.stator(['plan', 'list', '--json'])).stdout);
    expect(entry.blocked.reason.length).toBeGreaterThan(2_000);
    const { stdout } = await made.stator(['plan', 'explain', 'p']);
    expect(stdout.match(/it is all wrong/g)?.length).toBeGreaterThan(100);
  });

  it('that a plan whose old branch must first be archived waits for an engine', async () => {
    const made = working();
    made.write('p.md', done);
    expect((await made.stator(['run', 'p.md', '--trust'])).code).toBe(0);
    expect((await made.stator(['plan', 'advance', 'p', 'reimplement'])).code).toBe(0);
    const { stdout } = await made.stator(['plan', 'explain', 'p', '--json']);
    const { waiting_for: waiting } = JSON.parse(stdout);
    expect(waiting).toMatchObject({ kind: 'engine' });
    expectProse(waiting.detail, 'stator daemon start');
    const status = JSON.parse((await made.stator(['status', '--json'])).stdout);
    expect(status).toMatchObject({ running: [], waiting: [{ plan: 'p' }] });
    expect((await made.stator(['run', 'p.md'])).code).toBe(0);
  });

  it('by the doctor of a prompt of the repo that cannot be taken', async () => {
    const made = working();
    made.write('.stator/prompts/coder.md', 'work on {{tsk}}');
    const { code, stdout } = await made.stator(['doctor', '--json']);
    expect(code).toBe(1);
    const prompts = JSON.parse(stdout).checks.find(({ name }: { name: string }) => name === 'prompts');
    expect(prompts.ok).toBe(false);
    expectProse(`${prompts.detail}\nhint: ${prompts.hint}`, 'coder.md, line 1', '{{tsk}}', '{{task}}?');
    made.write('.stator/prompts/coder.md', 'work on {{task}}');
    expect((await made.stator(['doctor'])).stdout).toMatch(/✓ +prompts +.*\.stator\/prompts/);
  });

  it('how to go on where only the merge of a done plan was refused', async () => {
    const made = configured('auto_merge = true\n[agents.default]\npreset = "sh"\nattempts = 1\n');
    made.write('p.md', done);
    made.write('w1t1.txt', 'mine\n');
    const run = await made.stator(['run', 'p.md', '--trust']);
    expect(run.code).toBe(1);
    expectProse(run.stdout.slice(run.stdout.search(/^p is /m)), '\n  stator plan answer p\n');
    expect(run.stdout).not.toContain('<what it should know>');
    expect(run.stdout).not.toContain('stator plan cancel');
  });

  it('why the engine itself could not take a signal, as text and not as JSON', () => {
    const result = { error: 'the disk ate it', code: 'internal', hint: 'look at it with: stator signal show 6' };
    const signal = { id: 6, type: 'implement_start', status: 'failed' as const, result, refused: null };
    const plan = { project: 'demo', plan: 'p', status: null, phase: null, waits: null };
    expectProse(refusalLines({ signal, plan }).join('\n'), 'implement_start', 'the disk ate it', 'signal show 6');
    const refused = { by: 'plan', state: 'done', guard: 'agent p-w1-t1 is not under way', accepts: [] };
    const lines = refusalLines({ signal: { ...signal, result: null, refused }, plan });
    expectProse(lines.join('\n'), 'agent p-w1-t1 is not under way', 'stator plan explain p');
  });
});
