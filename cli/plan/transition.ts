/** `stator plan transition`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { defineVerb } from '../command.ts';
import { planAndWord } from '../place.ts';
import { forceArgs, sureArgs } from '../sure.ts';
import { sendToPlan, waitArg } from './send.ts';

export default defineVerb({
  summary: 'Send any lifecycle event, by its name or an alias.',
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file; inside a run its own' },
    event: { type: 'positional', required: false, description: 'such as implement_start' },
    ...waitArg,
    ...sureArgs,
    ...forceArgs,
  },
  examples: ['stator plan transition login review_approved', 'stator plan explain login    # what it would take'],
  more: `events: plan_start planner_finished implement_start implement_finished review_approved review_changes_requested
  verify_approved verify_failed mark_done start_over reimplement request_review cancel reopen pause resume resolve`,
  async run({ plan, event, wait, yes = false, force = false }, call) {
    const [name, type] = planAndWord(call, plan, event);
    if (type === undefined) {
      throw new EngineError('usage', 'which event?', `what ${name} would take: stator plan explain ${name}`);
    }
    return sendToPlan(call, { plan: name, type, wait, sure: { yes, force, command: 'plan transition' } });
  },
});
