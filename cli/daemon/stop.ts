/** `stator daemon stop`. */
import { defineVerb } from '../command.ts';
import { stopDaemon } from './stopping.ts';

export default defineVerb({
  summary: 'Stop the daemon. Its agents go on, and the next engine adopts them.',
  args: { agents: { type: 'boolean', description: 'stop the agents too, no attempt spent' } },
  examples: ['stator daemon stop', 'stator daemon stop --agents'],
  async run({ agents = false }, call) {
    const { out } = call;
    const { pid } = await stopDaemon(call, agents ? 'stop' : 'leave');
    const left = agents ? 'stopped' : 'left';
    if (out.json) out.print(JSON.stringify({ status: 'stopped', pid, agents: left }));
    else out.say(`daemon stopped (pid ${pid})${agents ? ', and its agents' : '; agents that run go on'}`);
    return 0;
  },
});
