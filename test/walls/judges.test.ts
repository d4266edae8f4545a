/** Who judges a coder's work does not come from the coder: the program of a reviewer is that of the main folder. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { begin, ground, planText, startEngine, untilBlocked } from '../support/engine.ts';
import { git } from '../support/ground.ts';

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
