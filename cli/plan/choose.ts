/** `stator plan choose`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { PlanShow } from '../../runtime/api/client/client.ts';
import { defineVerb } from '../command.ts';
import { withPlan } from '../session.ts';
import { printVerdict, verdictMs } from '../verdict.ts';
import { waitArg } from './signals.ts';

export default defineVerb({
  summary: 'Choose the draft of several planners that becomes the document.',
  args: {
    plan: { type: 'positional', description: 'its name or its file' },
    draft: { type: 'positional', description: 'the number of the draft, or the title of its planner' },
    ...waitArg,
  },
  examples: ['stator plan choose login 2'],
  async run({ plan, draft, wait }, call) {
    const answer = await withPlan(call, 'write', plan, async (client, address) => {
      const { number } = draftNamed(await client.plan(address.project, address.plan), draft);
      return client.send({ ...address, type: 'choose', payload: { draft: number }, waitMs: wait ? verdictMs : 0 });
    });
    return printVerdict(call, answer);
  },
});

/** Finds a draft by its number or its planner's title. Throws `refused` if the plan has no drafts, `bad_request` if it has others. */
export function draftNamed({ plan, drafts }: PlanShow, said: string): PlanShow['drafts'][number] {
  const found = drafts.find(({ number, title }) => said === String(number) || said === title);
  if (found !== undefined) return found;
  const known = drafts.map(({ number, state }) => `${number} (${state})`).join(', ');
  throw new EngineError(
    drafts.length === 0 ? 'refused' : 'bad_request',
    drafts.length === 0
      ? `plan ${plan} has no drafts: several planners write them only where planner_drafts is more than 1`
      : `plan ${plan} has no draft "${said.slice(0, 60)}"`,
    drafts.length === 0
      ? `see the plan: stator plan show ${shellWord(plan)}`
      : `its drafts: ${known}; read one: stator plan show ${shellWord(plan)} --draft ${drafts[0]?.number}`,
  );
}
