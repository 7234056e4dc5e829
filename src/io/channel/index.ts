/**
 * The backchannel over WebSocket: one authenticated connection between the two servers, whichever of them could dial. Carries
 * frames; what they mean is the runtime's.
 */
export { channelFaults, ChannelFault } from './faults.ts';
export { frameBytes, frameFrom } from './frame-codec.ts';
export {
  backchannelOptions,
  pairIdentityOptions,
  peerOptions,
  type BackchannelOptions,
  type PairIdentityOptions,
  type PeerOptions,
} from './options.ts';
export { WsChannel, type WsChannelParts } from './ws-channel.ts';
