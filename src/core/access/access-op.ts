/**
 * Operations on users and rules, as bytes within an operation of a journal entry. Each can be repeated without harm, and two operators
 * who change different things do not undo each other's. Source: PROTOCOL.md §1 (state).
 *
 *     u8 kind, then by kind
 *     1 setUser     name, credential (see user.ts)
 *     2 removeUser  name
 *     3 addRule     rule (see rule.ts)
 *     4 removeRule  rule
 */
import { assert, ByteReader, ByteWriter, unreachable } from '../../base/index.ts';
import { decodeRule, encodeRule, type Rule } from './rule.ts';
import { decodeCredential, encodeCredential, type Credential } from './user.ts';

export type AccessOp = Readonly<
  /** The user is there with this credential, whatever it had before. */
  | { type: 'setUser'; name: string; credential: Credential }
  | { type: 'removeUser'; name: string }
  | { type: 'addRule'; rule: Rule }
  | { type: 'removeRule'; rule: Rule }
>;

const KINDS = { setUser: 1, removeUser: 2, addRule: 3, removeRule: 4 } as const satisfies Record<
  AccessOp['type'],
  number
>;

export function encodeAccessOp(op: AccessOp): Buffer {
  const writer = new ByteWriter(256).u8(KINDS[op.type]);
  switch (op.type) {
    case 'setUser':
      encodeCredential(writer.text(op.name), op.credential);
      break;
    case 'removeUser':
      writer.text(op.name);
      break;
    case 'addRule':
    case 'removeRule':
      encodeRule(writer, op.rule);
      break;
    default:
      unreachable(op);
  }
  return writer.taken();
}

export function decodeAccessOp(bytes: Uint8Array): AccessOp {
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  switch (kind) {
    case KINDS.setUser: {
      const name = reader.text();
      return { type: 'setUser', name, credential: decodeCredential(reader) };
    }
    case KINDS.removeUser:
      return { type: 'removeUser', name: reader.text() };
    case KINDS.addRule:
      return { type: 'addRule', rule: decodeRule(reader) };
    default:
      assert(kind === KINDS.removeRule, `an access operation of unknown kind ${kind}`);
      return { type: 'removeRule', rule: decodeRule(reader) };
  }
}
