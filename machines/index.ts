/** The public entry `stator/machines`: the statecharts that run, the grammar of plans and the words of the inbox, for drawing and for tests. */
export { agentMachine } from './agent.ts';
export type { Effect } from './effect.ts';
export { planMachine } from './plan.ts';
export { type ParsedPlan, parsePlan } from './plan-document.ts';
export { defaultPolicy, type Policy } from './policy.ts';
export { repoMachine } from './repo.ts';
export { type Signal, type SignalType, signals } from './signal.ts';
export { supervisorMachine } from './supervisor.ts';
export { taskMachine } from './task.ts';
export { waveMachine } from './wave.ts';
