/** The public entry `stator/machines`: the statecharts that run, the grammar of plans and the signals of the inbox, for drawing and for tests. */
export { agentMachine } from './agent/machine.ts';
export { type ParsedPlan, parsePlan } from './document/plan-document.ts';
export type { PlanDocument, PlanProblem } from './document/shape.ts';
export { landingMachine } from './landing/machine.ts';
export { planMachine } from './plan/machine.ts';
export { repoMachine } from './repo/machine.ts';
export { supervisorMachine } from './supervisor/machine.ts';
export { taskMachine } from './task/machine.ts';
export type { Effect } from './vocabulary/effect.ts';
export { defaultPolicy, type Policy } from './vocabulary/policy.ts';
export { type Origin, type Signal, type SignalType, signals } from './vocabulary/signal.ts';
export { waveMachine } from './wave/machine.ts';
