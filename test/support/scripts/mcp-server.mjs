/** An MCP server without tools that writes its pid into the file of its argument, and ends neither with its input nor by SIGTERM. */
import { writeFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

const [, , file] = process.argv;
process.on('SIGTERM', () => {});
process.on('SIGHUP', () => {});
process.stdout.on('error', () => {}); // nobody reads it any more
setInterval(() => {}, 60_000);
await new McpServer({ name: 'helper', version: '1.0.0' }).connect(new StdioServerTransport());
writeFileSync(file, String(process.pid));
