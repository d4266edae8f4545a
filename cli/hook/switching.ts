/** What `hook enable` and `hook disable` have in common. */
import type { Call } from '../command.ts';
import { requireProject } from '../place.ts';
import { withClient } from '../session.ts';

/** Switches it, and says so. Always 0: what cannot be switched is thrown. */
export async function switchHook(call: Call, name: string, to: 'enable' | 'disable'): Promise<number> {
  const { out } = call;
  const project = requireProject(call);
  const answer = await withClient(call, 'write', (client) => client.switchHook(project, name, to));
  const { status, changed, dead } = answer;
  if (out.json) out.print(JSON.stringify(answer));
  else {
    out.say(`${status}${changed ? '' : ' already'}`);
    if (dead > 0) out.say(`${dead} dead: stator hook deliveries --hook ${name} --state dead`);
  }
  return 0;
}
