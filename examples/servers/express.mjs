/**
 * The control API in your own Express server. Everyone who reaches it may do all that you may, so this server requires a key first.
 *
 *     API_KEY=secret node examples/servers/express.mjs <home>
 */
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import { createEngine } from 'stator';

const [home = ''] = process.argv.slice(2);
const key = process.env.API_KEY;
if (!key) throw new Error('set API_KEY to the key that clients send');

const engine = await createEngine({ home, serve: false });
const app = express();
app.use('/stator', (request, response, next) => {
  if (request.header('x-api-key') === key) next();
  else response.status(401).send('who are you?');
});
// The engine reads the body itself, so no body parser may come before it.
app.use('/stator', getRequestListener(engine.fetch));

const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(`http://127.0.0.1:${address.port}/stator`);
});
process.once('SIGTERM', async () => {
  server.close();
  await engine.stop();
});
