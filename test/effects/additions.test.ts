/** A commit that adds keys, large files or a folder full of new files waits for a person's yes, wherever it comes from; the yes holds for the plan. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { factText } from '../../cli/run/fact-line.ts';
import { askedAdditions } from '../../runtime/work/effects/additions.ts';
import { addedFiles } from '../../runtime/work/git/added.ts';
import { inspectRepository } from '../../runtime/work/git/repository.ts';
import {
  begin,
  ground,
  planText,
  say,
  startEngine,
  type TestEngine,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git } from '../support/ground.ts';

/** In two parts, so that no file of this repository holds one. */
const token = `ghp_${'a1B2'.repeat(9)}`;
const commit = 'git -c core.hooksPath=/dev/null -c commit.gpgSign=false commit -q';

function start(config = '', attempts = 2): Promise<TestEngine> {
  const on = ground();
  mkdirSync(join(on.repo, '.stator'));
  writeFileSync(join(on.repo, '.stator', 'config.toml'), config);
  const daemon = 'blueprint_skip_threshold = 0\n[agents.default]\nsandbox = "off"\n';
  return startEngine({ on, daemon, agents: { default: { preset: 'sh', attempts } } });
}

async function questionOf(made: TestEngine, plan: string): Promise<string> {
  const { questions } = await untilPlan(made, plan, (shown) => shown.questions.length > 0);
  return questions[0]?.question ?? '';
}

const files = (made: TestEngine, plan: string) =>
  git(made.repo, 'ls-tree', '-r', '--name-only', `plan/${plan}`).split('\n');

