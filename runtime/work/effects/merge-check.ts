/** Runs a check on a commit that is on no branch yet, in a separate checkout that is made before the check and removed after it. */
import type { Workplace } from '../../../machines/vocabulary/effect.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { EffectContext } from '../../core/outbox/handler.ts';
import { dropCheckout, makeCheckout } from '../git/judged-checkout.ts';
import { type CheckParts, failureText, runCheck } from './check-run.ts';
import { siteOf } from './workplace.ts';

interface MergeCheck {
  readonly plan: string;
  /** The folder of the checkout. */
  readonly place: Workplace;
  readonly commit: string;
  readonly command: string;
  /** The name of the commit for people. */
  readonly of: string;
  readonly afterCheckout?: () => void;
  /** Called when the check has ended, before its checkout is removed. */
  readonly afterCheck?: () => void;
}

/** Why the check failed on that commit; null: it passed. */
export async function checkMerge(
  parts: CheckParts,
  context: EffectContext,
  { plan, place, commit, command, of, afterCheckout, afterCheck }: MergeCheck,
): Promise<string | null> {
  const { branch } = place;
  const failure = await runCheck(
    parts,
    {
      ...{ plan, place, wave: null, task: null, command, number: 1, note: null },
      more: async ({ log }) => `cat ${shellWord(log)}`,
      async makeReady({ repository, worktree: path }) {
        await makeCheckout(repository, { path, branch, commit, hidden: [], trusted: { commit, paths: [] } });
        afterCheckout?.();
      },
    },
    context,
  );
  afterCheck?.();
  const { repository, worktree } = await siteOf(parts, context.row, place);
  await dropCheckout(repository, { path: worktree, branch });
  return failure === null ? null : failureText({ command, of }, failure);
}
