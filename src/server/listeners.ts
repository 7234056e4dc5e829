/** The ports for clients that the profile switches on, with the certificates behind them. */
import type { Clock, Log } from '../base/index.ts';
import { AcceptLimits, Certificates, ClientListener, type ListenerName } from '../io/net/index.ts';
import type { Profile } from '../profile/index.ts';

/** A WebSocket message may hold more than one packet, and whoever packs them does not know our bounds. */
const FRAMING_BYTES = 64 * 1024;

export type ClientSide = Readonly<{
  listeners: readonly ClientListener[];
  /** Null: no listener uses TLS. */
  certificates: Certificates | null;
}>;

export type ClientSideParts = Readonly<{ profile: Profile; clock: Clock; log: Log }>;

/**
 * A passive server binds no port for clients; that each could be had, and every certificate be used, is found out now and not in the
 * emergency. Rejects with `NetFault`. No port is open when it fulfils.
 */
export async function clientSide({ profile, clock, log }: ClientSideParts): Promise<ClientSide> {
  const { mqtts, wss } = profile.listeners;
  const usesTls = mqtts.enabled || wss.enabled;
  const certificates = usesTls ? await Certificates.read({ options: profile.tls, clock, log }) : null;
  const names = (['mqtt', 'mqtts', 'ws', 'wss'] as const satisfies readonly ListenerName[]).filter(
    (name) => profile.listeners[name].enabled,
  );
  const limits = new AcceptLimits({
    connectionsMax: profile.mqtt.connectionsMax,
    ratePerAddressMax: profile.mqtt.connectionRateMax,
    rushMs: profile.mqtt.connectionRushTime,
    clock,
  });
  const listeners = names.map((name) => {
    const place = profile.listeners[name];
    return new ClientListener({
      name,
      place,
      certificates: name === 'mqtts' || name === 'wss' ? certificates : null,
      webSocket:
        'path' in place
          ? { path: place.path, messageBytesMax: profile.mqtt.packetSizeMax + FRAMING_BYTES }
          : null,
      arrivalMs: profile.mqtt.connectTimeout,
      limits,
      clock,
      log,
    });
  });
  const nobody = { data: () => undefined, drained: () => undefined, closed: () => undefined };
  for (const listener of listeners) {
    await listener.open({ connected: () => nobody });
    await listener.close();
  }
  return { listeners, certificates };
}
