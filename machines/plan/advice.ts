/** What a person can do about a plan that is blocked, each way with its command. One text for views, `explain` and `run`. Pure. */
import type { BlockSource } from '../vocabulary/block-source.ts';
import type { BudgetMeasure, BudgetUse } from '../vocabulary/budget.ts';
import type { PlanStatus } from '../vocabulary/plan-status.ts';
import { shellWord } from '../vocabulary/shell-word.ts';
import { type Question, questionName } from './context.ts';

export interface BlockedPlan {
  readonly plan: string;
  readonly status: PlanStatus;
  readonly phase: string | null;
  readonly branch: string;
  /** 0: its document has none yet. Absent: it is not known. */
  readonly waves?: number;
  readonly source: BlockSource;
  /** For the source `budget`: the limit that is reached. */
  readonly blocked?: { readonly budget?: Pick<BudgetUse, 'measure'> | undefined } | null;
  /** The open questions. */
  readonly questions: readonly Pick<Question, 'number' | 'title'>[];
}

export interface WayOn {
  readonly does: string;
  readonly command: string;
}

/** The command that answers exactly that question. */
export function answerCommand(plan: string, number: number): string {
  return `stator plan answer ${shellWord(plan)}#${number} "<your answer>"`;
}

/** The likeliest first; never empty. A question can be answered whatever else the plan waits for; while one is open, going on without an answer is refused. */
export function waysOn(blocked: BlockedPlan): WayOn[] {
  const answers = blocked.questions.map((question) => ({
    does: `answer ${questionName(question)}`,
    command: answerCommand(blocked.plan, question.number),
  }));
  // A block of a version that did not number questions has none here.
  if (answers.length === 0) return blockWaysOn(blocked);
  const resolve = `stator plan answer ${shellWord(blocked.plan)}`;
  return [...answers, ...blockWaysOn(blocked).filter(({ command }) => !`${command} `.startsWith(`${resolve} `))];
}

function giveUp({ plan }: BlockedPlan): WayOn {
  return { does: 'give it up', command: `stator plan cancel ${shellWord(plan)}` };
}

function blockWaysOn(blocked: BlockedPlan): WayOn[] {
  const name = shellWord(blocked.plan);
  const resolve = `stator plan answer ${name}`;
  const cancel = giveUp(blocked);
  switch (blocked.source) {
    case 'agent':
      return [{ does: 'answer with', command: `${resolve} "<your answer>"` }, cancel];
    case 'failed':
    case 'no_verdict':
      // No agent will be started any more: the merge that should have followed has failed.
      if (blocked.status === 'done') return [{ does: 'try it again, once that is mended', command: resolve }];
      return [
        { does: 'start it again, with a word to it where that helps', command: `${resolve} "<what it should know>"` },
        ...byHand(blocked, name),
        ...(isJudged(blocked) ? [{ does: 'take the work as it is', command: `${resolve} --accept` }] : []),
        cancel,
      ];
    case 'conflict':
      return [{ does: 'try again, once they go together', command: resolve }, cancel];
    case 'cycle_limit':
      return [
        { does: 'allow one more fix round', command: resolve },
        ...byHand(blocked, name),
        { does: 'take it as it is', command: `${resolve} --accept` },
        cancel,
      ];
    case 'budget':
      return [
        {
          does: 'allow more, for example',
          command: `stator plan raise-budget ${name} "+${moreOf[blocked.blocked?.budget?.measure ?? 'usd']}"`,
        },
        cancel,
      ];
    case 'review':
      if (blocked.status === 'done') return [{ does: 'go on, once that is done on the forge', command: resolve }];
      return [
        { does: 'let a fixer do it; where none is on it is reviewed again', command: resolve },
        ...byHand(blocked, name),
        { does: 'take it as it is', command: `${resolve} --accept` },
        cancel,
      ];
    case 'choice':
      return [
        { does: 'read a draft', command: `stator plan show ${name} --draft 1` },
        { does: 'choose one', command: `stator plan choose ${name} <number>` },
        cancel,
      ];
    case 'lost_work':
      return [
        { does: 'bring it back onto the branch', command: `${resolve} --restore` },
        { does: 'go on without it: it was meant', command: `${resolve} --accept` },
        cancel,
      ];
    case 'override':
      return [{ does: 'go on from there', command: resolve }, cancel];
    case 'fault':
      return [{ does: 'deliver it once more', command: resolve }, cancel];
    default:
      return blocked.source satisfies never;
  }
}

/** An example amount to add to the budget that is used up. */
const moreOf: Readonly<Record<BudgetMeasure, string>> = {
  usd: '5 USD',
  tokens: '500k tokens',
  agent_minutes: '60 minutes',
};

/** The work is done, and its reviewer, its verifier or its fixer has failed. */
function isJudged({ status, phase }: BlockedPlan): boolean {
  return status === 'reviewing' || status === 'verifying' || phase === 'fixing';
}

/** Where no agent did the work or judged it, a person may do that and say so. */
function byHand({ status, phase, branch, waves }: BlockedPlan, name: string): WayOn[] {
  const say = (does: string, event: string): WayOn[] => [{ does, command: `stator plan advance ${name} ${event}` }];
  switch (status) {
    case 'planning':
      if (waves === 0)
        return [{ does: 'write its waves yourself', command: `stator plan update-content ${name} --file <file>` }];
      return say('the document needs no change', 'planner_finished');
    case 'reviewing':
      return say('you have read it yourself, and it is good', 'review_approved');
    case 'verifying':
      return say('you have tried it yourself, and it is good', 'verify_approved');
    case 'implementing':
      return phase === 'architecting'
        ? say('the document needs no change', 'elaborator_finished')
        : say(`you did it yourself on ${branch}, and it is committed`, 'implement_finished');
    default:
      return [];
  }
}
