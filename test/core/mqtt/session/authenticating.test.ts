import { expect, test } from 'vitest';
import { REASON, type Auth, type Exchange, type Mechanisms } from '../../../../src/core/mqtt/index.ts';
import { connect, disconnect, publish } from '../packets.ts';
import { bytesOf, fresh, NOW, opened, opOf, permitted, v5, violationOf } from './conversation.ts';

/** Asks for a password in two rounds. Whoever proves again must say `again`. */
function passwords(): Mechanisms & { begun: Parameters<Mechanisms['begin']>[1][] } {
  const begun: Parameters<Mechanisms['begin']>[1][] = [];
  const exchange = (password: string): Exchange => ({
    step: (data) => {
      if (data?.toString() === 'hello') return { type: 'continue', data: Buffer.from('?') };
      if (data?.toString() === password)
        return { type: 'accepted', data: Buffer.from('!'), permissions: permitted() };
      return { type: 'refused', reason: REASON.notAuthorized, code: 'LS_TEST', text: 'said something else' };
    },
  });
  return {
    begun,
    begin: (method, client) => {
      if (method !== 'M') return null;
      begun.push(client);
      return exchange(client.isAgain ? 'again' : 'secret');
    },
  };
}

const auth = (reason: Auth['reason'], data: string, method = 'M'): Auth => ({
  type: 'auth',
  reason,
  authentication: { method, data: Buffer.from(data) },
});

const hello = (method = 'M') => connect({ ...v5, authentication: { method, data: Buffer.from('hello') } });

/** `15 0001 4d`: the method; `16 0001 ..`: data. */
const METHOD = '1500014d';

function admitted(mechanisms = passwords()) {
  const session = fresh({ mechanisms });
  session.step(hello(), NOW);
  session.step(auth(REASON.continueAuthentication, 'secret'), NOW);
  session.opened({ type: 'opened', isPresent: false, isDurable: false }, opened(false));
  return session;
}

test('AUTH goes to and fro before CONNACK, which has the method and the last data [MQTT5-4.12.0-2, MQTT5-4.12.0-3, MQTT5-4.12.0-5]', () => {
  const mechanisms = passwords();
  const session = fresh({ mechanisms });
  expect(bytesOf(session.step(hello(), NOW))).toBe(`f00a1808${METHOD}1600013f`);
  expect(mechanisms.begun).toEqual([{ clientId: 'c', isAgain: false, willTopic: null }]);
  expect(session.mustWait).toBe(false);
  const open = session.step(auth(REASON.continueAuthentication, 'secret'), NOW);
  expect(opOf(open)).toMatchObject({ type: 'openSession', clientId: 'c' });
  const connack = session.opened({ type: 'opened', isPresent: false, isDurable: false }, opened(false));
  expect(bytesOf(connack)).toContain(METHOD);
  expect(bytesOf(connack)).toContain('16000121');
});

test('a method that is not known is refused with 0x8C [MQTT5-4.12.0-1], and a client that proves nothing with what the mechanism says [MQTT5-4.12.0-4]', () => {
  expect(bytesOf(fresh({ mechanisms: passwords() }).step(hello('X'), NOW))).toBe(
    '2003008c00 LS_MQTT_AUTH_METHOD',
  );
  const session = fresh({ mechanisms: passwords() });
  session.step(hello(), NOW);
  expect(bytesOf(session.step(auth(REASON.continueAuthentication, 'wrong'), NOW))).toBe('2003008700 LS_TEST');
});

test('between CONNECT and CONNACK the client sends AUTH of its method, or says farewell [MQTT5-3.1.2-30, MQTT5-4.12.0-5]', () => {
  const waiting = () => {
    const session = fresh({ mechanisms: passwords() });
    session.step(hello(), NOW);
    return session;
  };
  expect(violationOf(() => waiting().step(publish(), NOW))).toContain('3.1.2-30');
  expect(violationOf(() => waiting().step({ type: 'pingreq' }, NOW))).toContain('0x82');
  const other = auth(REASON.continueAuthentication, 'secret', 'N');
  expect(violationOf(() => waiting().step(other, NOW))).toContain('4.12.0-5');
  expect(violationOf(() => waiting().step(auth(REASON.reAuthenticate, 'secret'), NOW))).toContain('0x82');
  expect(waiting().step(disconnect(), NOW)).toMatchObject({ type: 'depart' });
});

test('a connected client may prove itself again, with the same method [MQTT5-4.12.1-1], and goes on meanwhile', () => {
  const mechanisms = passwords();
  const session = admitted(mechanisms);
  expect(bytesOf(session.step(auth(REASON.reAuthenticate, 'hello'), NOW))).toBe(`f00a1808${METHOD}1600013f`);
  expect(mechanisms.begun.at(-1)).toMatchObject({ clientId: 'c', isAgain: true });
  expect(session.step(publish(), NOW)).toMatchObject({ type: 'propose' });
  expect(bytesOf(session.step(auth(REASON.continueAuthentication, 'again'), NOW))).toBe(
    `f00a0008${METHOD}16000121`,
  );
  expect(violationOf(() => admitted().step(auth(REASON.reAuthenticate, 'hello', 'N'), NOW))).toContain(
    '0x82',
  );
});

test('who fails to prove itself again is disconnected [MQTT5-4.12.1-2]', () => {
  const session = admitted();
  session.step(auth(REASON.reAuthenticate, 'hello'), NOW);
  expect(bytesOf(session.step(auth(REASON.continueAuthentication, 'wrong'), NOW))).toBe('e0028700 LS_TEST');
});

test('AUTH out of turn is a protocol error: without a method [MQTT5-4.12.0-7], where none is waited for, or two at once', () => {
  const plain = fresh();
  plain.step(connect(v5), NOW);
  plain.admitted(permitted());
  plain.opened({ type: 'opened', isPresent: false, isDurable: false }, opened(false));
  expect(violationOf(() => plain.step(auth(REASON.reAuthenticate, 'hello'), NOW))).toContain('4.12.0-7');
  expect(violationOf(() => admitted().step(auth(REASON.continueAuthentication, 'again'), NOW))).toContain(
    '0x82',
  );
  const session = admitted();
  session.step(auth(REASON.reAuthenticate, 'hello'), NOW);
  expect(violationOf(() => session.step(auth(REASON.reAuthenticate, 'hello'), NOW))).toContain('0x82');
});
