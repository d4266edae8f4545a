/** `stator demo`: a whole run in a throw-away repo, with nothing installed and no network. */
import { defineVerb } from './command.ts';
import { makeDemo } from './demo/stage.ts';
import { tellDemo } from './demo/story.ts';
import { conduct } from './run/conduct.ts';

export default defineVerb({
  summary: 'Run an example: a plan of two waves in a temporary repo, worked on by shell scripts, reviewed and fixed.',
  args: { keep: { type: 'boolean', description: 'keep the folder' } },
  examples: ['stator demo', 'stator demo --keep'],
  async run({ keep = false }, outer) {
    const stage = makeDemo(outer);
    const { call, request } = stage;
    let exitCode = 1;
    try {
      call.out.say(`a throw-away repo: ${request.repo}`);
      const own = async () => {
        const { createEngine } = await import('../runtime/engine/engine.ts');
        return createEngine({ home: stage.home, env: call.env, onlyWatched: true });
      };
      exitCode = await conduct({ call, request, attach: async () => null, own, isRestarting: () => false });
      if (exitCode !== 130) await tellDemo(call, request);
      return exitCode;
    } finally {
      stage.leave({ keep, isGood: exitCode === 0 });
    }
  },
});
