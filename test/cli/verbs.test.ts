import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf, steady, terminal, working } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

const plan = planOf(['true', 'true', 'true']);

/** A repo with the plan `p`, registered and not started. */
async function registered() {
  const made = working();
  made.write('p.md', plan);
  const { code, stderr } = await made.stator(['plan', 'register', 'p.md', '--trust']);
  expect(code).toBe(0);
  return { ...made, note: stderr };
}

describe('plans without an engine', () => {
  it('are registered, listed and shown', async () => {
    const made = await registered();
    const list = await made.stator(['plan', 'list']);
    expect(list).toMatchObject({ code: 0 });
    expectProse(`${made.note}${list.stderr}`);
    expect(list.stdout).toMatchInlineSnapshot(`
      "plan  status           tasks  waits for
      p     ready (planned)  0/3
      "
    `);
    expect(steady((await made.stator(['plan', 'show', 'p'])).stdout, made)).toMatchInlineSnapshot(`
      "plan     demo/p
      title    A plan
      status   ready (planned)
      branch   plan/p
      updated  just now

      ○ wave 1
        ○ 1 piece 1.1
        ○ 2 piece 1.2
        ○ 3 piece 1.3
      "
    `);
    const shown = JSON.parse((await made.stator(['plan', 'show', 'p.md', '--json'])).stdout);
    expect(shown).toMatchObject({ project: 'demo', plan: 'p', status: 'ready', phase: 'planned', content: plan });
    expect((await made.stator(['plan', 'show', 'p', '--content'])).stdout).toBe(plan);
  });

  it('that are to start say that no agent of theirs works yet, and what starts one', async () => {
    const made = await registered();
    made.write('q.md', planOf(['true', 'true', 'true']));
    const { code, stdout, stderr } = await made.stator(['plan', 'register', 'q.md', '--start']);
    expect(code).toBe(0);
    const shown = (await made.stator(['plan', 'show', 'q'])).stdout;
    expectProse(`${stdout}${stderr}${shown}`, 'demo/q', 'stator daemon start');
    expect(shown).not.toContain('working');
    expect((await made.stator(['plan', 'pause', 'q', '--yes'])).stderr).not.toContain('daemon start');
    expect((await made.stator(['plan', 'resume', 'q', '--yes'])).stderr).toContain('stator daemon start');
  });

  it('are not registered in a pipe where the repo would start programs, unless it is trusted', async () => {
    const made = working();
    made.write('p.md', plan);
    for (const verb of [
      ['plan', 'register', 'p.md'],
      ['run', 'p.md'],
    ]) {
      const { code, stderr } = await made.stator(verb);
      expect(code).toBe(1);
      expectRefusal(stderr, 'agents: sh', '--trust');
    }
    expect((await made.stator(['plan', 'list', '--json'])).stdout).toBe('[]\n');
  });

  it('are found from a worktree, by --project, and by the variables of a run', async () => {
    const made = await registered();
    git(made.repo, 'worktree', 'add', '-q', '../elsewhere');
    const shown = async (how: object, ...more: string[]) =>
      (await made.stator(['plan', 'show', ...more, '--json'], how)).code;
    expect(await shown({ cwd: `${made.root}/elsewhere` }, 'p')).toBe(0);
    expect(await shown({ cwd: made.root }, 'p', '--project', 'demo')).toBe(0);
    expect(await shown({ cwd: made.root, env: { STATOR_PROJECT: 'demo', STATOR_PLAN: 'p' } })).toBe(0);
    expect(await shown({}, 'nope')).toBe(1);
  });

  it('refuse a --project that is not registered, every one of them, with the nearest and those that are', async () => {
    const made = await registered();
    const lines = [
      ...['plan list', 'plan show p', 'plan start p', 'signal list', 'signal emit cancel p', 'instance list', 'status'],
      ...['queue list', 'monitor', 'repo show', 'plan register p.md', 'run p.md', 'plan check p.md', 'doctor', 'init'],
    ];
    const said = new Set<string>();
    for (const line of lines) {
      const { code, stdout, stderr } = await made.stator([...line.split(' '), '--project', 'dmo']);
      expect({ line, code, stdout }).toEqual({ line, code: 1, stdout: '' });
      said.add(stderr);
    }
    expectProse([...said].join('\n'), '"dmo"', 'demo?');
    expect(said.size).toBe(1);
    const empty = await made.stator(['plan', 'list', '--project', 'demo'], {
      env: { STATOR_HOME: join(made.root, 'h2') },
    });
    expectRefusal(empty.stderr, '"demo"');
    expect(existsSync(join(made.root, 'h2'))).toBe(false);
  });

  it('say which plan refused a signal, in which state it is, and which commands it accepts', async () => {
    const made = await registered();
    const refused = await made.stator(['plan', 'advance', 'p', 'review-approved']);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toBe('');
    expect(refused.stderr).toMatchInlineSnapshot(`
      "no engine runs
      refused: p is planned, so nothing is under review
      hint: it accepts now: stator plan advance p, or stator plan start p, or stator plan pause p; all commands: stator plan explain p
      "
    `);
    const json = await made.stator(['signal', 'emit', 'review_approved', 'p', '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      signal: {
        type: 'review_approved',
        status: 'failed',
        refused: { state: 'ready.planned', accepts: expect.any(Array) },
      },
      plan: { project: 'demo', plan: 'p', status: 'ready', phase: 'planned' },
    });
    for (const plan of [['p'], []]) {
      const unknown = await made.stator(['signal', 'emit', 'review_aproved', ...plan]);
      expect(unknown.code).toBe(64);
      expectRefusal(unknown.stderr, '"review_aproved"', 'review_approved?');
    }
    expectProse((await made.stator(['plan', 'explain', 'p'])).stdout, 'demo/p');
  });

  it('take transitions, pause, cancel and reopen; set-status needs --force', async () => {
    const made = await registered();
    const verb = async (...args: string[]) => {
      const { code, stdout } = await made.stator(args);
      expect({ args, code }).toEqual({ args, code: 0 });
      return stdout;
    };
    const told = [
      await verb('plan', 'pause', 'p'),
      await verb('plan', 'resume', 'p'),
      await verb('plan', 'cancel', 'p'),
      await verb('plan', 'advance', 'p', 'reopen'),
    ];
    const forced = await made.stator(['plan', 'advance', 'p', '--to', 'reviewing']);
    expect(forced.code).toBe(1);
    expectRefusal(forced.stderr, '--force');
    // A command that would be refused is not offered.
    const unknown = await made.stator(['plan', 'set-status', 'p', 'reviewign']);
    expect([unknown.code, unknown.stderr]).toEqual([64, expect.stringContaining('did you mean reviewing?')]);
    told.push(await verb('plan', 'advance', 'p', '--to', 'reviewing', '--force'));
    expectProse(told.join(''), 'pause', 'resume', 'cancel', 'reopen', 'set_status');
    const history = JSON.parse((await made.stator(['plan', 'history', 'p', '--json'])).stdout);
    expect(history.map((entry: { event: string }) => entry.event)).toContain('set_status');
    for (const name of ['p', 'demo/p', './p.md'])
      expect((await made.stator(['signal', 'list', name, '--status', 'done'])).stdout).toContain('set_status');
    for (const list of ['signal', 'agent'])
      expect((await made.stator([list, 'list', 'q'])).stderr).toContain('plan not found: demo/q');
    // Made ready by hand, it takes its next step like any other, and that ends the block.
    await verb('plan', 'advance', 'p', '--to', 'planned', '--force');
    await verb('plan', 'advance', 'p');
    const shown = JSON.parse((await made.stator(['plan', 'show', 'p', '--json'])).stdout);
    expect(shown).toMatchObject({ status: 'implementing', blocked: null });
  });

  it('are created from standard input, edited, and deleted only when somebody says yes', async () => {
    const made = await registered();
    const created = await made.stator(['plan', 'create', 'Second Plan', '--json'], { input: plan });
    expect(JSON.parse(created.stdout)).toMatchObject({ plan: 'second-plan', phase: 'planned' });
    const edited = await made.stator(['plan', 'update-content', 'second-plan'], { input: `${plan}\nmore\n` });
    expect(edited.code).toBe(0);
    expect((await made.stator(['plan', 'show', 'second-plan', '--content'])).stdout).toBe(`${plan}\nmore\n`);
    const unsaid = await made.stator(['plan', 'delete', 'second-plan']);
    expect(unsaid).toMatchObject({ code: 1 });
    expectRefusal(unsaid.stderr, 'demo/second-plan', '--yes');
    expect(await made.stator(['plan', 'delete', 'second-plan', '--yes', '--quiet'])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect((await made.stator(['plan', 'show', 'second-plan'])).code).toBe(1);
  });

  it('exit with 69 if only an engine could do it, and print empty lists if nothing exists', async () => {
    const made = await registered();
    const killed = await made.stator(['agent', 'kill', 'p-w1-t1']);
    expect(killed.code).toBe(69);
    expectRefusal(killed.stderr, 'p-w1-t1');
    expect(await made.stator(['agent', 'list', '--json'])).toMatchObject({ code: 0, stdout: '[]\n' });
    expect(await made.stator(['agent', 'logs', 'p-w1-t1'])).toMatchObject({ code: 1 });
    expect(await made.stator(['queue', 'list', '--json'])).toMatchObject({ code: 0, stdout: '[]\n' });
    expect((await made.stator(['repo', 'list'])).stdout).toContain(`demo     ${made.repo}`);
  });

  it('show the machines that run', async () => {
    const { stator } = terminal();
    const mermaid = await stator(['machine', 'export', 'plan', '--format', 'mermaid']);
    expect(mermaid).toMatchObject({ code: 0, stdout: expect.stringContaining('stateDiagram') });
    expect(JSON.parse((await stator(['machine', 'export', 'agent', '--format', 'json'])).stdout)).toBeTypeOf('object');
    const picture = await stator(['machine', 'export', 'plan', '--format', 'svg', '--theme', 'dark']);
    expect(picture).toMatchObject({ code: 0, stdout: expect.stringMatching(/^<svg .*data-machine="plan"/) });
    expect(picture.stdout).not.toContain(' lit"');
    expect(JSON.parse((await stator(['machine', 'export', 'plan', '--json'])).stdout)).toMatchObject({ id: 'plan' });
    const inDocument = await stator(['machine', 'export', 'plan', '--theme', 'dark', '--json']);
    expect(JSON.parse(inDocument.stdout)).toEqual({ name: 'plan', format: 'svg', text: picture.stdout });
    const listed = await stator(['machine', 'list', '--json']);
    expect(JSON.parse(listed.stdout).map(({ name }: { name: string }) => name)).toEqual([
      'supervisor',
      'repo',
      'landing',
      'plan',
      'wave',
      'task',
      'agent',
    ]);
  });

  it('highlight the current state in the picture of a machine, and suggest the nearest valid value for a mistyped one', async () => {
    const { stator } = await registered();
    const lit = async (machine: string) =>
      [
        ...(await stator(['machine', 'export', machine, '--plan', 'p'])).stdout.matchAll(/ lit" data-state="([^"]*)"/g),
      ].map(([, id]) => id);
    expect(await lit('plan')).toContain('lifecycle.ready.planned');
    expect(await lit('repo')).toEqual(['active']);
    expect(await lit('task')).toEqual([]);
    const wrong: [string[], number][] = [
      [['plna'], 1],
      [['plan', '--format', 'jsno'], 64],
      [['plan', '--theme', 'drak'], 64],
      [['plan', '--format', 'json', '--theme', 'dark'], 64],
      [['plan', '--plan', 'nope'], 1],
      [['task', '--plan', 'p'], 0],
    ];
    const said: string[] = [];
    for (const [words, code] of wrong) {
      const answer = await stator(['machine', 'export', ...words]);
      expect({ words, code: answer.code }).toEqual({ words, code });
      said.push(answer.stderr);
    }
    expectProse(said.join('\n'), 'plan?', 'json?', 'dark?', '--format svg', 'nope', 'task of p');
  });
});
