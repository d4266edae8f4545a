/** MCP over HTTP: the control API as tools, resources and prompts. */
import { z } from 'zod';
import { planDocumentLimitBytes } from '../../../../machines/vocabulary/plan-file.ts';
import { type Ask, route } from '../route.ts';

/** An error of the MCP protocol itself, not in the control API's form. */
const protocolError = z
  .object({ jsonrpc: z.literal('2.0'), error: z.object({ code: z.int(), message: z.string() }), id: z.null() })
  .meta({ id: 'McpError' });

/** 404: the session is over, and the client begins another. */
const definition = {
  who: 'own',
  needs: 'look',
  again: 'free',
  inRuns: true,
  isRaw: true,
  // A document in JSON may take more room than its own limit.
  bodyLimitBytes: 3 * planDocumentLimitBytes,
  answers: { 200: 'events', 202: 'events', 400: protocolError, 404: protocolError, 406: protocolError },
  errors: ['unauthorized', 'forbidden', 'bad_request'],
} as const;

export const mcpRoutes = [
  route('POST /mcp', { ...definition, does: 'a message of MCP (streamable HTTP); the first begins a session' }, handle),
  route(
    'GET /mcp',
    { ...definition, does: 'messages that the MCP server sends by itself, as server-sent events' },
    handle,
  ),
  route('DELETE /mcp', { ...definition, does: 'ends a session of MCP' }, handle),
] as const;

async function handle({ core, principal, context, self }: Pick<Ask, 'core' | 'principal' | 'context' | 'self'>) {
  return core.mcp.handle({
    request: context.req.raw,
    authorization: context.req.header('authorization'),
    own: await principal.ownPlan(),
    app: self,
  });
}
