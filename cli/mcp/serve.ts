/** `stator mcp`: the control API as MCP tools on standard input and output, for a person's own agent or for the agent of a run. */
import { homeFolder } from '../../runtime/base/platform/home.ts';
import { attach } from '../../runtime/engine/attach.ts';
import { connect } from '../../runtime/engine/connect.ts';
import { defineVerb } from '../command.ts';
import { isInRun, projectHere } from '../place.ts';
import { serveStdio } from './stdio.ts';

/** A script ends its input behind its last request. A call that waits for an event takes longer, and nobody waits for that answer any more. */
const answersMs = 5_000;

export default defineVerb({
  summary: 'Serve MCP on standard input and output: tools, resources and prompts for the programs of coding agents.',
  args: {},
  examples: ['claude mcp add stator -- stator mcp', 'codex mcp add stator -- stator mcp'],
  more: `The program of an agent starts it; stator init registers it there. A tool that names no repo means the one of the folder.
  Inside a run it serves that run's agent, with the tools for its own plan only. Over HTTP: /mcp of the control API (docs/mcp.md).`,
  async run(_args, call) {
    const { env } = call;
    const { createMcpServer } = await import('../../runtime/api/mcp/server.ts');
    const { server } = createMcpServer({
      own: isInRun(call) ? { project: env.STATOR_PROJECT ?? '', plan: env.STATOR_PLAN ?? '' } : null,
      project: projectHere(call),
      open: (mode) => connect({ env, mode }),
      attach: () => attach(homeFolder(env), env),
    });
    await serveStdio(server, call, answersMs);
    return 0;
  },
});
