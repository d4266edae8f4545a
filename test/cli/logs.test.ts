import { readFileSync, renameSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Terminal, terminal } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

/** What a test runner under npm prints: the error in the middle, news of the package manager at the end. */
const check = `#!/bin/sh
test -e other.txt && exit 0
echo "> x@1.0.0 test"
echo "AssertionError: expected 2 to be 3"
echo "    at adds (t.test.js:3:7)"
echo "Tests: 1 failed"
echo "npm notice New minor version of npm available!"
echo "npm notice"
exit 3
`;

/** A plan whose one task writes what its attempt is called, and whose check takes none of the first attempt. */
async function checked(passes: boolean): Promise<Terminal> {
  const made = terminal();
  made.write('.stator/config.toml', 'blueprint_skip_threshold = 0\n[agents.default]\npreset = "sh"\nattempts = 2\n');
  made.write('check.sh', check);
  const second = passes ? 'test "$STATOR_ATTEMPT" = 1 || touch other.txt' : 'true';
  const script = `cp "$STATOR_PROMPT_FILE" "../../prompt-$STATOR_ATTEMPT"\necho "agent of attempt $STATOR_ATTEMPT"\necho $STATOR_ATTEMPT >x.txt\n${second}`;
  made.write('p.md', `# P\n\n## Wave 1\n\n### Task 1: One\n\n**Check:** sh check.sh\n\n\`\`\`sh\n${script}\n\`\`\`\n`);
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'agents');
  const run = await made.stator(['run', 'p.md', '--trust']);
  expect(run.code, run.stdout + run.stderr).toBe(passes ? 0 : 1);
  return made;
}

const why = 'AssertionError: expected 2 to be 3 (sh check.sh exited with 3)';

describe('a check that fails', () => {
  it('is reported by the line that says why, in every list, with the command that shows its log, and to the next attempt', async () => {
    const made = await checked(false);
    const shown = JSON.parse((await made.stator(['plan', 'show', 'p', '--json'])).stdout);
    expect(shown.tasks_by_wave[0].tasks[0]).toMatchObject({ reason: 'check-failed', why });
    const history = JSON.parse((await made.stator(['plan', 'history', 'p', '--json'])).stdout);
    expect(history.filter(({ event }: { event: string }) => event === 'check_failed')).toMatchObject([
      { why },
      { why },
    ]);
    const { waiting_for: waiting } = JSON.parse((await made.stator(['plan', 'explain', 'p', '--json'])).stdout);
    expectProse(waiting.detail, why, 'stator agent logs p-w1-t1 --check');
    const { stdout: status } = await made.stator(['status']);
    expect(status).toContain('  stator agent logs p-w1-t1 --check\n');
    expect(readFileSync(`${made.repo}/prompt-2`, 'utf8')).toContain(why);
  });

  it('has a log of its own, after each attempt, and the agent has its own for each', async () => {
    const made = await checked(true);
    const read = async (...args: string[]) => {
      const { stdout, code, stderr } = await made.stator([...args, '--json']);
      expect(code, stderr).toBe(0);
      return JSON.parse(stdout);
    };
    const first = await read('logs', 'p-w1-t1', '--check', '--attempt', '1');
    const command = 'sh check.sh';
    expect(first).toMatchObject({
      ...{ title: 'p-w1-t1', attempt: 1, reason: 'check-failed', earlier: [] },
      check: { wave: 1, task: 1, command, exit_code: 3 },
    });
    expect(first.text).toContain('AssertionError');
    expect(await read('agent', 'logs', 'p-w1-t1', '--check')).toMatchObject({
      ...{ attempt: 2, reason: null, check: { exit_code: 0 }, text: '', earlier: [] },
    });
    expect(await read('agent', 'logs', 'p-w1-t1')).toMatchObject({
      ...{ attempt: 2, check: null, text: 'agent of attempt 2\n' },
    });
    // Its home was moved since.
    const env = { STATOR_HOME: `${made.home}-moved` };
    renameSync(made.home, env.STATOR_HOME);
    const { stdout } = await made.stator(['logs', 'p-w1-t1', '--attempt', '1'], { env });
    expect(stdout).toBe('agent of attempt 1\n');
    renameSync(env.STATOR_HOME, made.home);
    const missing = await made.stator(['logs', 'p-w1-t1', '--attempt', '9']);
    expect(missing.code).toBe(1);
    expectRefusal(missing.stderr, 'attempt 9', '1, 2', '--attempt 2');
  });

  it('is one of several of a small plan, and all of them are in one document', async () => {
    const made = terminal();
    made.write('.stator/config.toml', '[agents.default]\npreset = "sh"\n');
    const task = (number: number) =>
      `### Task ${number}: Part ${number}\n\n**Check:** echo part ${number}\n\n\`\`\`sh\necho ${number} >${number}.txt\n\`\`\`\n`;
    made.write('p.md', `# P\n\n## Wave 1\n\n${task(1)}\n${task(2)}`);
    git(made.repo, 'add', '-A');
    git(made.repo, 'commit', '-qm', 'agents');
    expect((await made.stator(['run', 'p.md', '--trust'])).code).toBe(0);
    const shown = JSON.parse((await made.stator(['logs', 'p-coder', '--check', '--json'])).stdout);
    expect(shown).toMatchObject({
      ...{ title: 'p-coder', check: { task: 2 }, text: 'part 2\n' },
      earlier: [{ title: 'p-coder', check: { task: 1 }, text: 'part 1\n' }],
    });
  });

  it('has none where none ran, and a log of one attempt is not followed', async () => {
    const made = terminal();
    made.write('.stator/config.toml', '[agents.default]\npreset = "sh"\n');
    made.write('p.md', '# P\n\n## Wave 1\n\n### Task 1: One\n\n```sh\necho 1 >x.txt\n```\n');
    git(made.repo, 'add', '-A');
    git(made.repo, 'commit', '-qm', 'agents');
    expect((await made.stator(['run', 'p.md', '--trust'])).code).toBe(0);
    const none = await made.stator(['logs', 'p-coder', '--check']);
    expect(none.code).toBe(1);
    expectRefusal(none.stderr, 'p-coder', '**Check:**');
    for (const words of [
      ['p-coder', '-f', '--check'],
      ['p-coder', '-f', '--attempt', '1'],
      ['--check'],
      ['p-coder', '--attempt', 'one'],
    ])
      expect(await made.stator(['logs', ...words]), words.join(' ')).toMatchObject({ code: 64 });
  });
});
