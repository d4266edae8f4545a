/** A wave asks for nothing itself; its tasks do. */
import { waveMachine } from '../machines/wave/machine.ts';
import type { Ports } from './ports.ts';
import { bindTask } from './task.ts';

export function bindWave(ports: Ports) {
  return waveMachine.provide({ actors: { task: bindTask(ports) } });
}
