/** What can go wrong between the two servers, as operators read it. Addresses and names only; never a secret, never a message. */

export const channelFaults = {
  LS_CHANNEL_PORT: (place: string, why: string) =>
    `the backchannel can't listen on ${place}: ${why}; end the other program or give another backchannel.port and backchannel.host`,
  LS_CHANNEL_SECRET: (peer: string) =>
    `${peer} doesn't know this pair's secret, so nothing is said to it; give both profiles the same pair.secret`,
  LS_CHANNEL_PAIR_NAME: (peer: string) =>
    `${peer} belongs to another pair; give both profiles the same pair.name, or correct peer.host and peer.port`,
  LS_CHANNEL_SAME_SERVER: (peer: string, server: string) =>
    `${peer} says that it is the ${server}, too; one of the two profiles must say server: primary, the other server: secondary`,
  LS_CHANNEL_SELF: (peer: string) =>
    `this server has reached itself at ${peer}; peer.host and peer.port must name the other server's backchannel`,
  LS_CHANNEL_VERSION: (peer: string) =>
    `${peer} speaks another version of the backchannel; run the same release of Lockstep on both servers`,
  LS_CHANNEL_STRANGER: (peer: string, did: string) =>
    `${peer} connected to the backchannel and ${did}; it was cut off. Keep other programs away from this port`,
  LS_CHANNEL_NOT_LOCKSTEP: (peer: string) =>
    `what answers at ${peer} is no Lockstep backchannel; correct peer.host and peer.port`,
  LS_CHANNEL_PEER_ADDRESS: (host: string) =>
    `the name ${host} can't be resolved to an address; correct peer.host or the name service`,
  LS_CHANNEL_FRAME: (why: string) =>
    `the peer sent what no backchannel carries (${why}); the connection was ended. Run the same release of Lockstep on both servers`,
  LS_CHANNEL_FRAME_SIZE: (bytes: number, max: number) =>
    `a frame of ${bytes} bytes is more than the backchannel's ${max}; the connection was ended. Send smaller messages`,
} as const;

export type ChannelFaultCode = keyof typeof channelFaults;

/** The backchannel could not be opened. */
export class ChannelFault extends Error {
  override name = 'ChannelFault';
  readonly code: ChannelFaultCode;

  constructor(code: ChannelFaultCode, text: string) {
    super(text);
    this.code = code;
  }
}
