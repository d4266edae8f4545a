/** While an agent runs, a person's HEAD, branches, tags and stash do not move unnoticed: each move is reported, with the way back. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { movesBetween, moveText, type PersonsRefs } from '../../runtime/work/git/moved-refs.ts';
import { createRefMoves } from '../../runtime/work/git/ref-moves.ts';
import { begin, gate, planText, startEngine, type TestEngine, untilStatus } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { outputOf } from '../support/small-shell.ts';
import { noWallsHere } from '../support/walls.ts';

const daemon = (sandbox: string, more = '') =>
  `blueprint_skip_threshold = 0\n${more}[agents.default]\nsandbox = "${sandbox}"\n`;

function start(sandbox: string, more = ''): Promise<TestEngine> {
  return startEngine({ daemon: daemon(sandbox, more), agents: { default: { preset: 'sh', attempts: 1 } } });
}

async function noticesOf({ client }: TestEngine, plan: string): Promise<string[]> {
  const history = await client.history('demo', plan);
  return history.filter(({ event }) => event === 'run_noted').map(({ why }) => why ?? '');
}

/** The commands of a notice, in its order. */
function commandsIn(text: string): string[] {
  return text.split('\n').flatMap((line) => line.split('; back: ')[1] ?? []);
}

describe('without walls, what an agent does to', () => {
  it('the person’s checkout, branches, tags and stash is reported, with commands that put all of it back', async () => {
    const made = await start('off');
    const { repo, client } = made;
    git(repo, 'branch', 'mine');
    git(repo, 'branch', 'gone');
    git(repo, 'tag', 'v1');
    outputOf('sh', ['-c', 'echo mine > README.md; git stash -q'], repo);
    const look = () => ({
      refs: git(repo, 'for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads', 'refs/tags', 'refs/stash')
        .split('\n')
        .filter((line) => !line.includes('refs/heads/plan/')),
      head: git(repo, 'symbolic-ref', 'HEAD'),
    });
    const before = look();
    const task = [
      'echo a > a.txt; git stash pop -q',
      'git add -A; git -c core.hooksPath=/dev/null commit -qm work',
      'git update-ref refs/heads/mine HEAD; git branch -q -D gone; git tag -f v1 HEAD > /dev/null; git branch made',
      `git -C '${repo}' switch -q -c feature`,
    ];
    await begin(made, 'moves', planText([task.join('\n')]));
    await untilStatus(made, 'moves', 'done');
    const [text = ''] = await noticesOf(made, 'moves');
    expect(text.split('\n')[0]).toBe(`while moves-w1-t1 ran, what is not stator's moved in ${repo}:`);
    for (const ref of ['HEAD', 'refs/heads/mine', 'refs/heads/gone', 'refs/heads/made', 'refs/tags/v1', 'refs/stash'])
      expect(text).toContain(`\n${ref}: `);
    const notices = (await client.notifications()).filter(({ type }) => type === 'refs_moved');
    expect(notices).toMatchObject([{ message: expect.stringContaining('while moves-w1-t1 ran') }]);
    for (const command of commandsIn(text)) outputOf('sh', ['-c', command], '/');
    expect(look()).toEqual(before);
  });

  it('the shared settings and hooks is reported, with commands that put them back, and without passwords', async () => {
    const made = await start('off');
    const { repo } = made;
    git(repo, 'config', 'user.name', 'Ann');
    for (const url of ['one', 'two']) git(repo, 'config', '--add', 'remote.origin.url', url);
    git(repo, 'config', 'http.extraHeader', 'Authorization: hush');
    const hook = join(repo, '.git', 'hooks', 'pre-commit');
    const look = () => [git(repo, 'config', '--local', '--list').split('\n').sort().join('\n'), existsSync(hook)];
    const before = look();
    const acts = [
      'echo a > a.txt; git config user.name Agent; git config core.hooksPath "/an agent\'s"; git config branch.x.remote y',
      'git config --replace-all remote.origin.url https://me:hush@evil/; git config --unset http.extraHeader',
      `mkdir -p '${repo}/.git/hooks'; echo exit 1 > '${hook}'`,
    ];
    await begin(made, 'sets', planText([acts.join('\n')]));
    await untilStatus(made, 'sets', 'done');
    const [text = ''] = await noticesOf(made, 'sets');
    expect(text.split('\n').map((line) => line.split('; back: ')[0])).toEqual([
      `while sets-w1-t1 ran, what is not stator's moved in ${repo}:`,
      'setting core.hookspath: not set -> "/an agent\'s"',
      'setting http.extraheader: "***" -> not set',
      'setting remote.origin.url: "one", "two" -> "https://***@evil/"',
      'setting user.name: "Ann" -> "Agent"',
      'hook pre-commit: made',
    ]);
    for (const command of commandsIn(text)) outputOf('sh', ['-c', command], '/');
    git(repo, 'config', 'http.extraHeader', 'Authorization: hush');
    git(repo, 'config', '--unset', 'branch.x.remote');
    expect(look()).toEqual(before);
    expect(
      readFileSync(join(made.home, 'runs', readdirSync(join(made.home, 'runs'))[0] ?? '', 'refs-before'), 'utf8'),
    ).not.toContain('hush');
  });

  it('the person’s branch, by renaming it under their checkout, is undone by the reported commands', async () => {
    const made = await start('off');
    const { repo } = made;
    const look = () => [git(repo, 'symbolic-ref', 'HEAD'), git(repo, 'branch', '--list', 'main', 'renamed')];
    const before = look();
    await begin(made, 'renames', planText([`git -C '${repo}' branch -m renamed; echo a > a.txt`]));
    await untilStatus(made, 'renames', 'done');
    expect(look()).not.toEqual(before);
    const [text = ''] = await noticesOf(made, 'renames');
    for (const command of commandsIn(text)) outputOf('sh', ['-c', command], '/');
    expect(look()).toEqual(before);
  });

  it.each([
    ['its agent', (acts: string) => ({ sh: `echo a > a.txt\n${acts}` })],
    ['its check', (acts: string) => ({ sh: 'echo a > a.txt', fields: `**Check:** ${acts.replaceAll('\n', '; ')}` })],
  ] as const)(
    "what is done in a worktree that has lost its .git does not reach the person's checkout around it: %s",
    async (_who, task) => {
      const made = await start('off');
      const { repo } = made;
      const before = [git(repo, 'rev-parse', 'HEAD'), git(repo, 'symbolic-ref', 'HEAD'), git(repo, 'status', '-s')];
      const acts = [
        'rm .git',
        'mkdir -p below && cd below',
        'git branch -m renamed || echo refused >> refused.txt',
        'git -c core.hooksPath=/dev/null commit -q --allow-empty -m lost || echo refused >> refused.txt',
      ];
      await begin(made, 'lost', planText([task(acts.join('\n'))]));
      await untilStatus(made, 'lost', 'done');
      expect(git(repo, 'show', 'plan/lost:a.txt')).toBe('a');
      expect([git(repo, 'rev-parse', 'HEAD'), git(repo, 'symbolic-ref', 'HEAD'), git(repo, 'status', '-s')]).toEqual(
        before,
      );
      expect(await noticesOf(made, 'lost')).toEqual([]);
    },
  );

  it('is reported beside the last words of an agent that failed, not as these words', async () => {
    const made = await start('off');
    await begin(made, 'fails', planText(['git branch made; echo "the tests of the cart fail"; exit 3']));
    await until(async () => (await made.client.plan('demo', 'fails')).phase === 'wave_waiting');
    expect(await noticesOf(made, 'fails')).toHaveLength(1);
    expect(await made.client.capture({ project: 'demo', title: 'fails-w1-t1' })).toContain('refs/heads/made: made at');
    const { need } = await made.client.plan('demo', 'fails');
    expect(need?.why).toContain('the tests of the cart fail');
    expect(JSON.stringify(need)).not.toContain('refs/heads/made');
  });

  it('nothing is reported if no ref of the person moved, or if only stator itself merged', async () => {
    const made = await start('off', 'auto_merge = true\nauto_readiness_review = false\n');
    const { repo } = made;
    const wait = gate(`${repo}/../go`);
    await begin(made, 'slow', planText([`echo s > s.txt\n${wait}`]));
    await begin(made, 'fast', planText(['echo f > f.txt']));
    await untilStatus(made, 'fast', 'done');
    await until(async () => git(repo, 'log', '--format=%s', 'main').includes('fast'));
    writeFileSync(join(repo, '../go'), '');
    await untilStatus(made, 'slow', 'done');
    expect([...(await noticesOf(made, 'slow')), ...(await noticesOf(made, 'fast'))]).toEqual([]);
    await until(async () => git(repo, 'log', '--format=%s', 'main').includes('slow'));
    await begin(made, 'later', planText(['echo l > l.txt']));
    await untilStatus(made, 'later', 'done');
    expect(await noticesOf(made, 'later')).toEqual([]);
  });
});

