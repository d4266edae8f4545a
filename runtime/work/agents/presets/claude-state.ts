/**
 * An agent's copy of `~/.claude.json`: claude's own state, its login and its settings, without the entries of other folders, and without the variables and
 * headers of its servers, in which people store tokens of other services.
 */

type Json = Readonly<Record<string, unknown>>;

/** The text of the copy; an empty state if the file has none. `folders`: the folders whose entries stay. */
export function claudeState(text: string, folders: readonly string[]): string {
  const state = stateIn(text);
  const { projects, mcpServers, ...rest } = state;
  const own = Object.entries(isTable(projects) ? projects : {}).filter(([folder]) => folders.includes(folder));
  const kept = own.map(([folder, entry]) => [folder, isTable(entry) ? withServers(entry) : entry] as const);
  const servers = isTable(mcpServers) ? { mcpServers: withoutTokens(mcpServers) } : {};
  return `${JSON.stringify({ ...rest, ...servers, projects: Object.fromEntries(kept) })}\n`;
}

function withServers(entry: Json): Json {
  return isTable(entry.mcpServers) ? { ...entry, mcpServers: withoutTokens(entry.mcpServers) } : entry;
}

function withoutTokens(servers: Json): Json {
  const kept = Object.entries(servers).map(([name, server]) => {
    if (!isTable(server)) return [name, server] as const;
    const { env: _env, headers: _headers, ...rest } = server;
    return [name, rest] as const;
  });
  return Object.fromEntries(kept);
}

function stateIn(text: string): Json {
  try {
    const found: unknown = JSON.parse(text);
    return isTable(found) ? found : {};
  } catch {
    return {}; // claude itself would also begin with an empty state
  }
}

function isTable(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
