/** `stator status`: what needs a person, what runs and what waits, in all repos. */
import { defineVerb } from './command.ts';
import { impliedProject } from './place.ts';
import { withClient } from './session.ts';
import { look } from './status/look.ts';
import { statusOf } from './status/sort.ts';
import { statusLines } from './status/view.ts';

export default defineVerb({
  summary: 'Show what needs you, what runs and what waits, in all repos or in that of --project.',
  args: {},
  examples: ['stator status', "stator status --json | jq '.needs_you[].do[0]'"],
  more: 'Exit code 0, whatever needs you. Without an engine it shows the last stored state.',
  async run(_args, call) {
    const { out } = call;
    const seen = await withClient(call, 'read', (client) => look(client, call.project));
    const status = statusOf(seen);
    const implied = impliedProject(call);
    out.answer(status, () => statusLines(status, { implied, nowMs: Date.now(), paint: out.paint }));
  },
});
