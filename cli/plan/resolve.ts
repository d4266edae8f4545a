/** `stator plan resolve`. */
import { defineVerb } from '../command.ts';
import { planAndWord } from '../place.ts';
import { sendToPlan, waitArg } from './send.ts';

export default defineVerb({
  summary: 'Let a plan that is blocked go on; its one open question is answered by it.',
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file' },
    answer: { type: 'positional', required: false, description: 'what the agent is told; in quotes' },
    ...waitArg,
  },
  examples: ['stator plan resolve login "use the second design"'],
  more: 'Of several questions it answers none: stator plan answer <plan>#<number> "<your answer>" names the one.',
  async run({ plan, answer, wait }, call) {
    const [name, text] = planAndWord(call, plan, answer);
    const payload = text === undefined ? {} : { payload: { body: text } };
    return sendToPlan(call, { plan: name, type: 'resolve', wait, ...payload });
  },
});
