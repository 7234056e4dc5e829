/**
 * The admin API: JSON over HTTP, for `lockstep` and for monitoring. Every request carries the token (`authorization: Bearer …`).
 *
 *     GET  /status        ServerStatus
 *     POST /switchover    { why }      SwitchoverReport
 *     POST /force-active  { by, why }  ForceReport
 *     GET  /access        AccessListing
 *     POST /access        AccessChange  AccessReport
 *     POST /reload        { why }      ReloadReport
 *     POST /stop          { why }      202 { pid }, then the server stops
 *
 * Errors are `{ code, why }` with a status of 4xx or 5xx.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../base/index.ts';
import { changeFrom } from './access.ts';
import { AdminFault, adminFaults, type AdminFaultCode } from './faults.ts';
import type { Operations } from './operations.ts';
import { adminToken, isAuthorized } from './token.ts';

const BODY_BYTES_MAX = 16 * 1024;
const REQUEST_MS_MAX = 10_000;

export type AdminOptions = Readonly<{
  host: string;
  port: number;
  /** The pair's secret, from which the token is derived. */
  secret: string;
  operations: Operations;
  log: Log;
}>;

export type Admin = Readonly<{
  /** The port that is listened on: the one asked for, or the one found where 0 was asked for. */
  port: number;
  /** No new requests; fulfils when the port is free. Answers under way are given up. Safe to repeat. */
  close(): Promise<void>;
}>;

/** Listens when it fulfils. Rejects with `AdminFault` LS_ADMIN_PORT. */
export function openAdmin(options: AdminOptions): Promise<Admin> {
  const token = adminToken(options.secret);
  const server = createServer((request, response) => {
    void answer(options, token, request, response);
  });
  server.requestTimeout = REQUEST_MS_MAX;
  server.headersTimeout = REQUEST_MS_MAX;
  server.maxConnections = 64;
  return new Promise((settle, reject) => {
    server.once('error', (error) => {
      const address = `${options.host}:${options.port}`;
      reject(new AdminFault('LS_ADMIN_PORT', adminFaults.LS_ADMIN_PORT(address, reason(error))));
    });
    server.listen(options.port, options.host, () => {
      settle({ port: portOf(server, options.port), close: () => closed(server) });
    });
  });
}

async function answer(
  { operations, log }: AdminOptions,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    if (!isAuthorized(request.headers.authorization, token))
      throw fault('LS_ADMIN_TOKEN', adminFaults.LS_ADMIN_TOKEN());
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    switch (path) {
      case '/status':
        requireMethod(request, path, 'GET');
        reply(response, 200, operations.status());
        return;
      case '/switchover':
        requireMethod(request, path, 'POST');
        reply(response, 200, await operations.switchover((await words(request, ['why'])).why));
        return;
      case '/access':
        reply(response, 200, await access(operations, request));
        return;
      case '/reload':
        requireMethod(request, path, 'POST');
        reply(response, 200, await operations.reload((await words(request, ['why'])).why));
        return;
      case '/force-active':
        requireMethod(request, path, 'POST');
        reply(response, 200, await operations.forceActive(await words(request, ['by', 'why'])));
        return;
      case '/stop': {
        requireMethod(request, path, 'POST');
        const { why } = await words(request, ['why']);
        // The answer must be out before the stop closes this very connection.
        response.once('finish', () => {
          operations.stop(why).catch((error: unknown) => {
            const text = adminFaults.LS_ADMIN_FAULT(reason(error));
            log.say({ level: 'error', text, code: 'LS_ADMIN_FAULT' });
          });
        });
        reply(response, 202, { pid: process.pid });
        return;
      }
      default:
        throw fault('LS_ADMIN_PATH', adminFaults.LS_ADMIN_PATH(path));
    }
  } catch (error) {
    const known =
      error instanceof AdminFault
        ? error
        : fault('LS_ADMIN_FAULT', adminFaults.LS_ADMIN_FAULT(reason(error)));
    if (!(error instanceof AdminFault)) log.say({ level: 'error', text: known.message, code: known.code });
    refuse(request, response, known);
  }
}

async function access(operations: Operations, request: IncomingMessage): Promise<unknown> {
  if (request.method === 'GET') return operations.access();
  requireMethod(request, '/access', 'POST');
  const change = changeFrom(await bodyOf(request));
  if (change === null) throw fault('LS_ADMIN_BODY', adminFaults.LS_ADMIN_BODY('a change of users or rules'));
  return operations.changeAccess(change);
}

const STATUS_OF: Readonly<Partial<Record<AdminFaultCode, number>>> = {
  LS_ADMIN_TOKEN: 401,
  LS_ADMIN_PATH: 404,
  LS_ADMIN_METHOD: 405,
  LS_ADMIN_BODY: 400,
};

function refuse(request: IncomingMessage, response: ServerResponse, { code, message }: AdminFault): void {
  if (response.headersSent) return;
  // What is left of a body that was refused is not waited for.
  if (!request.complete) response.setHeader('connection', 'close');
  reply(response, STATUS_OF[code] ?? 500, { code, why: message });
}

function requireMethod(request: IncomingMessage, path: string, method: string): void {
  if (request.method !== method) throw fault('LS_ADMIN_METHOD', adminFaults.LS_ADMIN_METHOD(path, method));
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

/** The named texts of a JSON body, each given and not empty. */
async function words<K extends string>(
  request: IncomingMessage,
  keys: readonly K[],
): Promise<Record<K, string>> {
  const wanted = `a JSON object with ${keys.join(' and ')}, at most ${BODY_BYTES_MAX} bytes`;
  const wrong = (): AdminFault => fault('LS_ADMIN_BODY', adminFaults.LS_ADMIN_BODY(wanted));
  const body = await bodyOf(request);
  const found: [K, string][] = [];
  for (const key of keys) {
    const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, key) : undefined;
    if (typeof value !== 'string' || value === '') throw wrong();
    found.push([key, value]);
  }
  return Object.fromEntries(found) as Record<K, string>; // Each key was put in just above.
}

/** Undefined: it is too long, or no JSON. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return parsed(Buffer.concat(chunks).toString('utf8'));
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

const fault = (code: AdminFaultCode, text: string): AdminFault => new AdminFault(code, text);
const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const portOf = (server: Server, asked: number): number => {
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : asked;
};

function closed(server: Server): Promise<void> {
  return new Promise((settle) => {
    server.close(() => settle());
    server.closeAllConnections();
  });
}
