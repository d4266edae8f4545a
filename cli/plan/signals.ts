/** The verbs that are one signal to a plan and nothing else. */
import { defineVerb, type Verb } from '../command.ts';
import { saidPlan } from '../place.ts';
import { planOnlyArg } from '../planned.ts';
import { forceArgs, sureArgs } from '../sure.ts';
import { sendToPlan, waitArg } from './send.ts';

/** They may start a planner. */
const planningTypes: ReadonlySet<string> = new Set(['plan_start', 'reopen', 'start_over']);

const words: Readonly<Record<string, { type: string; summary: string; more?: string }>> = {
  start: {
    type: 'plan_start',
    summary: 'Start planning (plan_start); without a planner a document that parses is planned at once.',
  },
  resume: { type: 'resume', summary: 'Go on after a pause.' },
  'retry-wave': { type: 'retry_wave', summary: 'Run again what failed in the wave; the rest stays done.' },
  'advance-wave': { type: 'advance_wave', summary: 'Go on to the next wave without what failed in this one.' },
  cancel: { type: 'cancel', summary: 'Stop a plan for good: its agents are ended, its branch is kept.' },
  reopen: { type: 'reopen', summary: 'Take a cancelled plan up again.' },
  'start-over': {
    type: 'start_over',
    summary: 'Plan a done plan anew on a new branch; the old one is kept under refs/stator/archive.',
  },
};

const planningHelp = `
What a planner has planned then waits for your word, unless you say --yes or the configuration says auto_advance = true. In a pipe auto_advance
decides, which is true where nobody wrote it.`;

/** `name` as the table of commands has it. */
export function planSignalVerb(name: string): Verb {
  const word = words[name];
  if (word === undefined) throw new Error(`plan ${name} is no verb of one signal`);
  const isPlanning = planningTypes.has(word.type);
  return defineVerb({
    summary: word.summary,
    args: {
      plan: { type: 'positional', required: false, description: 'its name or its file; inside a run its own' },
      ...waitArg,
      ...sureArgs,
      ...(word.type === 'cancel' ? forceArgs : {}),
      ...(isPlanning ? planOnlyArg : {}),
    },
    examples: [`stator plan ${name} login`],
    more: `On a terminal it asks first where agents end, a branch moves or a turn is paid, and says which.${isPlanning ? planningHelp : ''}`,
    run: async ({ plan, wait, yes = false, ...flags }, call) => {
      const { force = false, 'plan-only': planOnly = false } = flags as { force?: boolean; 'plan-only'?: boolean }; // not each verb has them
      const sure = { yes, force, command: `plan ${name}` };
      return sendToPlan(call, {
        plan: saidPlan(call, plan),
        type: word.type,
        wait,
        sure,
        ...(isPlanning ? { planning: { yes, planOnly } } : {}),
      });
    },
  });
}