describe.skipIf(noWallsHere !== null)('inside walls', () => {
  it('a change by a person is reported once, with all agents at work, and attributed to none of them', async () => {
    const made = await start('bwrap');
    const { repo } = made;
    const task = `echo $STATOR_TASK > out$STATOR_TASK.txt; ${gate('go')}; rm go`;
    await begin(made, 'two', planText([task, task]));
    await until(
      async () =>
        (await made.client.instances({ project: 'demo' })).filter(({ state }) => state === 'running').length === 2,
    );
    git(repo, 'branch', 'by-hand');
    for (const number of [1, 2]) writeFileSync(join(repo, '.worktrees', `plan-two-w1-t${number}`, 'go'), '');
    await untilStatus(made, 'two', 'done');
    const texts = await noticesOf(made, 'two');
    expect(texts).toHaveLength(1);
    expect(texts[0]).toMatch(/^while two-w1-t[12] ran \(its walls kept it from them\), as did two-w1-t[12], /);
    expect(texts[0]).toContain('refs/heads/by-hand: made at ');
  });
});

describe('what moved between two looks', () => {
  const refs = (main: string) => ({
    head: 'ref: refs/heads/main',
    refs: { 'refs/heads/main': main },
    owned: [],
    stash: [],
  });

  it('leaves out what stator merged, and keeps what somebody else did before or after that', () => {
    const { own } = createRefMoves()('/repo/.git');
    own.note({ ref: 'refs/heads/main', from: 'b', to: 'c' });
    expect(movesBetween(refs('b'), refs('c'), own)).toEqual([]);
    expect(movesBetween(refs('a'), refs('c'), own)).toEqual([{ ref: 'refs/heads/main', from: 'a', to: 'b' }]);
    expect(movesBetween(refs('b'), refs('d'), own)).toEqual([{ ref: 'refs/heads/main', from: 'b', to: 'd' }]);
    const forget = own.note({ ref: 'refs/heads/main', from: 'd', to: 'e' });
    forget();
    expect(movesBetween(refs('d'), refs('e'), own)).toEqual([{ ref: 'refs/heads/main', from: 'd', to: 'e' }]);
  });

  it('leaves out what stator merged before the first of them', () => {
    const { own } = createRefMoves()('/repo/.git');
    own.note({ ref: 'refs/heads/main', from: 'a', to: 'b' });
    expect(movesBetween(refs('b'), refs('b'), own)).toEqual([]);
    expect(movesBetween(refs('b'), refs('a'), own)).toEqual([{ ref: 'refs/heads/main', from: 'b', to: 'a' }]);
    own.note({ ref: 'refs/heads/main', from: 'b', to: 'c' });
    expect(movesBetween(refs('b'), refs('c'), own)).toEqual([]);
  });

  it('offers no command that leaves HEAD on a branch without a commit', () => {
    const { own } = createRefMoves()('/repo/.git');
    const [main, none] = [refs('a'), { ...refs('a'), head: 'ref: refs/heads/none' }];
    const [unborn, detached] = [
      { ...main, refs: {} },
      { ...main, head: 'abc' },
    ];
    const texts = (before: PersonsRefs, after: PersonsRefs) =>
      movesBetween(before, after, own).map((move) => moveText({ path: '/repo' }, move));
    expect(texts(main, none)).toEqual(['HEAD: main -> none; back: git -C /repo symbolic-ref HEAD refs/heads/main']);
    expect(texts(detached, none)).toEqual(['HEAD: abc -> none; back: git -C /repo update-ref --no-deref HEAD abc']);
    expect(texts(none, main)).toEqual(['HEAD: none, a branch without a commit -> main']);
    expect(texts(unborn, main)).toEqual(['refs/heads/main: made at a; HEAD named it before it had a commit']);
    expect(texts(main, unborn)).toEqual([
      'refs/heads/main: deleted at a; back: git -C /repo update-ref refs/heads/main a',
    ]);
    expect(texts(main, detached)).toEqual(['HEAD: main -> abc; back: git -C /repo switch main']);
  });

  it('is news to a run that began after it was reported, since it must have been put back and moved again', () => {
    const moves = createRefMoves()('/repo/.git');
    expect(moves.isNews('main a b', { beganMs: 1, atMs: 5 })).toBe(true);
    expect(moves.isNews('main a b', { beganMs: 2, atMs: 6 })).toBe(false);
    expect(moves.isNews('main a b', { beganMs: 7, atMs: 9 })).toBe(true);
  });
});
