/** The verbs that are one signal to a plan. */

import { EngineError } from '../../machines/vocabulary/errors.ts';
import { defineVerb, type Verb, type Verbs } from '../command.ts';
import { planArgs } from '../named-plan.ts';
import { wholeNumber } from '../number.ts';
import { planAndWord, saidPlan } from '../place.ts';
import { planOnlyArg } from '../planned.ts';
import { forceArgs, sureArgs } from '../sure.ts';
import { sendToPlan, waitArg } from './send.ts';

const planningTypes: ReadonlySet<string> = new Set(['plan_start', 'reopen', 'start_over']);

const planningHelp = `
The planned document then waits for your approval, unless you use --yes or the configuration sets auto_advance = true. In a pipe only auto_advance
decides; its default is true.`;

function verbOf(name: string, { type, summary }: { type: string; summary: string }): Verb {
  const isPlanning = planningTypes.has(type);
  return defineVerb({
    summary,
    args: {
      ...planArgs,
      ...waitArg,
      ...sureArgs,
      ...(type === 'cancel' ? forceArgs : {}),
      ...(isPlanning ? planOnlyArg : {}),
    },
    examples: [`stator plan ${name} login`],
    more: `On a terminal it first says which agents it would stop, which branch it would move and which agents may cost money, and asks.${isPlanning ? planningHelp : ''}`,
    run({ plan, wait, yes = false, ...flags }, call) {
      const { force = false, 'plan-only': planOnly = false } = flags as { force?: boolean; 'plan-only'?: boolean }; // not each verb has them
      const sure = { yes, force, command: `plan ${name}` };
      const planning = isPlanning ? { planning: { yes, planOnly } } : {};
      return sendToPlan(call, { plan: saidPlan(call, plan), type, wait, sure, ...planning });
    },
  });
}

const implement = defineVerb({
  summary: 'Start implementing a plan. With --wave, earlier waves count as done.',
  args: {
    ...planArgs,
    wave: { type: 'string', valueHint: 'N', description: 'start with that wave' },
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

const pause = defineVerb({
  summary: 'Pause a plan: its agents are stopped, which costs no attempt, and nothing new starts.',
  args: {
    ...planArgs,
    wait: { type: 'boolean', description: 'let running agents finish instead of stopping them' },
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

const resolve = defineVerb({
  summary: 'Continue a blocked plan. If one question is open, this answers it.',
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file' },
    answer: { type: 'positional', required: false, description: 'the answer, in quotes' },
    ...waitArg,
  },
  examples: ['stator plan resolve login "use the second design"'],
  more: 'If several questions are open, it answers none: use stator plan answer <plan>#<number> "<your answer>".',
  async run({ plan, answer, wait }, call) {
    const [name, text] = planAndWord(call, plan, answer);
    const payload = text === undefined ? {} : { payload: { body: text } };
    return sendToPlan(call, { plan: name, type: 'resolve', wait, ...payload });
  },
});

const transition = defineVerb({
  summary: 'Send any lifecycle signal, by its name or an alias.',
  args: {
    ...planArgs,
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
      throw new EngineError('usage', 'which event?', `what ${name} accepts: stator plan explain ${name}`);
    }
    return sendToPlan(call, { plan: name, type, wait, sure: { yes, force, command: 'plan transition' } });
  },
});

const setStatus = defineVerb({
  summary: 'Set the status and ignore all rules. Agents are stopped, and nothing starts.',
  args: {
    plan: { type: 'positional', description: 'its name or its file' },
    status: {
      type: 'positional',
      description: 'ready planned planning implementing reviewing verifying done cancelled',
    },
    force: { type: 'boolean', description: 'required, because it ignores the rules of the lifecycle' },
    ...waitArg,
    ...sureArgs,
  },
  examples: ['stator plan set-status login planned --force', 'stator plan resolve login    # goes on from there'],
  async run({ plan, status, force, wait, yes = false }, call) {
    const name = saidPlan(call, plan);
    if (force !== true) {
      const hint = `to do it anyway: stator plan set-status ${name} ${status} --force; what ${name} accepts without force: stator plan explain ${name}`;
      throw new EngineError('refused', 'set-status ignores the rules of the lifecycle and needs --force', hint);
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

export default {
  start: verbOf('start', {
    type: 'plan_start',
    summary: 'Start planning (plan_start). Without a planner, a valid document counts as planned at once.',
  }),
  implement,
  pause,
  resume: verbOf('resume', { type: 'resume', summary: 'Continue a plan after a pause.' }),
  resolve,
  'retry-wave': verbOf('retry-wave', {
    type: 'retry_wave',
    summary: 'Run the failed tasks of the wave again; the others stay done.',
  }),
  'advance-wave': verbOf('advance-wave', {
    type: 'advance_wave',
    summary: 'Continue with the next wave without the failed tasks of this one.',
  }),
  cancel: verbOf('cancel', {
    type: 'cancel',
    summary: 'Cancel a plan: its agents are stopped, its branch is kept.',
  }),
  reopen: verbOf('reopen', { type: 'reopen', summary: 'Continue a cancelled plan.' }),
  'start-over': verbOf('start-over', {
    type: 'start_over',
    summary: 'Start a done plan again from planning, on a new branch; refs/stator/archive keeps the old one.',
  }),
  transition,
  'set-status': setStatus,
} satisfies Verbs;