describe('work that adds', () => {
  it('a token, an .env, a large file and a folder of packages is asked about at once, without the token', async () => {
    const made = await start();
    const task = [
      // A comment by which secretlint leaves a file alone counts for nothing.
      `printf '// secretlint-disable\\ntoken = ${token}\\n' > conf.txt; echo A=1 > .env; echo A= > .env.example`,
      'head -c 6000000 /dev/urandom > core.dump',
      'mkdir -p node_modules/x/lib; for i in $(seq 150); do echo $i > node_modules/x/$i.js; cp node_modules/x/$i.js node_modules/x/lib/; done',
      // The agent's own commit is no way around it, nor a file that git takes for unchanged.
      `git add -A; ${commit} -m own; git update-index --assume-unchanged conf.txt; echo nothing > conf.txt`,
    ];
    await begin(made, 'adds', planText([task.join('\n')]));
    const question = await questionOf(made, 'adds');
    expect(question).toContain('conf.txt line 2: a secret (github GITHUB_TOKEN)');
    expect(question).toContain('.env: a file that by its name holds keys');
    expect(question).toContain('core.dump: 5.7 MiB');
    expect(question).toContain('node_modules/: 300 new files that no .gitignore covers');
    expect(question).not.toContain('.env.example');
    const history = await made.client.history('demo', 'adds');
    const shown = await made.client.plan('demo', 'adds');
    const lines = history.map((line) => factText(line, shown)).filter((line) => line?.includes(' asks'));
    expect(lines).toEqual([
      expect.stringMatching(/^wave 1 task 1 asks \(question 1\): its work adds conf\.txt line 2/),
    ]);
    const told = JSON.stringify([
      question,
      await made.client.notifications(),
      await made.client.history('demo', 'adds'),
    ]);
    expect([told.includes(token), told.includes('conf.txt line 2')]).toEqual([false, true]);
    await say(made, 'adds', 'answer', { questions: [1], body: 'yes' });
    await untilStatus(made, 'adds', 'done');
    expect(files(made, 'adds')).toContain('core.dump');
  });

  it('a key is sent back with the words of the person, and the next attempt does without', async () => {
    const made = await start();
    const task = 'if [ "$STATOR_ATTEMPT" = 1 ]; then echo A=1 > .env; else cp "$STATOR_PROMPT_FILE" p.txt; fi';
    await begin(made, 'no', planText([task]));
    await questionOf(made, 'no');
    await say(made, 'no', 'answer', { questions: [1], body: 'read it from the environment' });
    const shown = await untilStatus(made, 'no', 'done');
    expect(shown.run_list).toMatchObject([{ reason: 'additions' }, { attempt: 2 }]);
    expect(files(made, 'no')).not.toContain('.env');
    const prompt = git(made.repo, 'show', 'plan/no:p.txt');
    expect([prompt.includes('read it from the environment'), prompt.includes('.env')]).toEqual([true, true]);
  });

  it('what a person said yes to is not asked about again in that plan, and anything else is', async () => {
    const made = await start('isolation = "plan"\n');
    const { repo } = made;
    await begin(
      made,
      'once',
      planText(['echo A=1 > .env'], ['git rm -q .env; echo x > x.txt'], ['echo A=2 > .env'], ['echo B > .env.local']),
    );
    await questionOf(made, 'once');
    await say(made, 'once', 'answer', { questions: [1], body: 'yes' });
    const { questions } = await untilPlan(made, 'once', (shown) => shown.questions.some(({ number }) => number === 2));
    expect(questions).toMatchObject([{ number: 2, question: expect.stringContaining('.env.local') }]);
    expect(git(repo, 'show', 'plan/once:.env')).toBe('A=2');
    await say(made, 'once', 'answer', { questions: [2], body: 'yes' });
    await untilStatus(made, 'once', 'done');
  });

  it.each([
    [
      'where the limits are off',
      'confirm_secrets = false\nconfirm_file_size = ""\nconfirm_new_files = ""\n',
      'echo A=1 > .env; head -c 6000000 /dev/zero > big; mkdir n; for i in $(seq 201); do echo $i > n/$i; done',
    ],
    [
      'where it was there before, or was only moved',
      'confirm_new_files = 2\n',
      `git mv d e; printf 'more\\ntoken = ${token}\\n' > had.txt`,
    ],
    ['of what is ignored', '', "echo '/.env' > .gitignore; echo A=1 > .env"],
  ])('asks nobody %s', async (_, config, task) => {
    const made = await start(config, 1);
    mkdirSync(join(made.repo, 'd'));
    for (const name of ['1', '2', '3']) writeFileSync(join(made.repo, 'd', name), `${name}\n`);
    writeFileSync(join(made.repo, 'had.txt'), `token = ${token}\n`);
    git(made.repo, 'add', '-A');
    git(made.repo, '-c', 'core.hooksPath=/dev/null', 'commit', '-qm', 'before', '--no-gpg-sign');
    await begin(made, 'quiet', planText([task]));
    await untilStatus(made, 'quiet', 'done');
  });

  it('is asked about with the true reason if the search for keys failed', async () => {
    const { repo } = ground();
    mkdirSync(join(repo, 'src'));
    writeFileSync(join(repo, 'src/a.txt'), 'a');
    git(repo, 'add', '-A');
    git(repo, 'commit', '-qm', 'adds');
    const asked = await askedAdditions(
      { store: { tree: async () => null }, secrets: { in: async () => null } },
      await inspectRepository(repo),
      {
        ...{ base: git(repo, 'rev-parse', 'HEAD~1'), head: git(repo, 'rev-parse', 'HEAD'), worktree: null },
        ...{ plan: { project: 'demo', plan: 'p' }, limits: { secrets: true, fileBytes: null, newFiles: null } },
      },
    );
    expect(asked?.added).toMatch(
      /^1 file not searched for keys, as src\/a\.txt: the search took too long, or failed \(/,
    );
  });

  it('more than the limits of the configuration is asked about', async () => {
    const made = await start('confirm_file_size = "1MiB"\nconfirm_new_files = 2\n', 1);
    await begin(
      made,
      'small',
      planText(['head -c 2097152 /dev/zero > big; mkdir n; for i in 1 2 3; do echo $i > n/$i; done']),
    );
    const question = await questionOf(made, 'small');
    expect([question.includes('big: 2.0 MiB'), question.includes('n/: 3 new files')]).toEqual([true, true]);
  });

  it('no number of files hides the size of one', async () => {
    const { repo } = ground();
    const [small, large] = ['', 'x'.repeat(9_000)].map((input) =>
      execFileSync('git', ['hash-object', '-w', '--stdin'], { cwd: repo, input, encoding: 'utf8' }).trim(),
    );
    const lines = Array.from({ length: 20_001 }, (_, at) => `100644 ${small}\tn/${at}\n`);
    const input = `${lines.join('')}100644 ${large}\tz\n`;
    execFileSync('git', ['update-index', '--index-info'], { cwd: repo, input });
    git(repo, 'commit', '-qm', 'many');
    const found = await addedFiles(await inspectRepository(repo), 'HEAD~1', 'HEAD');
    expect([found.length, found.at(-1)]).toMatchObject([20_002, { path: 'z', bytes: 9_000 }]);
  });

  it('many files that are each small enough are asked about by their size together', async () => {
    const made = await start('confirm_file_size = "1MiB"\n', 1);
    const task = 'mkdir -p dist/x; for i in $(seq 18); do head -c 600000 /dev/urandom > dist/x/$i.bin; done';
    await begin(made, 'heavy', planText([task]));
    expect(await questionOf(made, 'heavy')).toContain('its work adds dist/: 18 new files of 10.3 MiB together');
    await say(made, 'heavy', 'answer', { questions: [1], body: 'yes' });
    await untilStatus(made, 'heavy', 'done');
  });
});
