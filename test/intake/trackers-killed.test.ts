import { it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { killUnderTracker } from '../support/tracker-kills.ts';
import type { TrackerKind } from '../support/tracker-server.ts';

for (const kind of ['github', 'gitea', 'gitlab', 'linear', 'jira'] satisfies TrackerKind[])
  it(`issues of ${kind} come once, and their states go back once, whatever the tracker does and however often the engine is killed`, async () => {
    await killUnderTracker({ kind, kills: 4, seed: seedOf(`intake of ${kind}`) });
  });
