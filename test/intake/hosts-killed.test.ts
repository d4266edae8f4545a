import { expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { hostsGround } from '../support/hosts.ts';
import { killTwoHosts } from '../support/intake-hosts.ts';

const ground = await hostsGround();

// A host is lost after ten seconds, and another one takes its repo over then.
it('issues come once, and their states go back once, where two hosts watch one tracker that fails, and either is killed', async () => {
  await killTwoHosts(ground, { kills: 4, seed: seedOf('intake of two hosts') });
  expect.hasAssertions();
});
