/** An engine in a worker thread, with its socket: it prints the state of a tree. */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { createMachine } from 'xstate';
import { z } from 'zod';
import { createEngine, defineMachine } from '../../../dist/bin/engine.js';

if (isMainThread) {
  new Worker(new URL(import.meta.url), { workerData: process.argv[2] });
} else {
  const machine = createMachine({ initial: 'on', states: { on: { on: { go: 'off' } }, off: { type: 'final' } } });
  const lamp = defineMachine({ name: 'lamp', machine, version: 1, signals: { go: z.strictObject({}) } });
  const engine = await createEngine({ home: workerData, machines: [lamp] });
  await engine.machines.lamp.start('1');
  await engine.machines.lamp.send('1', { type: 'go' });
  console.log((await engine.machines.lamp.get('1')).value);
  await engine.stop();
}
