/** A coder cannot choose its judge: a reviewer's program, and every file that its command line names, come from the main folder. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { begin, ground, planText, script, startEngine, untilBlocked, untilStatus } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { noWallsHere } from '../support/walls.ts';

// How each form of a command line is read is in test/agents/preset.test.ts.
it('a coder that writes the program of its judge anew in its worktree is judged by the one that it found', async () => {
  const on = ground();
  writeFileSync(join(on.repo, 'judge'), '#!/bin/sh\necho "not good $1"\nexit 1\n');
  chmodSync(join(on.repo, 'judge'), 0o755);
  git(on.repo, 'add', 'judge');
  git(on.repo, 'commit', '-qm', 'a judge');
  const reviewer = { preset: 'command', program: './judge --strict', attempts: 1 } as const;
  const engine = await startEngine({
    on,
    daemon: 'auto_review_fix = false\n',
    agents: { default: { preset: 'sh', attempts: 1 }, reviewer },
  });
  await begin(engine, 'login', planText(["printf '#!/bin/sh\\nexit 0\\n' > judge && echo a > a.txt"]));
  const { blocked, status } = await untilBlocked(engine, 'login');
  expect(status).toBe('implementing');
  expect(blocked).toMatchObject({ source: 'review', reason: expect.stringContaining('not good --strict') });
});

const byFlag = { program: 'sh', flags: ['-c', 'sh scripts/review.sh'] };
const byWords = { program: 'STRICT=1 exec sh scripts/review.sh --strict' };

for (const [sandbox, line] of [
  ['off', byFlag] as const,
  ...(noWallsHere === null ? ([['bwrap', byFlag] as const, ['bwrap', byWords] as const] as const) : []),
])
  it(`a coder that writes the script of ${Object.values(line).flat().join(' ')} anew is judged by the one that it found, sandbox = "${sandbox}"`, async () => {
    const agent = { attempts: 1, sandbox } as const;
    const engine = await startEngine({
      on: withScript(),
      daemon: 'auto_review_fix = false\n',
      agents: {
        default: { ...agent, preset: 'sh' },
        reviewer: { ...agent, ...line, preset: 'command' },
      },
    });
    await begin(engine, 'login', planText(["printf 'exit 0\\n' > scripts/review.sh"]));
    const { blocked } = await untilBlocked(engine, 'login');
    expect(blocked).toMatchObject({ source: 'review', reason: expect.stringContaining('not good') });
  });

it('a judge runs what the branch says, and is refused', async () => {
  const engine = await startEngine({
    on: withScript(),
    daemon: 'auto_review_fix = false\n',
    agents: {
      default: { preset: 'sh', attempts: 1 },
      reviewer: { preset: 'command', program: 'sh own.sh', attempts: 1 },
    },
  });
  await begin(engine, 'login', planText(["printf 'exit 0\\n' > own.sh"]));
  const { blocked } = await untilBlocked(engine, 'login');
  expect(blocked).toMatchObject({
    source: 'failed',
    reason: expect.stringContaining('who wrote the branch would judge it'),
  });
});

/** What a coder leaves in place of the judging scripts: other content, a link, nothing. */
const exchanges = [
  'rm -r scripts && mkdir scripts && echo exit 0 > scripts/review.sh',
  'mv scripts elsewhere && echo exit 0 > elsewhere/review.sh && ln -s elsewhere scripts',
  'git rm -rq scripts && git commit -qm gone && printf "review:\\n\\ttrue\\n" > Makefile',
];

for (const sandbox of noWallsHere === null ? (['off', 'bwrap'] as const) : (['off'] as const))
  for (const [index, program] of [
    'make -s review || exit 1',
    'cd scripts && sh review.sh',
    'sh scripts/*.sh',
  ].entries())
    it(`a judge that is started by ${program} has the files that its profile names as they were trusted, sandbox = "${sandbox}"`, async () => {
      const agent = { preset: 'sh', attempts: 1, sandbox } as const;
      const trusted_files = ['Makefile', 'scripts/'];
      const reviewer = { ...agent, preset: 'command', program, trusted_files } as const;
      const engine = await startEngine({
        on: withScript(),
        daemon: 'auto_review_fix = false\nblueprint_skip_threshold = 0\n',
        agents: { default: agent, reviewer },
      });
      await begin(engine, 'login', planText([exchanges[index] ?? '']));
      const { blocked } = await untilBlocked(engine, 'login');
      expect(blocked).toMatchObject({ source: 'review', reason: expect.stringContaining('not good') });
    });

it('what a verifier has as it was trusted is in none of its commits, and its own work is', async () => {
  const on = withScript();
  const payload = '{\\"reviewed_sha\\":\\"$(git rev-parse HEAD)\\"}';
  const steps = [
    'test -e scripts/review.sh && test -z "$(git status --porcelain)" || exit 1',
    'echo b > b.txt; git add -A; git commit -qam mended',
    `stator signal emit verify_approved "$STATOR_PLAN" --payload "${payload}"`,
  ];
  script(join(on.repo, 'verify.sh'), steps.join('\n'));
  const verifier = { preset: 'command', program: './verify.sh', attempts: 1 } as const;
  const engine = await startEngine({
    on,
    agents: {
      default: { preset: 'sh', attempts: 1 },
      reviewer: { enabled: false },
      verifier: { ...verifier, trusted_files: ['scripts', 'Makefile'] },
    },
  });
  await begin(engine, 'login', planText(['git rm -q scripts/review.sh && echo other > Makefile']));
  await untilStatus(engine, 'login', 'done');
  const files = git(engine.repo, 'ls-tree', '-r', '--name-only', 'plan/login').split('\n');
  expect(files).toEqual(['Makefile', 'README.md', 'b.txt']);
  expect(git(engine.repo, 'show', 'plan/login:Makefile')).toBe('other');
});

