/** A broker as small as can be: takes the lock, says so, and goes on until it is killed. Its settings are its argument, in JSON. */
import { KeeperArbiter } from '../../src/io/arbitration/index.ts';
import { keeperFromSource, type Timing } from './share-fixture.ts';

export type BrokerSettings = Readonly<{ lockFile: string; storeDirectory: string; timing: Timing }>;

// A cast: the test that starts this process wrote the argument.
const settings = JSON.parse(process.argv[2] ?? '') as BrokerSettings;
const say = (word: string): void => void process.stdout.write(`${word}\n`);

const arbiter = new KeeperArbiter({
  ...settings,
  server: 'primary',
  program: keeperFromSource(),
  events: { lockLost: () => say('lost') },
  log: { say: () => undefined },
});
say((await arbiter.lock(10_000)).kind);
