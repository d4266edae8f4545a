/** The complete life of an issue, with every kind of forge and every kind of failure. */
import { it } from 'vitest';
import { forgeKinds } from '../../runtime/work/forges/kinds/kinds.ts';
import { forgeTroubles, issueScene, liveIssue } from '../support/issue-life.ts';

const lives = forgeKinds.flatMap((kind) => forgeTroubles.map((trouble) => [kind, trouble] as const));

it.each(lives)('an issue of %s lives to its end; trouble of the forge at each step: %s', async (kind, trouble) =>
  liveIssue(await issueScene(kind, trouble), trouble),
);
