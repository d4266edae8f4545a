/** `stator instance logs`. */
import { type Call, defineVerb } from '../command.ts';
import { requireProject } from '../place.ts';
import { withClient } from '../session.ts';
import { plainLines } from '../text.ts';
import { followLog, type LogPiece } from './follow.ts';
import { findInstance } from './view.ts';
import { titleArg } from './word.ts';

export default defineVerb({
  summary: 'What an agent said, at most its last 64 KiB.',
  args: {
    title: titleArg,
    follow: { type: 'boolean', alias: 'f', description: 'go on, over its next attempts, until the agent is final' },
  },
  examples: ['stator instance logs login-w1-t2 -f', 'stator instance logs login-w1-t2 --json'],
  more: 'With --follow it waits for an agent that has not started yet. Ctrl-C ends it, and nothing else.',
  async run({ title, follow = false }, call) {
    const project = requireProject(call);
    if (follow) return followLog(call, { project, title });
    const { entry, text } = await withClient(call, 'read', async (client) => {
      const found = findInstance(await client.instances({ project }), title);
      return { entry: found, text: await client.capture(project, title) };
    });
    tell(call, { title, run: entry.run, attempt: entry.attempt, text });
    return 0;
  },
});

function tell({ out }: Call, piece: LogPiece): void {
  if (out.json) out.print(JSON.stringify(piece));
  else if (piece.text !== '') out.print(plainLines(piece.text).replace(/\n$/, ''));
}
