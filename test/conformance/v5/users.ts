/** A server that knows one user: alice, whose password is `correct horse`. Whoever gives no name is let in, too. */
import { credentialFrom } from '../../../src/io/passwords/index.ts';
import { serve, type TestServer } from '../harness/index.ts';

export async function serveUsers(): Promise<TestServer> {
  const server = await serve();
  // As a generated password has it: hashed at the least cost.
  const credential = await credentialFrom({
    password: 'correct horse',
    isGenerated: true,
    scramIterations: null,
  });
  const change = { type: 'setUser', name: 'alice', credential } as const;
  server.serving.proposals.propose({ type: 'access', change }, null);
  await server.settles();
  return server;
}
