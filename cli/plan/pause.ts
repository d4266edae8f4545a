/** `stator plan pause`. */
import { defineVerb } from '../command.ts';
import { saidPlan } from '../place.ts';
import { forceArgs, sureArgs } from '../sure.ts';
import { sendToPlan } from './send.ts';

export default defineVerb({
  summary: 'Pause a plan: its agents are stopped, no attempt is spent, nothing new starts.',
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file; inside a run its own' },
    wait: { type: 'boolean', description: 'let what runs end instead' },
    ...sureArgs,
    ...forceArgs,
  },
  examples: ['stator plan pause login', 'stator plan resume login'],
  async run({ plan, wait, yes = false, force = false }, call) {
    const payload = wait === true ? { payload: { wait: true } } : {};
    const sure = { yes, force, command: 'plan pause' };
    return sendToPlan(call, { plan: saidPlan(call, plan), type: 'pause', wait: true, sure, ...payload });
  },
});
