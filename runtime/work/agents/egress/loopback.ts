/**
 * Inside of walls without a network: a port of the loopback interface that leads to the proxy outside, by its socket. `loopback <socket> <port> <program>
 * [argument]...`. It decides nothing: a program that ends it, or uses the socket directly, meets the same proxy.
 */
import { connect, createServer } from 'node:net';
import { runInPlace } from './child.ts';

const [socket = '', port = '', ...words] = process.argv.slice(2);
const server = createServer({ allowHalfOpen: true }, (client) => {
  const proxy = connect({ path: socket, allowHalfOpen: true });
  for (const [from, to] of [
    [client, proxy],
    [proxy, client],
  ] as const) {
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroySoon());
    from.pipe(to);
  }
});
server.once('error', (error) => {
  process.stderr.write(`stator: network: the port of the proxy could not be opened: ${error.message}\n`);
  process.exit(126);
});
server.listen(Number(port), '127.0.0.1', () => runInPlace(words));
