/** What `lockstep pair` says once both servers are up: things to try, with the addresses of this very pair. Pure. */
import type { Profile } from '../profile/index.ts';
import type { ServerName } from './target.ts';

export type PairFacts = Readonly<{
  name: string;
  pids: readonly Readonly<{ server: ServerName; pid: number }>[];
}>;

export function whatToTry(
  profiles: readonly Profile[],
  active: ServerName,
  { name, pids }: PairFacts,
): string[] {
  const ports = profiles.map((profile) => `${profile.server} ${profile.listeners.mqtt.port}`).join(', ');
  const port = profiles.find((profile) => profile.server === active)?.listeners.mqtt.port ?? 1883;
  const other = profiles.find((profile) => profile.server !== active)?.listeners.mqtt.port ?? 1884;
  const hasPlain = profiles.every(({ listeners }) => listeners.mqtt.enabled);
  const pid = pids.find(({ server }) => server === active)?.pid ?? 0;
  const profile = name === 'haprofile1' ? '' : ` --profile ${name}`;
  const orders = [
    `  look           scripts/server.sh primary status${profile}`,
    `  change places  scripts/server.sh ${active} switchover${profile}`,
    `  break it       kill -9 ${pid}`,
  ];
  // How clients come in by TLS or WebSocket alone, this profile's owner knows best.
  if (!hasPlain)
    return [
      '',
      `The pair is up: ${active} serves, the other stands by.`,
      ...orders,
      'Ctrl-C here stops both.',
      '',
    ];
  return [
    '',
    `The pair is up: ${active} serves MQTT on port ${port}, the other stands by (ports: ${ports}).`,
    'From another terminal (mosquitto_sub and mosquitto_pub come with the package mosquitto-clients):',
    `  receive        mosquitto_sub -p ${port} -i me -c -q 1 -t 'try/#' -v`,
    `  send           mosquitto_pub -p ${port} -q 1 -t try/it -m hello`,
    ...orders,
    `After the last two, the other serves on port ${other}: receive and send there; nothing acknowledged is missing.`,
    'Ctrl-C here stops both.',
    '',
  ];
}
