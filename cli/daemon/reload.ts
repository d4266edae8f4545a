/** `stator daemon reload`. */
import { defineVerb } from '../command.ts';
import { plainLines } from '../text.ts';
import { requireEngine } from './presence.ts';

export default defineVerb({
  summary: "Read daemon.toml and the repos' configurations again, and put them in force at once.",
  args: {},
  examples: ['stator daemon reload'],
  more: 'What is broken, or would start programs that nobody has trusted, is kept out and told: exit code 1.',
  async run(_args, call) {
    const { out } = call;
    const { client } = await requireEngine(call);
    const answer = await client.reload();
    if (out.json) out.print(JSON.stringify(answer));
    else {
      out.say(answer.problems.length === 0 ? 'reloaded' : 'reloaded, but for:');
      for (const problem of answer.problems) out.warn(plainLines(problem));
    }
    return answer.problems.length === 0 ? 0 : 1;
  },
});
