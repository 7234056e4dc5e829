/** What the tests of conformance speak with: bytes (`v3`, `v5`, fields), and a server in memory whose every packet is judged. */
export {
  binary,
  hex,
  packet,
  propertiesBytes,
  text,
  u16,
  u32,
  u8,
  variable,
  type Properties,
  type PropertyName,
  type PropertyValue,
} from './fields.ts';
export { leftWith, refusedWith } from './ends.ts';
export { judge, valueIn, valuesIn, words, type Heard } from './judge.ts';
export { v3, v5, type ConnectFields, type Packets, type PublishFields } from './packets.ts';
export { Breach } from './reader.ts';
export { serve, type TestClient, type TestServer } from './server.ts';
