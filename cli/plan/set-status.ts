/** `stator plan set-status`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { defineVerb } from '../command.ts';
import { saidPlan } from '../place.ts';
import { sureArgs } from '../sure.ts';
import { sendToPlan, waitArg } from './send.ts';

export default defineVerb({
  summary: 'Override the status, past every rule: agents are stopped and nothing starts.',
  args: {
    plan: { type: 'positional', description: 'its name or its file' },
    status: {
      type: 'positional',
      description: 'ready planned planning implementing reviewing verifying done cancelled',
    },
    force: { type: 'boolean', description: 'required: it goes past the lifecycle' },
    ...waitArg,
    ...sureArgs,
  },
  examples: ['stator plan set-status login planned --force', 'stator plan resolve login    # goes on from there'],
  async run({ plan, status, force, wait, yes = false }, call) {
    const name = saidPlan(call, plan);
    if (force !== true) {
      const hint = `if you mean it: stator plan set-status ${name} ${status} --force; what ${name} would take by itself: stator plan explain ${name}`;
      throw new EngineError('refused', 'set-status goes past the lifecycle and needs --force', hint);
    }
    return sendToPlan(call, {
      plan: name,
      type: 'set_status',
      payload: { status },
      wait,
      sure: { yes, command: 'plan set-status' },
    });
  },
});
