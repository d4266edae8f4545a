/** Each kind of store keeps its contract. */
import { afterAll } from 'vitest';
import { startPostgres } from '../../scripts/postgres.ts';
import { keepsTheContract } from './contract.ts';
import { inPostgres, onDisk } from './grounds.ts';

const server = await startPostgres();
afterAll(() => server.stop());

keepsTheContract('sqlite', onDisk);
keepsTheContract('postgres', () => inPostgres(server));
