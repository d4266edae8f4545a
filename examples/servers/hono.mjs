/**
 * The control API in your own Hono server. Everyone who reaches it may do all that you may, so this server requires a key first.
 *
 *     API_KEY=secret node examples/servers/hono.mjs <home>
 */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { createEngine } from 'stator';

const [home = ''] = process.argv.slice(2);
const key = process.env.API_KEY;
if (!key) throw new Error('set API_KEY to the key that clients send');

const engine = await createEngine({ home, serve: false });
const app = new Hono();
app.use('/stator/*', async (c, next) => (c.req.header('x-api-key') === key ? next() : c.text('who are you?', 401)));
app.mount('/stator', engine.fetch);

const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
  console.log(`http://127.0.0.1:${port}/stator`),
);
process.once('SIGTERM', async () => {
  server.close();
  await engine.stop();
});
