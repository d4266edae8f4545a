import { it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { hostsGround } from '../support/hosts.ts';
import { killTwoHosts } from '../support/intake-hosts.ts';
import { killUnderSender } from '../support/sender-kills.ts';
import { killUnderTracker } from '../support/tracker-kills.ts';
import type { TrackerKind } from '../support/tracker-server.ts';
import { isShort } from './length.ts';

/** Two hundred kills over these and a sender of webhooks; `crash.test.ts` tests a folder and a schedule. */
const kinds = ['github', 'gitea', 'gitlab', 'linear', 'jira'] satisfies TrackerKind[];
const kills = isShort ? 6 : 34;
const ground = await hostsGround();

for (const kind of kinds)
  it(`issues of ${kind} come once under ${kills} kills`, async () => {
    await killUnderTracker({ kind, kills, seed: seedOf(`intake soak of ${kind}`) });
  });

it(`what a webhook delivers comes once under ${kills} kills`, async () => {
  await killUnderSender({ kills, seed: seedOf('intake soak of a webhook') });
});

it('issues come once where two hosts watch one tracker, and either is killed', async () => {
  await killTwoHosts(ground, { kills: isShort ? 4 : 30, seed: seedOf('intake soak of two hosts') });
});
