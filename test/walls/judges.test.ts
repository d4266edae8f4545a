/** Who judges a coder's work does not come from the coder: the program of a reviewer, and every file that its words name, is that of the main folder. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { begin, ground, planText, startEngine, untilBlocked } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { noWallsHere } from '../support/walls.ts';

for (const program of ['./judge', './judge --strict'])
  it(`a coder that writes ${program} anew in its worktree is judged by the one that it found`, async () => {
    const on = ground();
    writeFileSync(join(on.repo, 'judge'), '#!/bin/sh\necho "not good $1"\nexit 1\n');
    chmodSync(join(on.repo, 'judge'), 0o755);
    git(on.repo, 'add', 'judge');
    git(on.repo, 'commit', '-qm', 'a judge');
    const engine = await startEngine({
      on,
      daemon: 'auto_review_fix = false\n',
      agents: { default: { preset: 'sh', attempts: 1 }, reviewer: { preset: 'command', program, attempts: 1 } },
    });
    await begin(engine, 'login', planText(["printf '#!/bin/sh\\nexit 0\\n' > judge && echo a > a.txt"]));
    const { blocked, status } = await untilBlocked(engine, 'login');
    expect(status).toBe('implementing');
    expect(blocked).toMatchObject({ source: 'review', reason: expect.stringContaining('not good') });
  });

/** By program the flags that follow it; each names the script in its own way. */
const interpreted = [
  ['sh scripts/review.sh', []],
  ['sh "scripts/review.sh"', []],
  ["sh -c '. ./scripts/review.sh'", []],
  ['sh', ['scripts/review.sh']],
  ['sh', ['-c', 'sh scripts/review.sh']],
  ['STRICT=1 exec sh scripts/review.sh --strict', []],
] as const;

for (const sandbox of noWallsHere === null ? (['off', 'bwrap'] as const) : (['off'] as const))
  for (const [program, flags] of interpreted)
    it(`a coder that writes the script of ${[program, ...flags].join(' ')} anew is judged by the one that it found, sandbox = "${sandbox}"`, async () => {
      const on = withScript();
      const engine = await startEngine({
        on,
        daemon: 'auto_review_fix = false\n',
        agents: {
          default: { preset: 'sh', attempts: 1, sandbox },
          reviewer: { preset: 'command', program, flags: [...flags], attempts: 1, sandbox },
        },
      });
      await begin(engine, 'login', planText(["printf 'exit 0\\n' > scripts/review.sh"]));
      const { blocked } = await untilBlocked(engine, 'login');
      expect(blocked).toMatchObject({ source: 'review', reason: expect.stringContaining('not good') });
    });

for (const program of [
  'npm run review',
  'pytest -q',
  'make',
  'cd scripts && ./review.sh',
  'sh "$PWD/scripts/review.sh"',
  'sh scripts/*.sh',
  'python3 -m review',
  'sh own.sh',
  'node scripts',
])
  it(`a judge that is started by ${program} runs what the branch says, and is refused`, async () => {
    const engine = await startEngine({
      on: withScript(),
      daemon: 'auto_review_fix = false\n',
      agents: { default: { preset: 'sh', attempts: 1 }, reviewer: { preset: 'command', program, attempts: 1 } },
    });
    await begin(engine, 'login', planText(["printf 'exit 0\\n' > own.sh"]));
    const { blocked } = await untilBlocked(engine, 'login');
    expect(blocked).toMatchObject({
      source: 'failed',
      reason: expect.stringContaining('who wrote the branch would judge it'),
    });
  });

/** A repository with a script that finds everything bad. */
function withScript() {
  const on = ground();
  mkdirSync(join(on.repo, 'scripts'));
  writeFileSync(join(on.repo, 'scripts', 'review.sh'), 'echo "not good $1"\nexit 1\n');
  git(on.repo, 'add', '.');
  git(on.repo, 'commit', '-qm', 'a script');
  return on;
}
