/** If no engine runs, a verb whose work needs one offers to start the daemon: on a terminal, and before anything is changed. */
import { homeFolder } from '../../runtime/base/config/home.ts';
import { absentStep, absentText } from '../../runtime/base/platform/home-engine.ts';
import { attach } from '../../runtime/engine/attach.ts';
import { canAsk, confirm } from '../ask.ts';
import type { Call } from '../command.ts';
import { engineHere } from './presence.ts';
import { startAndTell } from './start.ts';

/** `waits`: what happens without one. Throws what starting a daemon throws, and `interrupted` at Ctrl-C. */
export async function offerDaemon(call: Call, waits: string): Promise<void> {
  if (!canAsk(call)) return;
  const client = await attach(homeFolder(call.env), call.env);
  if (client !== null) return client.close();
  const engine = engineHere(call.env);
  call.out.warn(`${absentText(engine)}: ${waits}`);
  // If another process has the home, a daemon could not start.
  if (engine.kind !== 'none') return call.out.note(absentStep(engine));
  if (await confirm(call, 'start the daemon now?')) await startAndTell(call, undefined);
}
