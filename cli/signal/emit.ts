/** `stator signal emit`: the one word that agents know; inside a run it needs no names. */
import { randomUUID } from 'node:crypto';
import { EngineError } from '../../machines/errors.ts';
import { readStdin } from '../ask.ts';
import { type Call, defineVerb } from '../command.ts';
import { requirePlan } from '../place.ts';
import { sendToPlan, type Word, waitArg } from '../plan/send.ts';
import { isUnwritable, leaveWord } from './left-file.ts';

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
    'stator signal emit review_changes --payload "the tests are missing"',
  ],
  async run({ type, plan, payload, wait }, call) {
    const text = payload === '-' ? await readStdin(call, 'the payload') : payload;
    const said = text === undefined ? payloadHere(call.env, type) : payloadOf(text);
    const body = said === undefined ? {} : { payload: said };
    const word = { plan: requirePlan(call, plan), type, ...body };
    try {
      return await sayOnce(call, { ...word, wait });
    } catch (thrown) {
      if (!isUnwritable(thrown)) throw thrown;
      return leaveWord(call, word, thrown);
    }
  },
});

/** An engine that went away over the question may have heard it: whoever comes next is asked again, under the same key. */
async function sayOnce(call: Call, word: Word): Promise<number> {
  const keyed = { ...word, dedupeKey: `emit:${randomUUID()}` };
  try {
    return await sendToPlan(call, keyed);
  } catch (thrown) {
    const isGone = thrown instanceof EngineError && thrown.code === 'unavailable' && thrown.cause !== undefined;
    if (!isGone) throw thrown;
    return sendToPlan(call, keyed);
  }
}

/** The one word that needs more than the plan's name: inside a run its wave and task are known as well. */
function payloadHere({ STATOR_WAVE: wave, STATOR_TASK: task }: NodeJS.ProcessEnv, type: string): unknown {
  if (type.trim().replaceAll('-', '_') !== 'implement_task_finished' || !wave || !task) return undefined;
  return { wave_number: Number(wave), task_number: Number(task) };
}

/** An object where the text is one in JSON; else the text itself. What shape a type takes is judged at the door. */
export function payloadOf(text: string): unknown {
  if (!text.trimStart().startsWith('{')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text; // words that begin with a brace are words: what an agent says is never lost
  }
}
