/** The whole life of an issue, against each kind of forge, each in another kind of trouble. Every forge in every trouble is in the soak. */
import { it } from 'vitest';
import type { ForgeKind } from '../../runtime/work/forges/kinds/kinds.ts';
import { type ForgeTrouble, issueScene, liveIssue } from '../support/issue-life.ts';

const lives: readonly (readonly [ForgeKind, ForgeTrouble])[] = [
  ['github', 'down'],
  ['forgejo', 'slow'],
  ['gitlab', 'refusing'],
  ['gitea', 'none'],
];

// Each takes some seconds: five runs of an agent, one after the other.
it.each(lives)(
  'an issue of %s is delegated, asked about, answered, reviewed, gone on with, merged and taken away; trouble of the forge at each step: %s',
  async (kind, trouble) => liveIssue(await issueScene(kind, trouble), trouble),
  120_000,
);
