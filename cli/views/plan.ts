/** Plans, as a person reads them. */
import type { PlanPushed, PlanReplay, PromptShow, Verification, WhatIf } from '../../runtime/api/client/client.ts';
import type { planOperations } from '../../runtime/api/operations/plan.ts';
import { asOfText } from '../as-of.ts';
import type { View } from '../operation-verb.ts';
import { diffView } from '../plan/diff.ts';
import { historyView } from '../plan/history.ts';
import { explanationView, plansView, planView, showingOf } from '../plan/show.ts';
import { planLines } from '../plan/view.ts';
import { whatIfLines } from '../plan/what-if.ts';
import { plain, plainLines } from '../text.ts';
import { verificationLines } from '../verification.ts';
import machineViews from './machine.ts';

const prompt: View<PromptShow> = {
  print({ out }, shown) {
    if (out.json) {
      out.print(JSON.stringify(shown));
      return 0;
    }
    const about = shown.task === null ? shown.role : `${shown.role} of ${shown.task}`;
    out.note(`${about}, ${shown.source === 'built-in' ? 'the built-in prompt' : shown.source}`);
    out.stdout.write(plainLines(shown.prompt));
    return 0;
  },
};

const pushPlan: View<PlanPushed> = {
  lines: ({ status, plan, branch, head, remote, url }) => [
    `${plan} ${status === 'pushed' ? 'pushed' : 'is there already'}: ${branch} at ${head.slice(0, 12)} on ${plain(remote)} (${plain(url)})`,
  ],
};

const planReplay: View<PlanReplay> = ({ call }) => ({
  lines: (shown, out) => [
    out.paint('dim', asOfText(shown)),
    ...planLines(shown, showingOf(call, Date.parse(shown.at))),
  ],
});

const whatIf: View<WhatIf> = { lines: whatIfLines };

const verified: View<Verification> = { lines: verificationLines };

/** The views of trees of user-defined machines, which some verbs take in the place of a plan. */
const { machineReplay, verifyMachine } = machineViews;
const ofTrees = { machineReplay, verifyMachine };

export default {
  ...{ plans: plansView, plan: planView, explain: explanationView, history: historyView, planDiff: diffView },
  ...{ prompt, pushPlan, planReplay, whatIf, verifyPlan: verified, verify: verified },
  ...ofTrees,
} satisfies Partial<Record<keyof typeof planOperations | keyof typeof ofTrees, View<never>>>;
