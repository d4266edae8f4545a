/** The complete life of an issue with each kind of forge, each with another kind of failure. The soak plays every forge with every failure. */
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