it.skipIf(noWallsHere !== null)(
  'what a judge starts writes none of its trusted files anew, and moves no folder of theirs away',
  async () => {
    const on = withScript();
    const judge = 'sh ./tests.sh; sh scripts/deep/last.sh';
    mkdirSync(join(on.repo, 'scripts', 'deep'));
    writeFileSync(join(on.repo, 'scripts', 'deep', 'last.sh'), 'echo "not good"\nexit 1\n');
    git(on.repo, 'add', '.');
    git(on.repo, 'commit', '-qm', 'the last word');
    writeFileSync(join(on.repo, 'judge.sh'), judge);
    const agent = { preset: 'sh', attempts: 1, sandbox: 'bwrap' } as const;
    const engine = await startEngine({
      on,
      daemon: 'auto_review_fix = false\nblueprint_skip_threshold = 0\n',
      agents: {
        default: agent,
        reviewer: { ...agent, preset: 'command', program: 'sh judge.sh', trusted_files: ['scripts/deep'] },
      },
    });
    const tests = [
      'echo exit 0 > scripts/deep/last.sh',
      'mv scripts/deep scripts/d2; mv scripts s2',
      'rm -rf scripts; mkdir -p scripts/deep; echo exit 0 > scripts/deep/last.sh; true',
    ];
    await begin(engine, 'login', planText([`cat > tests.sh <<'END'\n${tests.join('\n')}\nEND`]));
    const { blocked } = await untilBlocked(engine, 'login');
    expect(blocked).toMatchObject({ source: 'review', reason: expect.stringContaining('not good') });
  },
);

it('what the trusted commit has not is not there for a judge where its profile names it, and is said', async () => {
  const engine = await startEngine({
    on: withScript(),
    daemon: 'auto_review_fix = false\nblueprint_skip_threshold = 0\n',
    agents: {
      default: { preset: 'sh', attempts: 1 },
      reviewer: {
        preset: 'command',
        program: 'make -s review || exit 1',
        trusted_files: ['GNUmakefile', 'Makefile'],
        attempts: 1,
      },
    },
  });
  await begin(engine, 'login', planText(['printf "review:\\n\\ttrue\\n" > GNUmakefile']));
  const { blocked } = await untilBlocked(engine, 'login');
  expect(blocked).toMatchObject({ source: 'review', reason: expect.stringContaining('not good') });
  expect(engine.log.join('\n')).toContain('names GNUmakefile, which');
});

for (const sandbox of noWallsHere === null ? (['off', 'bwrap'] as const) : (['off'] as const))
  it(`a judge that has all files as they were trusted finds none of the branch, and git shows it the branch, sandbox = "${sandbox}"`, async () => {
    const agent = { preset: 'sh', attempts: 1, sandbox } as const;
    const looks = [
      'test "$(git ls-files --others | grep -v .stator)" = "" && test -z "$(git status --porcelain)" || exit 1',
      'test ! -e GNUmakefile && test ! -e new && git show HEAD:new/GNUmakefile || exit 1',
      'make -s review || echo "good until here" && exit 1',
    ];
    const engine = await startEngine({
      on: withScript(),
      daemon: 'auto_review_fix = false\nblueprint_skip_threshold = 0\n',
      agents: {
        default: agent,
        reviewer: { ...agent, preset: 'command', program: looks.join('; '), trusted_files: ['.'] },
      },
    });
    const steps = [
      'rm -r scripts Makefile',
      'printf "review:\\n\\ttrue\\n" > GNUmakefile',
      'mkdir new',
      'cp GNUmakefile new/',
    ];
    await begin(engine, 'login', planText([steps.join('; ')]));
    const { blocked } = await untilBlocked(engine, 'login');
    expect(blocked).toMatchObject({ source: 'review', reason: expect.stringMatching(/not good.*good until here/s) });
  });

it('a file whose name is no text does not stay where a judge has all files as they were trusted', async () => {
  const engine = await startEngine({
    on: withScript(),
    daemon: 'auto_review_fix = false\nblueprint_skip_threshold = 0\n',
    agents: {
      default: { preset: 'sh', attempts: 1 },
      reviewer: { preset: 'command', program: 'make -s review', trusted_files: ['.'], attempts: 1 },
    },
  });
  await begin(engine, 'login', planText([`mkdir "$(printf '\\377')" && echo x > "$(printf '\\377')/x"`]));
  const { blocked } = await untilBlocked(engine, 'login');
  expect(blocked).toMatchObject({ source: 'failed', reason: expect.stringContaining('no UTF-8') });
});

/** A repository with a script that rejects everything. */
function withScript() {
  const on = ground();
  mkdirSync(join(on.repo, 'scripts'));
  writeFileSync(join(on.repo, 'scripts', 'review.sh'), 'echo "not good $1"\nexit 1\n');
  writeFileSync(join(on.repo, 'Makefile'), 'review:\n\t@sh scripts/review.sh\n');
  git(on.repo, 'add', '.');
  git(on.repo, 'commit', '-qm', 'a script');
  return on;
}
