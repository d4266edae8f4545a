/** The verbs that replay the journal: the past states of a plan, what would have become of it, and whether the stored state follows from it. */

import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { WhatIfQuestion } from '../../runtime/api/client/client.ts';
import { asOfArgs, asOfQuery, asOfText } from '../as-of.ts';
import { type Call, defineVerb, type Verbs } from '../command.ts';
import { planArgs, withPlan } from '../named-plan.ts';
import { wholeNumber } from '../number.ts';
import { tableWidth } from '../output.ts';
import { withClient } from '../session.ts';
import { verificationLines } from '../verification.ts';
import { planLines } from './view.ts';
import { whatIfLines } from './what-if.ts';

const replay = defineVerb({
  summary: 'Show a plan as it was, or what it would have become with other inputs.',
  args: {
    ...planArgs,
    ...asOfArgs,
    policy: { type: 'string', valueHint: 'key=value', description: 'as if this had been configured: max_agents=6' },
    answer: { type: 'string', valueHint: 'n=text', description: 'as if question n had been answered so, at once' },
    from: { type: 'string', valueHint: 'seq', description: 'use the other inputs only after this line' },
  },
  examples: ['stator plan replay login --policy max_agents=6'],
  more: 'No agent starts. The journal is replayed up to the line where the other inputs make a difference. From there the plan is simulated.',
  async run({ plan, to, at, policy, answer, from }, call) {
    const { out } = call;
    const isOther = policy !== undefined || answer !== undefined || from !== undefined;
    if (isOther && (to !== undefined || at !== undefined))
      throw new EngineError(
        'usage',
        `${to === undefined ? '--at' : '--to'} shows what was, and ${policy === undefined ? (answer === undefined ? '--from' : '--answer') : '--policy'} what would have been`,
        'give one of them; --from <seq> keeps the journal up to that line',
      );
    if (isOther) return replayOtherwise(call, plan, { policy, answer, from });
    const asOf = asOfQuery({ to, at });
    const shown = await withPlan(call, 'read', plan, (client, { project, plan: name }) =>
      client.planReplay(project, name, asOf),
    );
    out.answer(shown, () => [
      out.paint('dim', asOfText(shown)),
      ...planLines(shown, { width: tableWidth(out), nowMs: Date.parse(shown.at), paint: out.paint }),
    ]);
  },
});

async function replayOtherwise(
  call: Call,
  plan: string | undefined,
  { policy, answer, from }: { readonly [Name in 'policy' | 'answer' | 'from']: string | undefined },
): Promise<undefined> {
  const asked: WhatIfQuestion = {
    ...(policy === undefined ? {} : { policy: policyOf(policy) }),
    ...(answer === undefined ? {} : { answers: answersOf(answer) }),
    ...(from === undefined ? {} : { from: wholeNumber('--from', from) }),
  };
  const found = await withPlan(call, 'read', plan, (client, { project, plan: name }) =>
    client.whatIf(project, name, asked),
  );
  call.out.answer(found, () => whatIfLines(found, call.out));
}

/** `max_agents=6,auto_advance=false`. Throws `usage`. */
function policyOf(text: string): NonNullable<WhatIfQuestion['policy']> {
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [, name, value] = /^\s*([\w.-]+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
      if (name === undefined || value === undefined)
        throw new EngineError(
          'usage',
          `--policy is "${text}"`,
          'give keys of the configuration: max_agents=6,coder.attempts=5',
        );
      const isNumber = /^\d{1,12}$/.test(value);
      return [name, value === 'true' || value === 'false' ? value === 'true' : isNumber ? Number(value) : value];
    }),
  );
}

/** `1=red,3=use tabs, not spaces`: a comma begins another answer only where a number follows. Throws `usage`. */
function answersOf(text: string): NonNullable<WhatIfQuestion['answers']> {
  return Object.fromEntries(
    text.split(/,(?=\s*\d+\s*=)/).map((part) => {
      const [, number, said] = /^\s*([1-9]\d{0,8})\s*=\s*(\S.*?)\s*$/s.exec(part) ?? [];
      if (number === undefined || said === undefined)
        throw new EngineError(
          'usage',
          `--answer is "${text}"`,
          'give the number of a question and its answer: 2=use port 8080',
        );
      return [number, said];
    }),
  );
}

const verify = defineVerb({
  summary: 'Check that the stored state of a plan is what its journal leads to.',
  args: {
    ...planArgs,
    all: { type: 'boolean', description: 'every plan, repo and own machine, and the supervisor' },
  },
  examples: ['stator plan verify --all'],
  more: 'Exit code 1: what is stored differs from the journal, or a line was changed.',
  async run({ plan, all }, call) {
    const { out } = call;
    if (all === true && plan !== undefined)
      throw new EngineError('usage', `--all is for every plan, and "${plan}" is one`, 'give one of them');
    const found =
      all === true
        ? await withClient(call, 'read', (client) => client.verify())
        : await withPlan(call, 'read', plan, (client, { project, plan: name }) => client.verifyPlan(project, name));
    out.answer(found, () => verificationLines(found));
    return found.ok ? 0 : 1;
  },
});

export default { replay, verify } satisfies Verbs;
