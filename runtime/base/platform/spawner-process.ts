/**
 * The helper process of a spawner (spawner.ts). It ends together with the spawner; the programs that it started continue, as if the spawner had started them.
 */
import { type Captured, type CaptureRequest, capture } from './capture.ts';
import { type DetachEnd, type DetachRequest, startDetached } from './detached.ts';

export type SpawnRequest = { readonly id: number } & (
  | { readonly capture: CaptureRequest }
  | { readonly detach: DetachRequest }
);
export type SpawnReport = { readonly id: number } & (
  | { readonly pid: number }
  | { readonly captured: Captured }
  | { readonly ended: DetachEnd }
);

const report = (said: SpawnReport): void => {
  if (process.connected) process.send?.(said);
};

process.on('message', (request: SpawnRequest) => {
  const { id } = request;
  if ('detach' in request) startDetached(request.detach, (ended) => report({ id, ended }));
  else void capture(request.capture, (pid) => report({ id, pid })).then((captured) => report({ id, captured }));
});
process.on('disconnect', () => process.exit());
// Ready.
report({ id: 0, pid: process.pid });
