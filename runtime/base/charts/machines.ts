/** The machines that can be drawn, by their names. */
import type { AnyStateMachine } from 'xstate';
import { agentMachine } from '../../../machines/agent/machine.ts';
import { landingMachine } from '../../../machines/landing/machine.ts';
import { planMachine } from '../../../machines/plan/machine.ts';
import { repoMachine } from '../../../machines/repo/machine.ts';
import { supervisorMachine } from '../../../machines/supervisor/machine.ts';
import { taskMachine } from '../../../machines/task/machine.ts';
import { waveMachine } from '../../../machines/wave/machine.ts';

export const machines = {
  supervisor: supervisorMachine,
  repo: repoMachine,
  landing: landingMachine,
  plan: planMachine,
  wave: waveMachine,
  task: taskMachine,
  agent: agentMachine,
} as const satisfies Record<string, AnyStateMachine>;
