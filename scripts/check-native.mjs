// Runs after `npm ci`: says in one sentence what to install when the file-lock add-on could not be built.
import { createRequire } from 'node:module';

try {
  createRequire(import.meta.url)('fs-ext');
} catch {
  console.error(
    'lockstep: the file-lock add-on (fs-ext) could not be built; install a compiler and python ' +
      '(Debian: apt-get install -y python3 make g++), then run npm ci again.',
  );
  process.exit(1);
}
