/** A server that knows one user: alice, whose password is `correct horse`. Until servers know users it is one that knows none. */
import { serve, type TestServer } from '../harness/index.ts';

export const serveUsers = (): Promise<TestServer> => serve();
