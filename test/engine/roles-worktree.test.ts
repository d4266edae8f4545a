/** What coordinators leave in the plan's worktree, in a real repository: a verifier's own fixes, and what nobody may commit unseen. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  gate,
  planText,
  say,
  script,
  startEngine,
  type TestEngine,
  untilBlocked,
  untilFile,
  untilPlan,
  untilStatus,
} from '../support/engine.ts';
import { git } from '../support/ground.ts';

const command = (program: string, enabled: boolean) => ({ preset: 'command', program, attempts: 1, enabled }) as const;

async function engine(limit: number, on: readonly ('reviewer' | 'verifier')[]): Promise<TestEngine> {
  const made = await startEngine({
    daemon: `blueprint_skip_threshold = 0\nreadiness_self_fix_max_lines = ${limit}\n`,
    agents: {
      default: { preset: 'sh', attempts: 1 },
      reviewer: command('./review.sh', on.includes('reviewer')),
      verifier: command('./verify.sh', on.includes('verifier')),
      fixer: command('./fix.sh', true),
    },
  });
  script(join(made.repo, 'fix.sh'), 'echo fixed > fixed.txt');
  return made;
}

/** Commits this many lines and approves its own commit over the socket; if that is refused, it asks for changes with the answer as its text. */
const selfFix = (lines: number) => `[ -e fixed.txt ] && exit 0
seq ${lines} > mended.txt; git add mended.txt; git commit -qm "fix: a small thing"
body="{\\"type\\":\\"verify_approved\\",\\"plan\\":\\"$STATOR_PLAN\\",\\"payload\\":{\\"reviewed_sha\\":\\"$(git rev-parse HEAD)\\"}}"
node -e '
const { request } = require("node:http");
const { STATOR_SOCKET, STATOR_TOKEN, STATOR_PROJECT } = process.env;
const call = request({
  socketPath: STATOR_SOCKET,
  path: "/v1/repos/" + STATOR_PROJECT + "/signals",
  method: "POST",
  headers: { authorization: "Bearer " + STATOR_TOKEN, "content-type": "application/json" },
}, (answer) => { answer.pipe(process.stdout); process.exitCode = answer.statusCode === 200 ? 0 : 1; });
call.end(process.argv[1]);
' "$body"`;

describe('a verifier', () => {
  it('approves what it mended in a few lines, with the commit that holds it', async () => {
    const made = await engine(5, ['verifier']);
    script(join(made.repo, 'verify.sh'), selfFix(5));
    await begin(made, 'small', planText(['echo a > a.txt']));
    const done = await untilStatus(made, 'small', 'done');
    expect(done.review_cycle).toBe(0);
    expect(git(made.repo, 'show', 'plan/small:mended.txt').split('\n')).toHaveLength(5);
    const events = (await made.client.history('demo', 'small')).filter((line) => line.actor === '');
    expect(events.map(({ event }) => event)).toContain('verify_approved');
  });

  it('that changed more is refused with the number of lines, and a fixer goes on', async () => {
    const made = await engine(5, ['verifier']);
    const { repo, client } = made;
    script(join(repo, 'verify.sh'), selfFix(6));
    await begin(made, 'large', planText(['echo a > a.txt']));
    const done = await untilStatus(made, 'large', 'done');
    expect(done.review_cycle).toBe(1);
    const refused = (await client.history('demo', 'large')).find((line) => line.refused !== null);
    expect(refused?.refused?.guard).toMatch(/^selfFixIsSmall: 6 .* 5 /);
    expect(git(repo, 'show', 'plan/large:fixed.txt')).toBe('fixed');
  });

  it('that commits a file of keys is not taken at its word: a person is asked, and a ref keeps it', async () => {
    const made = await engine(9, ['verifier']);
    const { repo } = made;
    script(join(repo, 'verify.sh'), 'echo A=1 > .env; git add .env; git commit -qm mended; exit 0');
    await begin(made, 'keys', planText(['echo a > a.txt']));
    const { blocked } = await untilBlocked(made, 'keys');
    expect(git(repo, 'ls-tree', '--name-only', 'plan/keys').split('\n')).not.toContain('.env');
    const [kept = ''] = keptRefs(repo, 'verifier');
    expect(git(repo, 'show', `${kept}:.env`)).toBe('A=1');
    expect(blocked?.reason).toContain('.env: a file that by its name holds keys or passwords');
    expect(blocked?.reason).toContain(`kept as ${kept}`);
  });

  it('that approves such a commit of its own is refused, and a fixer goes on without it', async () => {
    const made = await engine(9, ['verifier']);
    const { repo } = made;
    const verify = selfFix(5).replace('git add mended.txt', 'echo A=1 > .env; git add .env mended.txt');
    script(join(repo, 'verify.sh'), verify);
    await begin(made, 'keys', planText(['echo a > a.txt']));
    await untilStatus(made, 'keys', 'done');
    const files = git(repo, 'ls-tree', '--name-only', 'plan/keys').split('\n');
    expect([files.includes('.env'), files.includes('fixed.txt')]).toEqual([false, true]);
    expect(git(repo, 'show', `${keptRefs(repo, 'verifier')[0]}:.env`)).toBe('A=1');
  });

  it('loses nothing of what it left uncommitted, and none of it gets into the branch', async () => {
    const made = await engine(5, ['verifier']);
    const { repo } = made;
    script(join(repo, 'verify.sh'), 'echo note > note.txt; echo changed > a.txt; exit 0');
    await begin(made, 'untidy', planText(['echo a > a.txt']));
    await untilStatus(made, 'untidy', 'done');
    expect(git(repo, 'ls-tree', '--name-only', 'plan/untidy').split('\n')).not.toContain('note.txt');
    expect(git(repo, 'show', 'plan/untidy:a.txt')).toBe('a');
    const kept = keptRefs(repo, 'verifier');
    expect(kept).toHaveLength(1);
    expect(git(repo, 'show', `${kept[0]}:note.txt`)).toBe('note');
    expect(git(repo, 'show', `${kept[0]}:a.txt`)).toBe('changed');
    expect(made.log.join('\n')).toContain('untidy-verify-1: what it left uncommitted was set aside');
  });
});

