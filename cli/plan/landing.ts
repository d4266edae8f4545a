/** The verbs that merge or publish a done plan. */

import { onOneLine } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { withLocalTimes } from '../../machines/vocabulary/time-text.ts';
import type { PlanShow } from '../../runtime/api/client/client.ts';
import { type Call, defineVerb, type Verbs } from '../command.ts';
import { planArgs, withPlan } from '../session.ts';
import { sayWhenSlow } from '../slow.ts';
import { sureArgs } from '../sure.ts';
import { plain } from '../text.ts';
import { printVerdict, verdictMs } from '../verdict.ts';
import { mergeReport, outcomeOf, slowMerge, tasksLeftOut } from './merging.ts';
import { isMeant, waitArg } from './signals.ts';
import { memberLines } from './view.ts';

interface Landing {
  readonly type: 'merge' | 'land' | 'create_pr';
  readonly payload: object;
  /** false with `--no-wait`. */
  readonly wait: boolean;
  /** Printed once if it takes long. */
  slow(plan: string): string;
  /** Printed if the request was refused because the plan is not done. */
  readonly onlyDone: string;
  isUnderWay(shown: PlanShow): boolean;
  /** Prints the outcome and returns the exit code. */
  print(shown: PlanShow, isRepeated: boolean): number;
}

/** Sends the signal, and waits for its outcome. */
function land(call: Call, given: string | undefined, landing: Landing): Promise<number> {
  const { type, payload, wait, slow, onlyDone, isUnderWay, print } = landing;
  return withPlan(call, 'write', given, async (client, { project, plan }) => {
    const before = type === 'land' ? (await client.plan(project, plan)).merged : null;
    const request = { project, plan, type, payload, waitMs: wait ? verdictMs : 0 };
    const answer = await sayWhenSlow(call, slow(plan), client.send(request));
    const { status, result } = answer.signal;
    if (status !== 'done') {
      const code = printVerdict(call, answer);
      if (status === 'failed' && answer.plan.status !== 'done') {
        const why = isJudgedAgain(await client.plan(project, plan)) ? judgedAgain : onlyDone;
        call.out.note(`${why}; where it is: stator plan show ${shellWord(plan)}`);
      }
      // Also a request without a verdict yet: 0 means that it has happened.
      return wait ? 1 : code;
    }
    const shown = wait
      ? await sayWhenSlow(call, slow(plan), outcomeOf(client, { project, plan }, isUnderWay))
      : await client.plan(project, plan);
    // A plan in the line of its branch has already accepted the request, and is not merged yet.
    const isRepeated = type === 'land' ? before !== null && before.head === shown.merged?.head : result === 'already';
    return print(shown, isRepeated);
  });
}

const judgedAgain = 'it was done, and is judged again, because its branch has moved since or a person asked for it';

function isJudgedAgain({ status, timestamps }: Pick<PlanShow, 'status' | 'timestamps'>): boolean {
  const { done_at: doneAt = '', implementing_at: begunAt = '' } = timestamps;
  return (status === 'reviewing' || status === 'verifying') && doneAt > begunAt;
}

const merge = defineVerb({
  summary: 'Merge a done plan into the branch that it started from.',
  args: {
    ...planArgs,
    into: { type: 'string', description: 'merge into this branch instead' },
    'with-after': { type: 'boolean', description: 'also merge the unmerged plans that it depends on' },
    ...waitArg,
    ...sureArgs,
  },
  examples: [
    'stator plan merge login',
    'stator plan merge login --into develop',
    'stator plan merge login-ui --with-after',
  ],
  more: `Exit code 0: it is merged. 1: it is not merged, or not yet; the output says why.
  The merge commit is made without a worktree. Then your branch, and the checkout that is on it, are fast-forwarded to it.
  It is refused, with the files and without any change, if that checkout has uncommitted changes in them or if the branches conflict.
  It is also refused if the branch does not contain a plan that this one depends on: merge that first, or both with --with-after.`,
  async run({ plan, into, wait, 'with-after': withAfter, yes = false }, call) {
    const payload = { ...(into === undefined ? {} : { into }), ...(withAfter ? { with_after: true } : {}) };
    const command = (name: string) => `plan merge ${name}`;
    if (!(await isMeant(call, plan, { type: 'merge', payload }, { yes, command }))) return 1;
    return land(call, plan, {
      type: 'merge',
      payload,
      wait,
      slow: slowMerge,
      onlyDone: 'only a done plan is merged',
      isUnderWay: ({ merging }) => merging,
      print: (shown, isRepeated) => printMerge(call, shown, { isRepeated, wait }),
    });
  },
});

