/** Programs of Debian that tests use. Where one is missing its test fails and says what to install: a test that is passed over proves nothing. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const INSTALL = 'apt-get install -y mosquitto-clients python3-paho-mqtt libnss-wrapper';

const missing = (what: string): Error => new Error(`${what} is not here; for this test: ${INSTALL}`);

/** Throws unless all of them can be started. */
export function needMosquitto(): void {
  for (const program of ['mosquitto_pub', 'mosquitto_sub', 'mosquitto_rr'])
    if (spawnSync(program, ['--help']).error !== undefined) throw missing(program);
}

/** A Python that has Eclipse Paho; Debian's own, where the first on the path is another. */
export function pythonWithPaho(): string {
  const found = ['python3', '/usr/bin/python3'].find(
    (python) => spawnSync(python, ['-c', 'import paho.mqtt.client']).status === 0,
  );
  if (found === undefined) throw missing('Eclipse Paho for Python');
  return found;
}

/** The library that gives a program a hosts file of its own. */
export function nssWrapper(): string {
  const found = ['x86_64-linux-gnu', 'aarch64-linux-gnu', '.']
    .map((machine) => `/usr/lib/${machine}/libnss_wrapper.so`)
    .find((file) => existsSync(file));
  if (found === undefined) throw missing('libnss_wrapper.so');
  return found;
}
