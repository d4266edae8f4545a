/** What the route `/mcp` hands its requests to: rooms above this one make it, from the client. */
export interface McpRequest {
  readonly request: Request;
  /** The header, by which whoever speaks is known again at each call. */
  readonly authorization: string | undefined;
  /** The plan of the agent that asks; null: a person asks. */
  readonly own: { readonly project: string; readonly plan: string } | null;
  /** What the tools ask: the app that the request came to. */
  readonly app: { fetch(request: Request): Response | Promise<Response> };
}

export interface McpSessions {
  handle(asked: McpRequest): Promise<Response>;
  /** Ends all sessions. */
  close(): Promise<void>;
}
