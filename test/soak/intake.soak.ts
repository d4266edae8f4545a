import { it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { killUnderTracker } from '../support/tracker-kills.ts';
import type { TrackerKind } from '../support/tracker-server.ts';
import { isShort } from './length.ts';

/** Two hundred kills over all of them. */
const kinds = ['github', 'gitea', 'gitlab', 'linear', 'jira'] satisfies TrackerKind[];
const kills = isShort ? 6 : 40;

for (const kind of kinds)
  it(`issues of ${kind} come once under ${kills} kills`, async () => {
    await killUnderTracker({ kind, kills, seed: seedOf(`intake soak of ${kind}`) });
  });
