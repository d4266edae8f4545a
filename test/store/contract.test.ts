/** Each kind of store keeps the contract. */
import { keepsTheContract } from './contract.ts';
import { storeGrounds } from './grounds.ts';

for (const [name, open] of Object.entries(storeGrounds)) keepsTheContract(name, open);
