/** The process that a spawner keeps beside its own (spawner.ts). It ends with that one; what it started goes on, as it would without it. */
import { type Captured, type CaptureRequest, capture } from './capture.ts';

export type SpawnRequest = CaptureRequest & { readonly id: number };
export type SpawnReport = { readonly id: number } & ({ readonly pid: number } | { readonly captured: Captured });

const report = (said: SpawnReport): void => {
  if (process.connected) process.send?.(said);
};

process.on('message', ({ id, ...request }: SpawnRequest) => {
  void capture(request, (pid) => report({ id, pid })).then((captured) => report({ id, captured }));
});
process.on('disconnect', () => process.exit());
// Ready.
report({ id: 0, pid: process.pid });
