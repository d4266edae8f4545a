import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf, working, workingInWaves } from '../support/cli.ts';
import { gate } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse, expectRefusalJson } from '../support/prose.ts';

function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Asks once, and is content with any answer. */
const asking =
  'test -e $STATOR_HOME/asked || { touch $STATOR_HOME/asked; stator signal emit needs_decision --payload "left or right?"; }';

describe('run', () => {
  it('says once in plain lines for which plan it waits', async () => {
    const made = workingInWaves();
    made.write('p.md', `**After:** later\n\n${planOf(['echo own > own.txt'])}`);
    const run = made.watch(['run', 'p.md', '--trust']);
    await until(() => run.stdout().includes('waits for later to be done'));
    made.write('later.md', planOf(['true']));
    expect((await made.stator(['run', 'later.md'])).code).toBe(0);
    const { code, stdout } = await run.ended;
    expect([code, stdout.match(/waits for later/g)]).toEqual([0, ['waits for later']]);
  });

  it('takes a file to done, one plain line for each fact, and merges it', async () => {
    const made = working();
    made.write('p.md', planOf(['true', 'true', 'true'], [gate('$STATOR_HOME/go')]));
    const run = made.watch(['run', 'p.md', '--trust']);
    const isOfMany = (line: string) => / [123] of 4 .* [12] of 2/.test(line);
    await until(() => run.stdout().split('\n').some(isOfMany));
    writeFileSync(join(made.home, 'go'), '');
    const { code, stdout, stderr } = await run.ended;
    expect(stderr).not.toContain(made.root);
    const lines = stdout.split('\n');
    const ofMany = lines.find(isOfMany);
    const ofTwoTasks = lines.filter((line) => /wave 1 task 2 (working|done)|wave 2 task 1 (working|done)/.test(line));
    expectProse(
      [
        stderr,
        ofMany?.replace(/; .* work left, .*/, '').replaceAll(/\d of/g, '<n> of'),
        ...ofTwoTasks,
        ...lines.slice(-11),
      ].join('\n'),
      'demo',
      'w2t1.txt',
      'stator plan merge p',
    );
    expect(stdout).not.toContain('\x1b');
    expect(code).toBe(0);
    expect(git(made.repo, 'ls-tree', '--name-only', 'plan/p').split('\n')).toContain('w2t1.txt');
    const again = await made.stator(['run', 'p.md']);
    expect(again).toMatchObject({ code: 0 });
    expectProse(again.stdout, 'stator plan advance p reimplement');
  });

  it('is done, and says which worktree could not be taken away and why', async () => {
    const made = workingInWaves();
    // A worktree that is locked for another reason than ours is somebody's.
    const taken = 'git worktree unlock . && git worktree lock --reason mine .';
    made.write('p.md', planOf([taken], ['true']));
    const { code, stderr } = await made.stator(['run', 'p.md', '--trust', '--quiet']);
    expect(code).toBe(0);
    const shown = await made.stator(['plan', 'show', 'p']);
    const left = shown.stdout.split('\n').find((line) => line.startsWith('left undone'));
    expectProse(`${stderr}${left}`, join(made.repo, '.worktrees/plan-p-w1-t1'));
  });

  it('ends with 1 and the ways on where a task has failed, and goes on after a retry', async () => {
    const made = workingInWaves();
    made.write('p.md', planOf(['true', 'test -e $STATOR_HOME/mended']));
    const failed = await made.stator(['run', 'p.md', '--trust']);
    expect(failed.code).toBe(1);
    const commands = [
      'stator agent logs p-w1-t2',
      'stator plan advance p retry-wave',
      'stator plan advance p advance-wave',
    ];
    expectProse(failed.stdout.split('\n').slice(-6).join('\n'), 'task 2', ...commands);
    const json = await made.stator(['run', 'p.md', '--json']);
    expect(json.code).toBe(1);
    expectRefusalJson(json.stderr, 'refused', 'stator plan advance p retry-wave');
    expect(jsonLines(json.stdout).at(-1)).toMatchObject({ type: 'run_finished', tasks_failed: 1 });
    git(made.repo, 'init', '-q', `${made.home}/mended`);
    expectProse((await made.stator(['plan', 'advance', 'p', 'retry-wave'])).stdout, 'retry_wave');
    expect((await made.stator(['run', 'p.md'])).code).toBe(0);
  });

  it('says with 1 what a blocked plan needs, and goes on with the answer', async () => {
    const made = workingInWaves();
    made.write('p.md', planOf([asking, 'true']));
    const blocked = await made.stator(['run', 'p.md', '--trust']);
    expect(blocked.code).toBe(1);
    const needed = blocked.stdout.split('\n').find((line) => line.includes('left or right?'));
    const again = await made.stator(['run', 'p.md']);
    expect(again).toMatchObject({ code: 1 });
    const command = 'stator plan answer p#1 "<your answer>"';
    expect(blocked.stdout).toContain(command);
    // In a pipe nobody can type: the other tasks go on, and the question does not wait for their end to say so.
    expect(blocked.stdout.indexOf(`answer #1 with: ${command}`)).toBeGreaterThan(blocked.stdout.indexOf(needed ?? ''));
    expectProse(`${needed}\n${again.stdout}`, 'p-w1-t1: left or right?', command);
    expect((await made.stator(['plan', 'list'])).stdout).toContain('left or right?');
    expect((await made.stator(['plan', 'answer', 'p', 'left'])).code).toBe(0);
    expect((await made.stator(['run', 'p.md'])).code).toBe(0);
  });

  it('says what is wrong with a document that has no waves, takes it once it was edited, and prints facts as JSON lines, the outcome last', async () => {
    const made = workingInWaves();
    made.write('p.md', '# P\n\nno waves here\n');
    const { stdout: ofTrust } = await made.stator(['run', 'p.md', '--trust', '--json']);
    expect(ofTrust, 'what it trusts is no line of JSON').toBe('');
    const refused = await made.stator(['run', 'p.md']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).not.toMatch(/plan_start|implement_start/);
    expectProse(refused.stderr, 'p.md:1: ');
    made.write('p.md', planOf(['true'], ['true']));
    const { code, stdout } = await made.stator(['run', 'p.md', '--json']);
    const lines = jsonLines(stdout);
    expect(code).toBe(0);
    expect(lines[0]).toMatchObject({ type: 'fact', plan: 'p', to: 'lifecycle.ready.planned' });
    const seqs = lines.slice(0, -1).map((line) => Number(line.seq));
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    expect(lines.at(-1)).toEqual({
      type: 'run_finished',
      plan: 'p',
      status: 'done',
      tasks_done: 2,
      tasks_failed: 0,
      runs: 2,
      waves: 2,
      duration_ms: expect.any(Number),
      usage: { runs: 2, input_tokens: null, output_tokens: null, cost_usd: null },
      left_out: [],
      left_undone: [],
      set_aside: [],
      diff: { files: 2, insertions: 2, deletions: 0 },
      review: null,
      verification: null,
    });
  });

  it('pauses at Ctrl-C, stops its agents, and the same command goes on without a lost attempt', async () => {
    const made = working();
    made.write('p.md', planOf(['true', ...Array(4).fill('test -e $STATOR_HOME/go || sleep 60')]));
    const first = made.start(['run', 'p.md', '--trust']);
    await until(() => first.stdout().includes('task 1 done') && first.stdout().split(' working ').length === 5);
    first.child.kill('SIGINT');
    const { code, stdout, stderr } = await first.ended;
    expect(code).toBe(130);
    expect(stderr, 'the one that waited for a slot was not stopped').toContain('; 3 agents stopped');
    const said = stdout.split('\n').find((line) => line.startsWith('pausing'));
    expectProse(`${said}\n${stderr.slice(stderr.search(/^p is /m))}`, 'stator run p.md');
    git(made.repo, 'init', '-q', `${made.home}/go`);
    made.write('q.md', planOf(['sleep 60']));
    const read = made.start(['run', 'q.md', '--json']);
    await until(() => read.stdout().includes('"run_started"'));
    read.child.kill('SIGINT');
    const last = jsonLines((await read.ended).stdout).at(-1);
    expect(last).toMatchObject({ type: 'run_finished', status: 'implementing', tasks_done: 0 });
    const second = await made.stator(['run', 'p.md', '--json']);
    expect(second.code).toBe(0);
    const agents = JSON.parse((await made.stator(['agent', 'list', '--json'])).stdout);
    expect(agents.find((agent: { title: string }) => agent.title === 'p-w1-t2')).toMatchObject({
      state: 'succeeded',
      attempt: 1,
    });
  });

  it('continues to the end when the reader of its output goes away, and at a hang-up where it has no terminal; says there that its commits are not signed, though git signs', async () => {
    const made = workingInWaves();
    git(made.repo, 'config', 'commit.gpgSign', 'true');
    git(made.repo, 'config', 'user.signingKey', 'nobody@example.invalid');
    made.write('p.md', planOf(['true'], ['true']));
    const running = made.start(['run', 'p.md', '--trust']);
    await until(() => running.stdout().includes('wave 1 begins'));
    running.child.stdout?.destroy();
    running.child.kill('SIGHUP');
    const { code, stderr } = await running.ended;
    expect(code).toBe(0);
    expect(stderr).toContain('are not signed, though git signs them for you');
  });
});