const inLine = defineVerb({
  summary: 'Put a done plan in the line of the branch that it goes into.',
  args: {
    ...planArgs,
    into: { type: 'string', description: 'land on this branch instead' },
    ...waitArg,
  },
  examples: ['stator plan land login', 'stator plan land login --no-wait'],
  more: `Exit code 0: it is merged, or --no-wait was given. 1: it is not merged, or not yet; the output says why.
  Plans land in their order. A plan is merged with the branch as it is then; [landing] check runs on that very commit; then the branch moves to it.
  A conflict or a failed check goes to a fixer, then to you; the plans behind it go on. The line: stator landing list`,
  run: ({ plan, into, wait }, call) =>
    land(call, plan, {
      type: 'land',
      payload: into === undefined ? {} : { into },
      wait,
      slow: (name) => `${name} waits in line; what it waits for: stator plan explain ${shellWord(name)}`,
      onlyDone: 'only a done plan lands',
      isUnderWay: ({ merging }) => merging,
      print: (shown, isRepeated) => printMerge(call, shown, { isRepeated, wait }),
    }),
});

/** 0: the plan is merged, or the verb did not wait; 1: it is not merged. */
function printMerge(
  { out }: Call,
  shown: PlanShow,
  { isRepeated, wait }: { isRepeated: boolean; wait: boolean },
): number {
  const { isMissing, text } = mergeReport(shown, { isRepeated });
  const { plan, branch, merged, merging, merge_refused } = shown;
  const isAtIt = merging && !wait;
  const without = tasksLeftOut(shown);
  if (out.json) out.print(JSON.stringify({ plan, branch, merged, merging, merge_refused, without }));
  else if (isMissing && !isAtIt) out.refusal(text);
  else out.say(text);
  return isMissing && !isAtIt ? 1 : 0;
}

const pr = defineVerb({
  summary: 'Push the approved commit of a done plan, and make its pull request or adopt an existing one.',
  args: {
    ...planArgs,
    ...waitArg,
  },
  examples: ['stator plan pr login'],
  more: `Exit code 0: the pull request exists. 1: it does not, or not yet; the output says why.
  The forge is found from the remotes of the repo, origin first (stator server list). The token comes from a variable of the engine, or from gh or glab.
  With auto_create_pr, the default, it is made when the plan is done.`,
  run: ({ plan, wait }, call) =>
    land(call, plan, {
      type: 'create_pr',
      payload: {},
      wait,
      slow: (name) =>
        `the pull request of ${name} is being made; it waits for the remote, or tries again what failed: stator daemon logs`,
      onlyDone: 'only a done plan has a pull request made',
      isUnderWay: (shown) => shown.creating_pr,
      print: (shown, isRepeated) => printRequest(call, shown, { isRepeated, wait }),
    }),
});

/** 0: the pull request exists, or the verb did not wait; 1: it does not exist, or not yet. */
function printRequest(
  { out }: Call,
  shown: PlanShow,
  { isRepeated, wait }: { isRepeated: boolean; wait: boolean },
): number {
  const { plan, branch, pull_request: request, creating_pr: isAtIt, pr_refused: refused } = shown;
  const isRefused = refused !== null && !isAtIt;
  const isLate = isAtIt && wait;
  const pending =
    shown.waiting_for?.kind === 'repo'
      ? `pending: ${plan} has no pull request yet: ${withLocalTimes(shown.waiting_for.detail, Date.now())}`
      : `pending: the pull request of ${plan} is being made; see what became of it: stator plan show ${shellWord(plan)}`;
  if (out.json)
    out.print(JSON.stringify({ plan, branch, pull_request: request, creating_pr: isAtIt, pr_refused: refused }));
  else if (isRefused) out.refusal(`${plan} has no pull request: ${plain(onOneLine(refused.detail))}`);
  else if (!isAtIt && request?.url != null) {
    const lines = memberLines(shown).map((line) => `\n  ${line}`);
    const had = isRepeated ? ` has its pull request${lines.length > 1 ? 's' : ''} already` : '';
    out.say(`${plan}${had}:${lines.length > 0 ? lines.join('') : ` ${plain(request.url)}, ${request.state}`}`);
  } else if (isLate) out.refusal(pending);
  else out.say(pending);
  return isRefused || isLate ? 1 : 0;
}

export default { merge, land: inLine, pr } satisfies Verbs;
