/**
 * The options that belong to no other folder: who this server is, and where its store, lock file, gateway, admin port and log are.
 * Source: the operator's table of profile keys.
 */
import { choice, count, networkPort, path, size, text } from '../base/index.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

export const serverOption = {
  ...choice(
    'primary',
    ['primary', 'secondary'] as const,
    "This server's place in the pair. Either may serve.",
  ),
  isRequired: true,
};

export const kindOption = choice(
  'peer',
  ['peer'] as const,
  'What kind of server this is. A peer server carries the messages of one site.',
);

export const storeOptions = {
  path: path(
    '',
    "The directory of this server's store, on a disk of its own machine; never on the share. It is made when missing.",
  ),
} as const;

export const lockOptions = {
  file: path(
    '',
    'The lock file on the share that both servers reach. Its directory must be there before a server starts; the file, and a block file for each server beside it, are made.',
  ),
} as const;

export const gatewayOptions = {
  host: text(
    '',
    'The machine that hosts the lock file. It is asked "is the network up?" before a server that has lost its peer goes on alone.',
  ),
  port: networkPort(
    2049,
    'A TCP port of the gateway: 2049 for NFS, 445 for SMB. A refused connection counts as an answer, too: the machine is there.',
  ),
} as const;

export const adminOptions = {
  host: text(
    '127.0.0.1',
    'The address on which this server takes orders from `lockstep status`, `switchover` and `stop`. To ask it from the other machine, give an address of the private network.',
  ),
  port: networkPort(8301, 'The port on which this server takes orders.'),
} as const;

export const logOptions = {
  level: choice(
    'info',
    ['error', 'warn', 'info', 'debug'] as const,
    'The least important lines that are still shown.',
  ),
  format: choice(
    'text',
    ['text', 'json'] as const,
    'Lines for people, or one JSON object a line for machines.',
  ),
  file: text('', 'The file that gets every console line, too. Empty: none.', {
    form: 'path',
    isEmptyAllowed: true,
  }),
  fileSizeMax: size(16 * MIB, 'The size at which a new log file is begun.', {
    min: 64 * KIB,
    max: 1024 * MIB,
  }),
  filesMax: count(5, 'How many log files are kept, the present one included.', { min: 1, max: 100 }),
} as const;