describe('a reviewer', () => {
  it('that commits though it is there to judge finds its commits taken off the branch, and kept', async () => {
    const made = await engine(5, ['reviewer', 'verifier']);
    const { repo } = made;
    script(
      join(repo, 'review.sh'),
      'echo x > sneaked.txt; git add sneaked.txt; git commit -qm sneaked; echo y > lying.txt',
    );
    script(join(repo, 'verify.sh'), 'test ! -e sneaked.txt && test ! -e lying.txt && test -e a.txt');
    await begin(made, 'sneaky', planText(['echo a > a.txt']));
    const done = await untilStatus(made, 'sneaky', 'done');
    expect(done.review_cycle).toBe(0);
    expect(git(repo, 'log', '--format=%s', 'main..plan/sneaky')).not.toContain('sneaked');
    const [kept = ''] = keptRefs(repo, 'reviewer');
    expect([git(repo, 'show', `${kept}:sneaked.txt`), git(repo, 'show', `${kept}:lying.txt`)]).toEqual(['x', 'y']);
    expect(made.log.join('\n')).toContain('sneaky-review-1: its commits are not on plan/sneaky');
  });

  it('that dies after a commit leaves the branch as it was for the next one', async () => {
    const made = await engine(5, ['reviewer']);
    const { repo } = made;
    script(
      join(repo, 'review.sh'),
      'test -e sneaked.txt && exit 0\necho x > sneaked.txt; git add .; git commit -qm sneaked; exit 9',
    );
    await begin(made, 'dead', planText(['echo a > a.txt']));
    await untilBlocked(made, 'dead');
    expect(git(repo, 'ls-tree', '--name-only', 'plan/dead').split('\n')).toEqual(['README.md', 'a.txt']);
  });

  it('that is paused while it works leaves nothing in the branch either, and what it had is kept', async () => {
    const made = await engine(5, ['reviewer']);
    const { repo, root } = made;
    const there = join(root, 'there');
    script(
      join(repo, 'review.sh'),
      `[ -e '${there}' ] && exit 0\necho y > lying.txt; echo x > '${there}'; ${gate(join(root, 'never'))}`,
    );
    await begin(made, 'halted', planText(['echo a > a.txt']));
    await untilFile(there);
    await say(made, 'halted', 'pause');
    await untilPlan(made, 'halted', ({ paused }) => paused);
    await say(made, 'halted', 'resume');
    await untilStatus(made, 'halted', 'done');
    expect(git(repo, 'ls-tree', '--name-only', 'plan/halted').split('\n')).toEqual(['README.md', 'a.txt']);
    const [kept = ''] = keptRefs(repo, 'reviewer');
    expect(git(repo, 'show', `${kept}:lying.txt`)).toBe('y');
  });
});

function keptRefs(repo: string, role: string): string[] {
  const refs = git(repo, 'for-each-ref', '--format=%(refname)', 'refs/stator/attempts').split('\n');
  return refs.filter((ref) => ref.includes(role));
}
