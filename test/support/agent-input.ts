/** What a task gives its agent, where a test asks for nothing else. */
import type { AgentInput } from '../../machines/vocabulary/family.ts';

export const agentInput: Omit<AgentInput, 'path'> = {
  title: 'hello-w1-t1',
  role: 'coder',
  wave: 1,
  task: 1,
  branch: 'plan/hello-w1-t1',
  from: 'plan/hello',
  attempts: 3,
  timeoutMs: 60_000,
  idleMs: null,
  speaksByExit: false,
  feedback: null,
};
