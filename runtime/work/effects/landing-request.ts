/** A plan's pull request in a landing line: the difference from its approval, and the inputs of its preparation. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { LandingPull } from '../../../machines/vocabulary/landing.ts';
import type { Outcome } from '../../core/outbox/handler.ts';
import type { Forge, PullRequest } from '../forges/forge.ts';
import { otherHeadText } from '../forges/pull-request-news.ts';
import { type Names, refusal } from './plan-merge.ts';

export type LandingNames = Names & { readonly into: string };

export interface Prepared {
  /** The forge's target branch, which the request is merged with; null: the local branch has the same commits. */
  readonly target: string | null;
  /** true: a part of the plan has already landed, so the rest differs from the approved change. */
  readonly isHalf?: boolean;
  readonly names: LandingNames;
}

/** Why it differs from the approved request: it was closed, pushed to, or made for another branch; null: it does not differ. */
export function requestObstacle(
  found: PullRequest,
  { pull, names: { plan, into, ...names } }: { readonly pull: LandingPull; readonly names: LandingNames },
): Outcome | null {
  const refused = (detail: string) => refusal({ kind: 'pull', detail }, { ...names, plan, into });
  // The regular look at the request takes the plan out of the line.
  if (found.state === 'closed')
    return refusal({ kind: 'forge_waits', detail: `${found.url} was closed on the forge` }, { ...names, plan, into });
  if (found.headCommit !== pull.head) return refused(otherHeadText(found, { approved: pull.head, plan }));
  if (found.base === into) return null;
  return refused(
    `${found.url} is for ${found.base} now and was for ${into}: it was changed on the forge; see that this is right`,
  );
}

/** The error for a request that is tried again later. */
export function late({ server }: Forge, what: string): EngineError {
  return new EngineError('forge_unreachable', `${server.name} ${what}`, 'it is asked again later');
}
