import { it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { killUnderTracker } from '../support/tracker-kills.ts';
import type { TrackerKind } from '../support/tracker-server.ts';

const kinds = ['github', 'gitea', 'gitlab', 'linear', 'jira'] satisfies TrackerKind[];
for (const [first, kind] of kinds.entries())
  it(`issues of ${kind} come once, and their states go back once, whatever the tracker does and however often the engine is killed`, async () => {
    await killUnderTracker({ kind, kills: 2, first, seed: seedOf(`intake of ${kind}`) });
  });
