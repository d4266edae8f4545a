/** `stator plan implement`. */
import { defineVerb } from '../command.ts';
import { wholeNumber } from '../number.ts';
import { saidPlan } from '../place.ts';
import { sureArgs } from '../sure.ts';
import { sendToPlan, waitArg } from './send.ts';

export default defineVerb({
  summary: 'Start implementing, or one wave of it; earlier waves count as done.',
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file; inside a run its own' },
    wave: { type: 'string', valueHint: 'N', description: 'begin with that wave' },
    ...waitArg,
    ...sureArgs,
  },
  examples: ['stator plan implement login', 'stator plan implement login --wave 2'],
  async run({ plan, wave, wait, yes = false }, call) {
    const word =
      wave === undefined
        ? { type: 'implement_start' }
        : { type: 'implement_wave', payload: { wave_number: wholeNumber('--wave', wave) } };
    return sendToPlan(call, { plan: saidPlan(call, plan), wait, sure: { yes, command: 'plan implement' }, ...word });
  },
});
