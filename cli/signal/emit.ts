/** `stator signal emit`: the one word that agents know; inside a run it needs no names. */
import { readStdin } from '../ask.ts';
import { defineVerb } from '../command.ts';
import { requirePlan } from '../place.ts';
import { sendToPlan, waitArg } from '../plan/send.ts';

export default defineVerb({
  summary: 'Send a signal. Inside a run the plan is known.',
  args: {
    type: { type: 'positional', description: 'such as implement_finished; - counts as _' },
    plan: { type: 'positional', required: false, description: 'its name' },
    payload: {
      type: 'string',
      valueHint: 'JSON or text',
      description: 'a JSON object, or a text; - reads standard input',
    },
    ...waitArg,
  },
  examples: [
    'stator signal emit implement_finished login',
    'stator signal emit review_changes_requested --payload "the tests are missing"',
  ],
  async run({ type, plan, payload, wait }, call) {
    const text = payload === '-' ? await readStdin(call, 'the payload') : payload;
    const body = text === undefined ? {} : { payload: payloadOf(text) };
    return sendToPlan(call, { plan: requirePlan(call, plan), type, wait, ...body });
  },
});

/** An object where the text is one in JSON; else the text itself. What shape a type takes is judged at the door. */
export function payloadOf(text: string): unknown {
  if (!text.trimStart().startsWith('{')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text; // words that begin with a brace are words: what an agent says is never lost
  }
}
