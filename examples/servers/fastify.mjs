/**
 * The control API in your own Fastify server. Everyone who reaches it may do all that you may, so this server requires a key first.
 *
 *     API_KEY=secret node examples/servers/fastify.mjs <home>
 */
import { getRequestListener } from '@hono/node-server';
import fastify from 'fastify';
import { createEngine } from 'stator';

const [home = ''] = process.argv.slice(2);
const key = process.env.API_KEY;
if (!key) throw new Error('set API_KEY to the key that clients send');

const engine = await createEngine({ home, serve: false });
const listener = getRequestListener(engine.fetch);
const app = fastify();
app.register(
  async (routes) => {
    // The engine reads the body itself.
    routes.removeAllContentTypeParsers();
    routes.addContentTypeParser('*', (_request, _body, done) => done(null));
    routes.addHook('onRequest', async (request, reply) => {
      if (request.headers['x-api-key'] !== key) return reply.code(401).send('who are you?');
    });
    routes.all('/*', async ({ raw: request }, reply) => {
      reply.hijack();
      request.url = request.url?.slice('/stator'.length);
      await listener(request, reply.raw);
    });
  },
  { prefix: '/stator' },
);

console.log(`${await app.listen({ host: '127.0.0.1', port: 0 })}/stator`);
process.once('SIGTERM', async () => {
  // Fastify waits for open streams of events, which end when the engine stops.
  await Promise.all([app.close(), engine.stop()]);
});
