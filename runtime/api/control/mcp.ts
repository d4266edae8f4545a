/** The handler of the route `/mcp`. Higher layers make it, from the client. */
export interface McpRequest {
  readonly request: Request;
  /** The header Authorization, which identifies the caller at each call. */
  readonly authorization: string | undefined;
  /** The plan of the agent that asks; null: a person asks. */
  readonly own: { readonly project: string; readonly plan: string } | null;
  /** The tools send their requests to this app, which received the request. */
  readonly app: { fetch(request: Request): Response | Promise<Response> };
}

export interface McpSessions {
  handle(asked: McpRequest): Promise<Response>;
  /** Ends all sessions. */
  close(): Promise<void>;
}
